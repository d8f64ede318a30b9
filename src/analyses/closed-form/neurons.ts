import { at, type NdArray, randomStream } from "../../core/index.ts";
import { quantile, sampleNeurons } from "../../math/index.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { type AdditiveParts, additiveParts } from "./additive.ts";
import { moduliOf } from "./dictionary.ts";
import { type BestPairs, bestPairs, type ClosedForm, closedForm, type Pairing, pairingsOf } from "./fit.ts";

/** Neurons behind the null: pooled over the draws they give its 99 % quantile to a few parts in a hundred. */
const NULL_NEURONS = 64;

/** Every neuron's closed form. */
export interface FittedNeurons {
  readonly parts: AdditiveParts;
  readonly pairings: readonly Pairing[];
  readonly best: BestPairs;
  /** Undefined for neurons that do not vary. */
  readonly forms: readonly (ClosedForm | undefined)[];
}

/** The tokens in their own order. */
export function inOrder(p: number): Int32Array {
  return Int32Array.from({ length: p }, (_, x) => x);
}

/** Fits the dictionary of the task's heads to the pre-activations [p², d_mlp] of a model. */
export function fitNeurons(
  where: string,
  { config, heads }: Pick<AnalysisInput, "config" | "heads">,
  pre: NdArray<"float64">,
): FittedNeurons {
  const { p } = config;
  const pairings = pairingsOf(moduliOf(where, config, heads), p);
  const parts = additiveParts(pre, p);
  const best = bestPairs(pairings, parts, inOrder(p));
  const forms = parts.live.map((alive, j) => {
    const pairing = pairings[at(best.pairing, j)];
    return alive && pairing !== undefined ? closedForm(parts, j, pairing, at(best.k, j)) : undefined;
  });
  return { parts, pairings, best, forms };
}

/**
 * The 99 % quantile of the best R² of 64 seeded live neurons under `draws` permutations of the tokens, the same one for both digits; 0
 * where no neuron varies.
 */
export function permutedLimit(
  { parts, pairings }: FittedNeurons,
  draws: number,
  seed: number,
): { limit: number; neurons: number } {
  const { p } = parts;
  const live = parts.live.flatMap((alive, j) => (alive ? [j] : []));
  if (live.length === 0) return { limit: 0, neurons: 0 };
  const chosen = Array.from(sampleNeurons(live.length, NULL_NEURONS, seed), (i) => at(live, i));
  const digits = new Float64Array(2 * p * (chosen.length + (chosen.length % 2)));
  chosen.forEach((j, i) => {
    digits.set(parts.digits.subarray(2 * j * p, 2 * (j + 1) * p), 2 * i * p);
  });
  const sampled = { neurons: chosen.length, digits, energy: Float64Array.from(chosen, (j) => at(parts.energy, j)) };
  const random = randomStream(seed, "closed-form/permutations");
  const found = new Float64Array(draws * chosen.length);
  for (let draw = 0; draw < draws; draw++) {
    found.set(bestPairs(pairings, sampled, random.permutation(p)).R2, draw * chosen.length);
  }
  return { limit: quantile(found, 0.99), neurons: chosen.length };
}
