import assert from "node:assert/strict";
import { test } from "node:test";
import { MiiiiError, randomStream } from "../src/core/index.ts";
import {
  argmax,
  cosine,
  familywiseQuantile,
  gini,
  mean,
  median,
  participationRatio,
  pearson,
  permuteGrid,
  pointwiseBand,
  quantile,
  spearman,
  stableRank,
  std,
  tokenPermutation,
} from "../src/math/index.ts";
import { assertAllClose } from "./helpers/assert.ts";

test("mean and standard deviation are those of the population", () => {
  assert.equal(mean([1, 2, 3, 4]), 2.5);
  assertAllClose([std([2, 4, 4, 4, 5, 5, 7, 9])], [2]);
});

test("pearson ignores shift and scale, cosine scale alone; both are 0 against a constant or zero", () => {
  const random = randomStream(1, "x");
  const x = Float64Array.from({ length: 31 }, () => random.normal());
  const y = Float64Array.from({ length: 31 }, () => random.normal());
  const moved = x.map((value) => 3 - 2 * value);
  assertAllClose([pearson(moved, y)], [-pearson(x, y)]);
  assertAllClose(
    [
      cosine(
        x.map((value) => 5 * value),
        y,
      ),
    ],
    [cosine(x, y)],
  );
  assert.ok(Math.abs(cosine(moved, y) + cosine(x, y)) > 1e-3);
  assertAllClose([pearson([1, 2, 3, 4], [1, 3, 2, 4])], [0.8]);
  assert.equal(pearson([1, 2], [3, 3]), 0);
  assert.equal(cosine([0, 0], [1, 2]), 0);
});

test("gini: mean absolute difference over twice the mean", () => {
  const random = randomStream(2, "x");
  const x = Float64Array.from({ length: 53 }, () => random.uniform());
  let differences = 0;
  for (const a of x) for (const b of x) differences += Math.abs(a - b);
  assertAllClose([gini(x)], [differences / (2 * x.length ** 2 * mean(x))]);
  assert.equal(gini([4, 4, 4]), 0);
  assert.equal(gini([0, 0]), 0);
  assertAllClose([gini([0, 0, 0, 9])], [3 / 4]);
  assert.throws(() => gini([1, -1]), /must be at least 0, got -1/);
});

test("quantile interpolates between order statistics", () => {
  assert.equal(quantile([4, 1, 3, 2], 0), 1);
  assert.equal(quantile([4, 1, 3, 2], 1), 4);
  assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
  assertAllClose([quantile([10, 0, 5], 0.99)], [9.9]);
  assert.throws(() => quantile([1], 1.5), /level must lie in \[0, 1\], got 1.5/);
});

test("participation ratio and stable rank count equal parts", () => {
  assert.equal(participationRatio([2, 2, 2, 0, 0]), 3);
  assert.equal(participationRatio([0, 0]), 0);
  assert.equal(stableRank([3, 3, 0]), 2);
  assertAllClose([stableRank([4, 2])], [1.25]);
  assert.equal(stableRank([0]), 0);
});

test("argmax takes the first of equals", () => {
  assert.equal(argmax([1, 5, 5, 2]), 1);
});

test("nothing to count is named", () => {
  for (const statistic of [mean, gini, argmax, (x: number[]) => quantile(x, 0.5)]) {
    assert.throws(
      () => statistic([]),
      (error: unknown) => error instanceof MiiiiError && /at least one number, got none/.test(error.message),
    );
  }
  assert.throws(() => pearson([1], [1, 2]), /same length, got 1 and 2/);
});

test("a token permutation carries f(x0) + g(x1) to f(π0(x0)) + g(π1(x1))", () => {
  const p = 11;
  const random = randomStream(3, "permutation");
  const [f, g] = [0, 1].map(() => Float64Array.from({ length: p }, () => random.normal())) as [Float64Array, Float64Array];
  const grid = Float64Array.from({ length: p * p }, (_, i) => (f[Math.floor(i / p)] as number) + (g[i % p] as number));
  const permutation = tokenPermutation(p, random);
  const expected = grid.map((_, i) => {
    const [from0, from1] = [permutation.x0[Math.floor(i / p)] as number, permutation.x1[i % p] as number];
    return (f[from0] as number) + (g[from1] as number);
  });
  assert.deepEqual(permuteGrid(grid, permutation), expected);
  assert.notDeepEqual(permutation.x0, permutation.x1);
});

test("bands: pointwise holds each index, family-wise the maximum of all", () => {
  const random = randomStream(6, "band");
  const draws = Array.from({ length: 400 }, () => Float64Array.from({ length: 50 }, () => random.uniform()));
  const { lower, upper } = pointwiseBand(draws, 0.9);
  assertAllClose([mean(lower), mean(upper)], [0.05, 0.95], { atol: 0.01 });
  // The maximum of 50 uniforms stays below t with probability t^50.
  assertAllClose([familywiseQuantile(draws, 0.5)], [0.5 ** (1 / 50)], { atol: 0.003 });
});

test("the median is one of the numbers: the middle, of an even count the lower of two", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 3, 2]), 2);
  assert.throws(() => median([]), /needs at least one number/);
});

test("Spearman's correlation: ties at their mean, a published example", () => {
  const iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110];
  const hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17];
  assert.ok(Math.abs(spearman(iq, hours) - -29 / 165) < 1e-12);
  assert.ok(Math.abs(spearman([1, 2, 2, 3], [1, 2, 2, 3]) - 1) < 1e-12);
  assert.equal(spearman([1, 1], [1, 2]), 0);
});
