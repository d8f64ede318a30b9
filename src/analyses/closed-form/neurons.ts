import { at, type NdArray, randomStream } from "../../core/index.ts";
import { beyondRounding, quantile, sampleNeurons } from "../../math/index.ts";
import type { AnalysisInput, Matmul } from "../kit/define.ts";
import { matmulOf } from "../kit/inputs.ts";
import { type AdditiveParts, additiveParts } from "./additive.ts";
import { moduliOf } from "./dictionary.ts";
import { type BestPairs, bestPairs, type ClosedForm, closedForm, type Dictionary, dictionaryOf, pairingsOf } from "./fit.ts";

/** Neurons behind the null: pooled over the draws they give its 99 % quantile to a few parts in a hundred. */
const NULL_NEURONS = 64;

/** Every neuron's closed form. */
export interface FittedNeurons {
  readonly parts: AdditiveParts;
  readonly dictionary: Dictionary;
  readonly best: BestPairs;
  /** Undefined for neurons that do not vary. */
  readonly forms: readonly (ClosedForm | undefined)[];
}

/** Fits the dictionary of the task's output heads to the pre-activations [p², d_mlp] of a model. */
export function fitNeurons(
  where: string,
  input: Pick<AnalysisInput, "config" | "heads" | "matmul">,
  pre: NdArray<"float64">,
): Promise<FittedNeurons> {
  return fitParts(where, input, additiveParts(pre, input.config.p));
}

/** {@link fitNeurons} from the additive parts of the pre-activations. */
export async function fitParts(
  where: string,
  input: Pick<AnalysisInput, "config" | "heads" | "matmul">,
  parts: AdditiveParts,
): Promise<FittedNeurons> {
  const { config, heads } = input;
  const { p } = config;
  const pairings = pairingsOf(moduliOf(where, config, heads), p);
  const dictionary = dictionaryOf(pairings, p);
  const best = await bestPairs(dictionary, parts, matmulOf(input));
  const forms = parts.live.map((alive, j) => {
    const pairing = pairings[at(best.pairing, j)];
    return alive && pairing !== undefined ? closedForm(parts, j, pairing, at(best.k, j)) : undefined;
  });
  return { parts, dictionary, best, forms };
}

/** The tokens of each vector [n, p] in another order, written from place `start` of `into` on. */
function reorder(vectors: Float64Array, order: Int32Array, into: Float64Array, start: number): void {
  const p = order.length;
  for (let row = 0; row < vectors.length; row += p) {
    for (let x = 0; x < p; x++) into[start + row + x] = vectors[row + (order[x] as number)] as number;
  }
}

/** Permutations that are fitted at a time. */
const TOGETHER = 8;

/** A null of {@link permutedLimit}. */
type Limit = { readonly limit: number; readonly neurons: number };

/** What is known of each model's parts, by draws, seed and dictionary. */
const LIMITS = new WeakMap<AdditiveParts, Map<string, Promise<Limit>>>();

/**
 * The 99 % quantile of the best R² of 64 seeded live neurons under `draws` permutations of the tokens, the same one for both
 * digits; 0 where no neuron varies.
 */
export function permutedLimit(
  fitted: Pick<FittedNeurons, "parts" | "dictionary">,
  draws: number,
  seed: number,
  matmul: Matmul,
): Promise<Limit> {
  const known = LIMITS.get(fitted.parts) ?? new Map<string, Promise<Limit>>();
  LIMITS.set(fitted.parts, known);
  const moduli = fitted.dictionary.pairings.map(({ modulus: { m, c0, c1 } }) => `${m} ${c0} ${c1}`);
  const key = JSON.stringify([draws, seed, moduli]);
  // Analyses that go through a run together ask for the same one.
  const limit = known.get(key) ?? drawLimit(fitted, draws, seed, matmul);
  known.set(key, limit);
  return limit;
}

async function drawLimit(
  { parts, dictionary }: Pick<FittedNeurons, "parts" | "dictionary">,
  draws: number,
  seed: number,
  matmul: Matmul,
): Promise<Limit> {
  const { p } = parts;
  const live = parts.live.flatMap((alive, j) => (alive ? [j] : []));
  if (live.length === 0) return { limit: 0, neurons: 0 };
  const chosen = Array.from(sampleNeurons(live.length, NULL_NEURONS, seed), (i) => at(live, i));
  const digits = new Float64Array(2 * p * chosen.length);
  chosen.forEach((j, i) => {
    digits.set(parts.digits.subarray(2 * j * p, 2 * (j + 1) * p), 2 * i * p);
  });
  const energy = Float64Array.from(chosen, (j) => at(parts.energy, j));
  const random = randomStream(seed, "closed-form/permutations");
  const found = new Float64Array(draws * chosen.length);
  for (let draw = 0; draw < draws; draw += TOGETHER) {
    const count = Math.min(TOGETHER, draws - draw);
    const permuted = new Float64Array(count * digits.length);
    for (let i = 0; i < count; i++) reorder(digits, random.permutation(p), permuted, i * digits.length);
    const energies = Float64Array.from({ length: count * energy.length }, (_, i) => energy[i % energy.length] as number);
    const several = { neurons: count * chosen.length, digits: permuted, energy: energies };
    found.set((await bestPairs(dictionary, several, matmul)).R2, draw * chosen.length);
  }
  return { limit: beyondRounding(quantile(found, 0.99)), neurons: chosen.length };
}
