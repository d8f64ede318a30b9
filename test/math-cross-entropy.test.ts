import assert from "node:assert/strict";
import { test } from "node:test";
import { float32, float64, int32, MiiiiError, randomStream } from "../src/core/index.ts";
import { headMetrics, metricsWithPart } from "../src/math/cross-entropy.ts";
import { assertAllClose } from "./helpers/assert.ts";

const failsWith = (code: string, pattern: RegExp) => (error: unknown) =>
  error instanceof MiiiiError && error.code === code && pattern.test(error.message);

/** The definition, −log softmax, at ordinary sizes of logits. */
function naive(logits: number[][], classes: number[], { offset, classes: width }: { offset: number; classes: number }) {
  const losses = logits.map((row, i) => {
    const part = row.slice(offset, offset + width).map(Math.exp);
    const total = part.reduce((a, b) => a + b, 0);
    return -Math.log((part[classes[i] as number] as number) / total);
  });
  return losses.reduce((a, b) => a + b, 0) / losses.length;
}

test("headMetrics is −log softmax and the argmax's hit rate, per head, at any row stride", () => {
  const random = randomStream(1, "test");
  const heads = [
    { offset: 0, classes: 2 },
    { offset: 2, classes: 3 },
    { offset: 5, classes: 5 },
  ];
  const logits = Array.from({ length: 20 }, () => Array.from({ length: 11 }, () => 2 * random.normal()));
  const targets = Array.from({ length: 20 }, () => heads.map((head) => random.integer(head.classes)));
  const got = headMetrics(float64(logits.flat(), [20, 11]), int32(targets.flat(), [20, 3]), heads);
  heads.forEach((head, h) => {
    const classes = targets.map((row) => row[h] as number);
    assertAllClose([got.loss[h] as number], [naive(logits, classes, head)], { rtol: 1e-13 });
    const hits = logits.filter((row, i) => {
      const part = row.slice(head.offset, head.offset + head.classes);
      return part.indexOf(Math.max(...part)) === classes[i];
    });
    assert.equal(got.accuracy[h], hits.length / 20);
  });
});

test("losses far below float32's resolution of the logits are exact", () => {
  // Differences of −d for k wrong classes: loss = log1p(k·exp(−d)), close to k·exp(−d).
  for (const [difference, wrong] of [
    [40, 4],
    [20.72, 1],
    [46.05, 112],
    [700, 1],
  ] as const) {
    const base = 96; // so that the logits themselves are large, as in trained models
    const row = [base, ...Array.from({ length: wrong }, () => base - difference)];
    const { loss, accuracy } = headMetrics(float64(row, [1, wrong + 1]), Int32Array.of(0), [{ offset: 0, classes: wrong + 1 }]);
    assertAllClose(loss, [Math.log1p(wrong * Math.exp(-difference))], { rtol: 1e-11 });
    assert.ok((loss[0] as number) > 0);
    assert.deepEqual(accuracy, [1]);
  }
  const single = headMetrics(float32([3, -37], [1, 2]), Int32Array.of(0), [{ offset: 0, classes: 2 }]);
  assertAllClose(single.loss, [Math.exp(-40)], { rtol: 1e-14 });
});

test("differences of a thousand neither overflow nor vanish", () => {
  const heads = [{ offset: 0, classes: 3 }];
  const { loss, accuracy } = headMetrics(float64([0, 1000, 1000, -1e300, 5, 5], [2, 3]), Int32Array.of(0, 1), heads);
  assertAllClose(loss, [(1000 + Math.LN2 + Math.LN2) / 2], { rtol: 1e-14 });
  assert.deepEqual(accuracy, [0.5]);
});

test("a tie is decided for the first class", () => {
  const heads = [{ offset: 0, classes: 3 }];
  assert.deepEqual(headMetrics(float64([1, 1, 1], [1, 3]), Int32Array.of(0), heads).accuracy, [1]);
  assert.deepEqual(headMetrics(float64([1, 1, 1], [1, 3]), Int32Array.of(1), heads).accuracy, [0]);
});

test("rows name the samples, whether the logits hold these alone or all of them", () => {
  const heads = [{ offset: 0, classes: 2 }];
  const targets = int32([0, 1, 1, 0], [4, 1]);
  const every = float64([1, 0, 3, 0, 0, 5, 2, 0], [4, 2]);
  const rows = Int32Array.of(2, 1);
  const named = float64([0, 5, 3, 0], [2, 2]);
  const expected = (Math.log1p(Math.exp(-5)) + 3 + Math.log1p(Math.exp(-3))) / 2;
  for (const logits of [every, named]) {
    const got = headMetrics(logits, targets, heads, rows);
    assertAllClose(got.loss, [expected], { rtol: 1e-14 });
    assert.deepEqual(got.accuracy, [0.5]);
  }
  assert.throws(() => headMetrics(every, targets, heads, Int32Array.of(3, 2, 1, 0)), failsWith("input", /ascending order/));
});

test("what does not fit is an error that says so", () => {
  const heads = [{ offset: 0, classes: 2 }];
  const logits = float64([0, 1], [1, 2]);
  assert.throws(() => headMetrics(logits, Int32Array.of(2), heads), failsWith("input", /must be in 0\.\.1, got 2/));
  assert.throws(() => headMetrics(logits, Int32Array.of(0, 0), heads), failsWith("input", /as many rows, got 1 and 2/));
  assert.throws(() => headMetrics(logits, Int32Array.of(0), [{ offset: 1, classes: 2 }]), failsWith("input", /within 2 columns/));
  assert.throws(() => headMetrics(logits, int32([0, 0], [1, 2]), heads), failsWith("input", /1 heads a sample/));
  assert.throws(() => headMetrics(logits, Int32Array.of(0), heads, Int32Array.of(1)), failsWith("input", /lie in 0\.\.0, got 1/));
  for (const bad of [float64([Number.NaN, 0], [1, 2]), float64([0, Number.NaN], [1, 2])]) {
    assert.throws(() => headMetrics(bad, Int32Array.of(0), heads), failsWith("numeric", /row 0, output head 0/));
  }
});

test("all samples and a part of them in one pass are what they are one after the other", () => {
  const random = randomStream(3, "part");
  const [n, heads] = [
    40,
    [
      { offset: 0, classes: 5 },
      { offset: 5, classes: 3 },
    ],
  ];
  const logits = float64(
    Float64Array.from({ length: n * 9 }, () => 3 * random.normal()),
    [n, 9],
  );
  const targets = int32(
    Int32Array.from({ length: 2 * n }, (_, i) => random.integer(i % 2 === 0 ? 5 : 3)),
    [n, 2],
  );
  const isPart = Uint8Array.from({ length: n }, (_, i) => (i % 3 === 0 ? 1 : 0));
  const rows = Int32Array.from({ length: n }, (_, i) => i).filter((i) => i % 3 === 0);
  const { all, part } = metricsWithPart(logits, targets, heads, isPart);
  assert.deepEqual(all, headMetrics(logits, targets, heads));
  assert.deepEqual(part, headMetrics(logits, targets, heads, rows));
  assert.equal(metricsWithPart(logits, targets, heads, new Uint8Array(n)).part, undefined);
});
