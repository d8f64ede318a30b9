import assert from "node:assert/strict";

/** Tolerances: |actual − expected| ≤ atol + rtol·|expected|. */
export interface Tolerance {
  readonly rtol?: number;
  readonly atol?: number;
}

/** Fails, naming the first offending index, unless every entry is close to the expected one. */
export function assertAllClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { rtol = 1e-9, atol = 0 }: Tolerance = {},
): void {
  assert.equal(actual.length, expected.length, `length ${actual.length}, expected ${expected.length}`);
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i] as number, expected[i] as number];
    if (!(Math.abs(a - e) <= atol + rtol * Math.abs(e))) {
      assert.fail(`entry ${i}: expected ${e}, got ${a} (difference ${a - e}; rtol ${rtol}, atol ${atol})`);
    }
  }
}
