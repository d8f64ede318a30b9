import { at, ensure, type Random } from "../core/index.ts";

/**
 * A relabelling of the p tokens, the same for both digits. Both digits read one W_E, so this is the only exact symmetry of a
 * model without structure: a statistic of an untrained model is as likely to be the largest of its permuted values as any of
 * them. (Two independent relabellings would also break the coherence that f(x0) and g(x1) have by chance, and limits drawn from
 * them are too low.)
 */
export type TokenPermutation = Int32Array;

/** A random token permutation. */
export function tokenPermutation(p: number, random: Random): TokenPermutation {
  return random.permutation(p);
}

/** `grid` [p, p] with row x0 taken from row `order[x0]` and column x1 from column `order[x1]`; written to `into` where given. */
export function permuteGrid(
  grid: ArrayLike<number>,
  order: TokenPermutation,
  into: Float64Array = new Float64Array(grid.length),
): Float64Array {
  const p = order.length;
  for (let i = 0; i < p; i++) {
    const row = (order[i] as number) * p;
    for (let j = 0; j < p; j++) into[i * p + j] = grid[row + (order[j] as number)] as number;
  }
  return into;
}

/**
 * Values so near to each other, relatively, are the same but for rounding. Few tokens have relabellings that leave a statistic
 * what it is (a sixth of those of 5 tokens, where the largest of all frequencies is asked for), computed in another order:
 * without this it would be rounding that decides whether the value lies above its own null.
 */
const TIE = 1e-9;

/** A limit that values exceed only by more than rounding. */
export function beyondRounding(limit: number): number {
  return limit + TIE * Math.abs(limit);
}

/**
 * The limit that one more draw exceeds with probability at most 1 − level: the ⌈level·(n + 1)⌉-th smallest of n draws, which is
 * exact for exchangeable draws, while an interpolated quantile of 200 draws is exceeded half as often again. What equals it up to
 * rounding does not exceed it. Throws for too few draws.
 */
export function upperLimit(draws: ArrayLike<number>, level: number): number {
  const rank = Math.ceil(level * (draws.length + 1) - 1e-9);
  ensure(
    rank <= draws.length,
    "input",
    () => `null: a limit at ${level} needs at least ${Math.ceil(level / (1 - level) - 1e-9)} draws, got ${draws.length}`,
  );
  return beyondRounding(at(Float64Array.from(draws).sort(), rank - 1));
}

/** The range that one more draw leaves on either side with probability at most (1 − level)/2; as {@link upperLimit}. */
export function centralRange(draws: ArrayLike<number>, level: number): { lower: number; upper: number } {
  const side = (1 + level) / 2;
  const upper = upperLimit(draws, side);
  const mirrored = upperLimit(
    Array.from(draws, (value) => -value),
    side,
  );
  // Subtracted, so that of zeros the limit is 0 and not −0.
  return { lower: 0 - mirrored, upper };
}

/**
 * The chance that a draw without structure is as large as `value`: (r + 1)/(n + 1), r of the n draws being at least as large
 * up to rounding; never 0, and exact for exchangeable draws.
 */
export function rankP(value: number, draws: ArrayLike<number>): number {
  let larger = 0;
  for (let i = 0; i < draws.length; i++) if (beyondRounding(at(draws, i)) >= value) larger++;
  return (larger + 1) / (draws.length + 1);
}

/** Pointwise limits of a statistic under a null. */
export interface Band {
  readonly lower: number[];
  readonly upper: number[];
}

/**
 * The pointwise band that holds one more draw at each index with probability `level`, as {@link centralRange}. Draws have equal
 * lengths.
 */
export function pointwiseBand(draws: readonly ArrayLike<number>[], level: number): Band {
  const first = draws[0];
  ensure(first !== undefined, "input", () => "band: needs at least one draw, got none");
  const ranges = Array.from({ length: first.length }, (_, i) =>
    centralRange(
      draws.map((draw) => at(draw, i)),
      level,
    ),
  );
  return { lower: ranges.map(({ lower }) => lower), upper: ranges.map(({ upper }) => upper) };
}

/**
 * The family-wise limit: {@link upperLimit} of each draw's maximum, which all of one more draw's values stay below that often.
 */
export function familywiseLimit(draws: readonly ArrayLike<number>[], level: number): number {
  return upperLimit(
    draws.map((draw) => {
      let largest = Number.NEGATIVE_INFINITY;
      for (let i = 0; i < draw.length; i++) largest = Math.max(largest, at(draw, i));
      return largest;
    }),
    level,
  );
}
