import assert from "node:assert/strict";
import { test } from "node:test";
import { crossPairs } from "../../src/analyses/circuits/pairs.ts";
import { embeddingLabels, withoutPart } from "../../src/analyses/circuits/parts.ts";
import { sizeClasses } from "../../src/analyses/circuits/size-classes.ts";
import { interactionAt } from "../../src/analyses/circuits/sufficiency.ts";
import { at, float64, type NdArray } from "../../src/core/index.ts";
import { mean, realFourier } from "../../src/math/index.ts";
import { assertAllClose } from "../helpers/assert.ts";
import { fieldsOf, normals } from "../helpers/spectral-input.ts";

test("taking out a frequency zeroes its two rows of the Fourier basis and nothing else; the '=' row stays", () => {
  const big = 31;
  const W_E = normals([big + 1, 5], "W_E");
  const spectrum = (matrix: NdArray<"float64">) => realFourier(float64(matrix.data.slice(0, big * 5), [big, 5])).data;
  const [before, edited] = [spectrum(W_E), withoutPart(W_E, big, 7, "frequency")];
  const after = spectrum(edited);
  before.forEach((value, i) => {
    const row = Math.floor(i / 5);
    assertAllClose([at(after, i)], [row === 13 || row === 14 ? 0 : value], { rtol: 1e-9, atol: 1e-12 });
  });
  assert.deepEqual(edited.data.slice(big * 5), W_E.data.slice(big * 5));
});

test("taking out a prime makes all residue classes' means equal, keeps the mean token, and removes q − 1 dimensions", () => {
  const big = 31;
  const W_E = normals([big + 1, 4], "W_E");
  const q = 5;
  const meanOf = (matrix: NdArray, chosen: (x: number) => boolean, j: number) =>
    mean(
      Array.from({ length: big }, (_, x) => x)
        .filter(chosen)
        .map((x) => at(matrix.data, 4 * x + j)),
    );
  const order = Int32Array.from({ length: big }, (_, x) => (x * 12 + 5) % big);
  for (const relabel of [undefined, order]) {
    const edited = withoutPart(W_E, big, q, "prime", relabel);
    for (let j = 0; j < 4; j++) {
      const whole = meanOf(W_E, () => true, j);
      for (let r = 0; r < q; r++)
        assertAllClose([meanOf(edited, (x) => (relabel?.[x] ?? x) % q === r, j)], [whole], { atol: 1e-12 });
    }
    assert.deepEqual(edited.data.slice(big * 4), W_E.data.slice(big * 4));
  }
  // As a map on tokens it is a projection whose complement has trace q − 1.
  let trace = 0;
  for (let x = 0; x < big; x++) {
    const unit = float64(
      Float64Array.from({ length: big + 1 }, (_, y) => Number(x === y)),
      [big + 1, 1],
    );
    trace += 1 - at(withoutPart(unit, big, q, "prime").data, x);
  }
  assertAllClose([trace], [q - 1], { rtol: 1e-12 });
  assert.deepEqual(embeddingLabels(big, "prime"), [2, 3, 5, 7, 11, 13]);
});

test("relabelled tokens: the same as taking the part out of the relabelled embedding", () => {
  const big = 31;
  const W_E = normals([big + 1, 3], "W_E");
  const order = Int32Array.from({ length: big }, (_, x) => (x * 7 + 2) % big);
  const relabelled = W_E.data.slice();
  order.forEach((to, x) => {
    relabelled.set(W_E.data.subarray(3 * x, 3 * x + 3), 3 * to);
  });
  for (const parts of ["frequency", "prime"] as const) {
    const direct = withoutPart(W_E, big, 5, parts, order).data;
    const through = withoutPart(float64(relabelled, [big + 1, 3]), big, 5, parts).data;
    order.forEach((to, x) => {
      assertAllClose(direct.slice(3 * x, 3 * x + 3), through.slice(3 * to, 3 * to + 3), { rtol: 1e-9, atol: 1e-12 });
    });
  }
});

test("a size class reaches down to, and without, half of its largest size", () => {
  assert.deepEqual(sizeClasses([4, 9, 1, 5, 18, 10]), [
    { size: 18, members: [4, 5] },
    { size: 9, members: [1, 3] },
    { size: 4, members: [0] },
    { size: 1, members: [2] },
  ]);
});

test("interaction: what is left without the means over either digit, at the samples asked for", () => {
  const fields = fieldsOf(7, [
    (x0, x1) => x0 ** 2 - 3 * x1 + 5,
    (x0, x1) => x0 * x1,
    (x0, x1) => 4 + x0 + 2 * (x0 - 3) * (x1 - 3),
  ]);
  const samples = Int32Array.from([0, 10, 48]);
  const left = interactionAt(fields, 7, samples);
  samples.forEach((sample, s) => {
    const [x0, x1] = [Math.floor(sample / 7), sample % 7];
    const product = (x0 - 3) * (x1 - 3);
    assertAllClose(left.data.slice(3 * s, 3 * s + 3), [0, product, 2 * product], { atol: 1e-10 });
  });
});

test("pairs: another task's loss beyond every random group's is told, with how many that gives by chance", () => {
  const none = {
    size: 4,
    draws: 9,
    accuracy_lost: { mean: [0, 0], largest: [0, 0] },
    loss_gained: { mean: [0, 0], largest: [0.5, 0.2] },
    others_accuracy_lost: null,
  };
  const ablations = {
    labels: [2, 3],
    sizes: [4, 3],
    accuracy_lost: [
      [1, 0],
      [0, 1],
    ],
    loss_gained: [
      [9, 0.3],
      [0.4, 9],
    ],
    null: [none],
    null_of: [0, 0],
  };
  const { pairs, of, expected } = crossPairs(ablations, [2, 3]);
  assert.deepEqual([pairs, of], [[{ group: 2, task: 3, loss_gained: 0.3 }], 2]);
  assertAllClose([expected], [0.2]);
});
