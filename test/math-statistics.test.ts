import assert from "node:assert/strict";
import { test } from "node:test";
import { MiiiiError, randomStream } from "../src/core/index.ts";
import {
  argmax,
  centralRange,
  cosine,
  familywiseLimit,
  gini,
  mean,
  median,
  participationRatio,
  pearson,
  permuteGrid,
  pointwiseBand,
  quantile,
  rankP,
  ranks,
  spearman,
  stableRank,
  std,
  tokenPermutation,
  upperLimit,
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

test("a token permutation relabels both digits alike: f(x0) + g(x1) becomes f(π(x0)) + g(π(x1))", () => {
  const p = 11;
  const random = randomStream(3, "permutation");
  const [f, g] = [0, 1].map(() => Float64Array.from({ length: p }, () => random.normal())) as [Float64Array, Float64Array];
  const grid = Float64Array.from({ length: p * p }, (_, i) => (f[Math.floor(i / p)] as number) + (g[i % p] as number));
  const permutation = tokenPermutation(p, random);
  const expected = grid.map((_, i) => {
    const [from0, from1] = [permutation[Math.floor(i / p)] as number, permutation[i % p] as number];
    return (f[from0] as number) + (g[from1] as number);
  });
  assert.deepEqual(permuteGrid(grid, permutation), expected);
  // The diagonal is permuted into itself: what x0 = x1 has in common survives.
  const diagonal = (values: ArrayLike<number>) => Array.from({ length: p }, (_, x) => values[x * p + x] as number).sort();
  assert.deepEqual(diagonal(permuteGrid(grid, permutation)), diagonal(grid));
});

test("bands: pointwise holds each index, family-wise the maximum of all", () => {
  const random = randomStream(6, "band");
  const draws = Array.from({ length: 400 }, () => Float64Array.from({ length: 50 }, () => random.uniform()));
  const { lower, upper } = pointwiseBand(draws, 0.9);
  assertAllClose([mean(lower), mean(upper)], [0.05, 0.95], { atol: 0.01 });
  // The maximum of 50 uniforms stays below t with probability t^50.
  assertAllClose([familywiseLimit(draws, 0.5)], [0.5 ** (1 / 50)], { atol: 0.003 });
});

test("a limit is the draw that one more exceeds in at most 1 % of cases, the second largest of 200; fewer than 99 have none", () => {
  const draws = Array.from({ length: 200 }, (_, i) => i);
  // Limits lie beyond their draw by what rounding may add, a billionth of it.
  const nearly = { rtol: 2e-9, atol: 0 };
  assertAllClose([upperLimit(draws, 0.99), upperLimit(draws.slice(0, 99), 0.99)], [198, 98], nearly);
  assert.throws(() => upperLimit(draws.slice(0, 98), 0.99), /a limit at 0.99 needs at least 99 draws, got 98/);
  const few = centralRange(draws.slice(0, 39), 0.95);
  const falling = centralRange(
    Array.from({ length: 399 }, (_, i) => -i),
    0.99,
  );
  assertAllClose([few.lower, few.upper, falling.lower, falling.upper], [0, 38, -397, -1], nearly);
  assert.ok(falling.lower < -397 && falling.upper > -1, "outwards on both sides");
});

test("exchangeable draws exceed their limits as often as is said, and their ranks are uniform", () => {
  const random = randomStream(9, "exchangeable");
  const trials = 4000;
  let [above, outside, small] = [0, 0, 0];
  for (let trial = 0; trial < trials; trial++) {
    const draws = Float64Array.from({ length: 200 }, () => random.normal() ** 3);
    const value = random.normal() ** 3;
    const { lower, upper } = centralRange(draws, 0.9);
    if (value > upperLimit(draws, 0.99)) above++;
    if (value < lower || value > upper) outside++;
    if (rankP(value, draws) <= 0.05) small++;
  }
  // 2 of 201, 20 of 201 and 10 of 201; three standard deviations.
  assertAllClose([above / trials, outside / trials, small / trials], [2 / 201, 20 / 201, 10 / 201], { rtol: 0, atol: 0.0145 });
  assert.ok(above / trials < 0.0148);
});

test("a rank's p is never 0 and counts ties against the value", () => {
  const draws = Array.from({ length: 199 }, (_, i) => i);
  assert.deepEqual([rankP(1000, draws), rankP(198, draws), rankP(-1, draws)], [1 / 200, 2 / 200, 1]);
  // A tie that rounding has moved is one still, on either side of zero.
  const [third, negative] = [0.1 + 0.2, -0.1 - 0.2];
  assert.deepEqual([rankP(third, [0.3]), rankP(negative, [negative - 1e-16]), rankP(0.31, [0.3])], [1, 1, 1 / 2]);
  assert.ok(third > 0.3 && third <= upperLimit(Array(99).fill(0.3), 0.99));
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

test("ranks: equal numbers share their mean rank", () => {
  assert.deepEqual([...ranks([3, 1, 2, 2])], [4, 1, 2.5, 2.5]);
  assert.deepEqual([...ranks([5, 5, 5])], [2, 2, 2]);
});
