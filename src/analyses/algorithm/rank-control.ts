import { at, randomStream } from "../../core/index.ts";
import { pearson, rankP, ranks, spearman } from "../../math/index.ts";

/** Permutations behind {@link RankControl}'s `probability`. */
export const RANK_DRAWS = 999;

/** What a rank correlation over tasks owes to their moduli alone. */
export type RankControl = {
  /** Rank correlation of −q with accuracy. */
  modulus_correlation: number;
  /** Rank correlation that is left when what q explains of both ranks is taken from them. */
  partial_correlation: number;
  /** (draws that reach `partial_correlation` + 1) / (draws + 1), what is left of the ranks permuted among the tasks. */
  probability: number;
};

/** Ranks less their linear fit on the ranks of q; all 0 where q explains them to rounding. */
function beyond(values: readonly number[], moduli: readonly number[]): Float64Array {
  const [own, by] = [ranks(values), ranks(moduli)];
  const middle = (values.length + 1) / 2;
  const spread = by.reduce((sum, rank) => sum + (rank - middle) ** 2, 0);
  const slope = own.reduce((sum, rank, i) => sum + (rank - middle) * (at(by, i) - middle), 0) / spread;
  const left = own.map((rank, i) => rank - middle - slope * (at(by, i) - middle));
  return left.every((value) => Math.abs(value) < 1e-9 * values.length) ? left.fill(0) : left;
}

/**
 * Whether `measure` ranks the tasks' accuracies beyond what the size of q alone does: a larger task is harder, has the lower
 * accuracy by chance, and has more wrong classes for a margin to beat, so that the two are ranked alike without structure too.
 *
 * Null for fewer than four tasks: three ranks less their trend leave one number.
 */
export function rankControl(
  measure: readonly number[],
  accuracy: readonly number[],
  moduli: readonly number[],
  seed: number,
): RankControl | null {
  if (moduli.length < 4) return null;
  const [left, right] = [beyond(measure, moduli), beyond(accuracy, moduli)];
  const partial = pearson(left, right);
  const random = randomStream(seed, "algorithm/ranks");
  const draws = Float64Array.from({ length: RANK_DRAWS }, () =>
    pearson(
      Array.from(random.permutation(left.length), (i) => at(left, i)),
      right,
    ),
  );
  return {
    modulus_correlation: spearman(
      moduli.map((q) => -q),
      accuracy,
    ),
    partial_correlation: partial,
    probability: rankP(partial, draws),
  };
}
