import { at, ensure, type Random } from "../core/index.ts";
import { quantile } from "./statistics.ts";

/**
 * A relabelling of the tokens: the x0-values and the x1-values permuted independently. It keeps all structure of the form
 * f(x0) + g(x1), and functions of that, and destroys periodicity.
 */
export interface TokenPermutation {
  readonly x0: Int32Array;
  readonly x1: Int32Array;
}

/** A random token permutation of p tokens at each position. */
export function tokenPermutation(p: number, random: Random): TokenPermutation {
  return { x0: random.permutation(p), x1: random.permutation(p) };
}

/** `grid` [p, p] with row x0 taken from row `x0[x0]` and column x1 from column `x1[x1]`; written to `into` where given. */
export function permuteGrid(
  grid: ArrayLike<number>,
  { x0, x1 }: TokenPermutation,
  into: Float64Array = new Float64Array(grid.length),
): Float64Array {
  const p = x1.length;
  for (let i = 0; i < x0.length; i++) {
    const row = (x0[i] as number) * p;
    for (let j = 0; j < p; j++) into[i * p + j] = grid[row + (x1[j] as number)] as number;
  }
  return into;
}

/** Pointwise limits of a statistic under a null. */
export interface Band {
  readonly lower: number[];
  readonly upper: number[];
}

/** The pointwise band that holds `level` of the draws at each index: quantiles (1−level)/2 and (1+level)/2. Draws have equal lengths. */
export function pointwiseBand(draws: readonly ArrayLike<number>[], level: number): Band {
  const first = draws[0];
  ensure(first !== undefined, "input", () => "band: needs at least one draw, got none");
  const across = Array.from({ length: first.length }, (_, i) => draws.map((draw) => at(draw, i)));
  return {
    lower: across.map((values) => quantile(values, (1 - level) / 2)),
    upper: across.map((values) => quantile(values, (1 + level) / 2)),
  };
}

/** The family-wise limit: the quantile at `level` of each draw's maximum, which all of a draw's values stay below that often. */
export function familywiseQuantile(draws: readonly ArrayLike<number>[], level: number): number {
  return quantile(
    draws.map((draw) => {
      let largest = Number.NEGATIVE_INFINITY;
      for (let i = 0; i < draw.length; i++) largest = Math.max(largest, at(draw, i));
      return largest;
    }),
    level,
  );
}
