import { at, type NdArray, type Random, randomStream } from "../../core/index.ts";
import {
  centralRange,
  familywiseLimit,
  gini,
  gramMatrix,
  participationRatio,
  permutedEnergies,
  rankP,
  tokenPermutation,
  upperLimit,
} from "../../math/index.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { matmulOf } from "../kit/inputs.ts";
import {
  centredEnergy,
  cosCoefficients,
  excludedLogits,
  keyFrequencies,
  keyShare,
  projectOnTotals,
  restrictedLogits,
  sumByTotal,
  totals,
} from "./addition.ts";
import { headLogits } from "./groups.ts";
import { headLoss, partition, type SplitLosses, splitLosses, tabledLosses } from "./losses.ts";
import { fourierNorms, neuronToLogit } from "./neuron-to-logit.ts";
import { permutedSums } from "./permuted-sums.ts";

/** Permutations of the classes behind the null of W_L. */
export const CLASS_PERMUTATIONS = 399;
/** Token permutations behind the null of the coefficients. */
export const TOKEN_PERMUTATIONS = 200;
/** Sets of other frequencies that the losses are held beside. */
export const FREQUENCY_SETS = 20;

/** The range of a null. */
export type Limits = { lower: number; upper: number };

/** What `mechanism` finds in an addition model. */
export type AdditionResult = {
  kind: "addition";
  W_L_norms: number[];
  W_L_gini: number;
  W_L_gini_null: Limits;
  W_L_participation_ratio: number;
  W_L_participation_ratio_null: Limits;
  cos_coefficients: number[];
  cos_coefficients_null: number;
  key_frequencies: number[];
  key_frequencies_above_null: number[];
  logit_share: number;
  logit_share_null: number;
  logit_share_p: number;
  loss: SplitLosses;
  restricted_loss: SplitLosses;
  /** Null where fewer frequencies than the key ones are left to choose others from. */
  restricted_loss_null: Limits | null;
  excluded_loss: { all: number; train?: number; per_k?: Record<string, number> };
  excluded_loss_null: Limits | null;
  sum_sq_weights: Record<string, number>;
  left_out: string[];
};

/** Full, restricted and excluded loss: what the progress measures are made of (Nanda et al. 2023, section 5). */
export interface MechanismLosses {
  readonly loss: SplitLosses;
  readonly restricted: SplitLosses;
  readonly excluded: SplitLosses;
}

/** Restricted and excluded loss of addition logits [p², p] for given frequencies. */
export function maskedLosses(
  { config: { p }, targets, split }: Pick<AnalysisInput, "config" | "targets" | "split">,
  logits: NdArray<"float64">,
  frequencies: readonly number[],
  byTotal: Float64Array = sumByTotal(logits, p),
): Omit<MechanismLosses, "loss"> {
  const part = projectOnTotals(byTotal, p, frequencies);
  const parts = partition(split, p * p);
  return {
    restricted: tabledLosses(restrictedLogits(part, byTotal, p), totals(p), targets.data, parts),
    excluded: splitLosses(excludedLogits(logits, part, p), targets.data, parts),
  };
}

/** The losses of addition logits [p², p or more] for given key frequencies. */
export function additionLosses(
  input: Pick<AnalysisInput, "config" | "targets" | "split">,
  logits: NdArray<"float64">,
  frequencies: readonly number[],
  byTotal: Float64Array = sumByTotal(logits, input.config.p),
): MechanismLosses {
  const { p } = input.config;
  const own = headLogits(logits, { offset: 0, classes: p });
  return {
    loss: splitLosses(own, input.targets.data, partition(input.split, p * p)),
    ...maskedLosses(input, logits, frequencies, byTotal),
  };
}

const limits = (draws: readonly number[]) => centralRange(draws, 0.99);

/** As many other frequencies as there are key ones, by chance; undefined where fewer are left. */
export function otherFrequencies(key: readonly number[], p: number, random: Random): number[] | undefined {
  const others = Array.from({ length: (p - 1) / 2 }, (_, i) => i + 1).filter((k) => !key.includes(k));
  if (others.length < key.length) return undefined;
  return Array.from(random.permutation(others.length).slice(0, key.length), (i) => at(others, i));
}

/** Why {@link otherFrequencies} has nothing to give, for a summary. */
export function noOthers(key: readonly number[], frequencies: number): string {
  return `none, of ${frequencies} frequencies ${key.length} are key, which leaves fewer others`;
}

function repeated<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

/** Sum of squares of every stored tensor, biases included, by name. */
export function sumSqWeights(parameters: AnalysisInput["parameters"]): Record<string, number> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, tensor]) => {
      let total = 0;
      for (const value of tensor.data) total += value ** 2;
      return [name, total];
    }),
  );
}

/**
 * The coefficients under token permutations, [draws][frequencies]: (x0, x1) takes the logits of the tokens that the permutation
 * puts there.
 */
async function permutedCoefficients(input: AnalysisInput, logits: NdArray<"float64">, random: Random): Promise<number[][]> {
  const { p } = input.config;
  const places = repeated(TOKEN_PERMUTATIONS, () => {
    const order = tokenPermutation(p, random);
    const place = new Int32Array(p);
    order.forEach((token, x) => {
      place[token] = x;
    });
    return place;
  });
  const own = headLogits(logits, { offset: 0, classes: p });
  const { re, harmonics, draws } = await permutedSums(own, { m: p, c0: 1, c1: 1 }, places, matmulOf(input));
  return repeated(draws, (draw) => repeated(harmonics, (k) => at(re, k * draws + draw) / Math.sqrt(p ** 3 / 2)));
}

/** The mechanism of an addition model: one output head of p classes. */
export async function analyzeAddition(input: AnalysisInput, logits: NdArray<"float64">): Promise<AdditionResult> {
  const { p } = input.config;
  const permuted = randomStream(input.seed, "mechanism/permutations");
  const W_L = neuronToLogit(input.parameters, p); // [p, d_mlp]
  const W_L_norms = fourierNorms(W_L);
  const gram = gramMatrix(W_L);
  const energyDraws = repeated(CLASS_PERMUTATIONS, () => permutedEnergies(gram, permuted.permutation(p)));

  const byTotal = sumByTotal(logits, p);
  const energy = centredEnergy(logits, p);
  // Coefficients of logits that depend on nothing are rounding, which another order of the same sums changes.
  const real = (values: number[]) => (energy === 0 ? values.map(() => 0) : values);
  const coefficients = real(cosCoefficients(byTotal, p));
  const key = keyFrequencies(coefficients);
  const coefficientDraws = (await permutedCoefficients(input, logits, permuted)).map(real);
  const logit_share = keyShare(coefficients, energy);
  const shareDraws = coefficientDraws.map((draw) => keyShare(draw, energy));
  const cos_coefficients_null = familywiseLimit(
    coefficientDraws.map((draw) => draw.map(Math.abs)),
    0.99,
  );

  const losses = additionLosses(input, logits, key, byTotal);
  const targets = input.targets.data;
  const train = partition(input.split, p * p)?.train;
  const random = randomStream(input.seed, "mechanism/frequencies");
  const sets = repeated(FREQUENCY_SETS, () => otherFrequencies(key, p, random));
  const partDraws = sets.flatMap((others) => (others === undefined ? [] : [projectOnTotals(byTotal, p, others)]));
  const rangeOfOthers = (loss: (part: Float64Array) => number) => {
    const drawn = partDraws.map(loss);
    return drawn.length === 0 ? null : { lower: Math.min(...drawn), upper: Math.max(...drawn) };
  };
  const without = (part: Float64Array, rows?: Int32Array) => headLoss(excludedLogits(logits, part, p), targets, rows);

  return {
    kind: "addition",
    W_L_norms,
    W_L_gini: gini(W_L_norms),
    W_L_gini_null: limits(energyDraws.map((energies) => gini(energies.map(Math.sqrt)))),
    W_L_participation_ratio: participationRatio(W_L_norms.map((value) => value ** 2)),
    W_L_participation_ratio_null: limits(energyDraws.map(participationRatio)),
    cos_coefficients: coefficients,
    cos_coefficients_null,
    key_frequencies: key,
    key_frequencies_above_null: key.filter((k) => Math.abs(at(coefficients, k - 1)) > cos_coefficients_null),
    logit_share,
    logit_share_null: upperLimit(shareDraws, 0.99),
    logit_share_p: rankP(logit_share, shareDraws),
    loss: losses.loss,
    restricted_loss: losses.restricted,
    restricted_loss_null: rangeOfOthers(
      (part) => tabledLosses(restrictedLogits(part, byTotal, p), totals(p), targets, undefined).all,
    ),
    excluded_loss: {
      all: losses.excluded.all,
      ...(losses.excluded.train === undefined || train === undefined
        ? {}
        : {
            train: losses.excluded.train,
            per_k: Object.fromEntries(key.map((k) => [String(k), without(projectOnTotals(byTotal, p, [k]), train)])),
          }),
    },
    excluded_loss_null: rangeOfOthers((part) => without(part, train)),
    sum_sq_weights: sumSqWeights(input.parameters),
    left_out:
      train === undefined
        ? [
            "loss.train",
            "loss.test",
            "restricted_loss.train",
            "restricted_loss.test",
            "excluded_loss.train",
            "excluded_loss.per_k",
          ]
        : [],
  };
}
