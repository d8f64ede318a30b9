/** Steps of the table to one halving, and the largest n of 2^(−n/64) in it; beyond it e^v is below 1e-38. */
const STEPS = 64;
const LENGTH = 128 * STEPS;
const LEAST = (-LENGTH / STEPS) * Math.LN2 + 1;

/** 2^(−n/64), n = 0, 1, … */
const POWERS = Float64Array.from({ length: LENGTH }, (_, n) => 2 ** (-n / STEPS));

/** ln 2 / 64 in two parts: the first has so few digits that its product with any n of the table is exact. */
const HIGH = Math.round((Math.LN2 / STEPS) * 2 ** 38) / 2 ** 38;
// ln 2 less its nearest double is 2.319e-17.
const LOW = Math.LN2 / STEPS - HIGH + 2.3190468138462996e-17 / STEPS;

/**
 * e^v for v ≤ 0, within two units in the last place: with n the nearest to −64·v/ln 2, e^v = 2^(−n/64)·e^r and |r| ≤ ln 2/128,
 * where five terms of the series suffice. Less than half of `Math.exp`'s time, which is what losses over a grid spend most of
 * theirs on.
 */
export function expBelow(v: number): number {
  if (v > LEAST) {
    const n = (0.5 - v * (STEPS / Math.LN2)) | 0;
    const r = v + n * HIGH + n * LOW;
    const square = r * r;
    const tail = square * (0.5 + r * (1 / 6) + square * (1 / 24 + r * (1 / 120)));
    return (POWERS[n] as number) * (1 + (r + tail));
  }
  return Math.exp(v);
}
