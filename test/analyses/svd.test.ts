import assert from "node:assert/strict";
import { test } from "node:test";
import { svd } from "../../src/analyses/svd/index.ts";
import { float64, MiiiiError } from "../../src/core/index.ts";
import { svd as decompose } from "../../src/math/index.ts";
import { assertAllClose } from "../helpers/assert.ts";
import { checkContract, inputWith, normals } from "../helpers/spectral-input.ts";

const p = 31;
const d_model = 16;
const options = { vectors: 6, draws: 40 };

/** Σ σ_i u_i v_iᵀ with given left vectors, and a '=' row that must not matter. */
function embedding(left: readonly ((x: number) => number)[], sigma: readonly number[]) {
  const { V } = decompose(normals([p, d_model], "right"));
  const data = new Float64Array((p + 1) * d_model).fill(50, p * d_model);
  left.forEach((u, i) => {
    const column = Float64Array.from({ length: p }, (_, x) => u(x));
    const length = Math.hypot(...column);
    for (let x = 0; x < p; x++) {
      for (let j = 0; j < d_model; j++) {
        const index = x * d_model + j;
        data[index] =
          (data[index] as number) +
          (((sigma[i] as number) * (column[x] as number)) / length) * (V.data[j * d_model + i] as number);
      }
    }
  });
  return float64(data, [p + 1, d_model]);
}

const wave =
  (k: number, phase = 0) =>
  (x: number) =>
    Math.cos((2 * Math.PI * k * x) / p + phase);

test("planted singular values, indices, ranks and frequencies are found", async () => {
  const W_E = embedding([wave(3), wave(7), wave(11), wave(15)], [4, 3, 2, 1]);
  const result = await checkContract(svd, inputWith({ p, d_model, W_E }), { options });
  assert.deepEqual(result.shape, [p, d_model]);
  assertAllClose(result.singular_values, [4, 3, 2, 1, ...new Array<number>(12).fill(0)], { atol: 1e-12 });
  // Σσ: 0.4, 0.7, 0.9, 1; Σσ²: 16/30, 25/30, 29/30, 1.
  assertAllClose(result.paper.cumulative.slice(0, 4), [0.4, 0.7, 0.9, 1]);
  assertAllClose(result.sound.cumulative.slice(0, 4), [16 / 30, 25 / 30, 29 / 30, 1]);
  assert.deepEqual([result.paper.index50, result.sound.index50, result.sound.index90], [0, -1, 1]);
  assertAllClose([result.stable_rank, result.participation_ratio], [30 / 16, 900 / (256 + 81 + 16 + 1)]);
  assert.deepEqual(
    result.vectors.slice(0, 4).map(({ peak }) => peak.k),
    [3, 7, 11, 15],
  );
  assertAllClose(
    result.vectors.slice(0, 4).map(({ peak }) => peak.share),
    [1, 1, 1, 1],
  );
  for (const { entries, periodogram } of result.vectors) {
    assertAllClose([periodogram.reduce((a, b) => a + b)], [1]);
    assert.equal(Math.max(...entries), Math.max(...entries.map(Math.abs)));
  }
  assert.ok(result.null.peak_share < 0.6);
});

test("two directions of equal σ are one subspace, whose periodogram does not depend on how they are mixed", async () => {
  const mixed = (angle: number) => [
    (x: number) => Math.cos(angle) * wave(3)(x) + Math.sin(angle) * wave(3, Math.PI / 2)(x),
    (x: number) => -Math.sin(angle) * wave(3)(x) + Math.cos(angle) * wave(3, Math.PI / 2)(x),
    wave(9),
  ];
  for (const angle of [0, 0.7]) {
    const { subspaces } = await svd.run(inputWith({ p, d_model, W_E: embedding(mixed(angle), [4, 4, 1]) }), {
      vectors: 3,
      draws: 40,
    });
    assert.deepEqual(
      subspaces.map(({ first, last, peak }) => [first, last, peak.k]),
      [
        [0, 1, 3],
        [2, 2, 9],
      ],
    );
    assertAllClose([subspaces[0]?.peak.share ?? 0], [1], { rtol: 1e-6 });
    assert.ok((subspaces[0]?.null_share ?? 1) < (subspaces[1]?.null_share ?? 0));
  }
});

test("a slowly falling spectrum is not one chain of ties", async () => {
  const sigma = [1, 0.97, 0.94, 0.91, 0.88, 0.85];
  const W_E = embedding(
    sigma.map((_, i) => wave(2 * i + 1)),
    sigma,
  );
  const { subspaces } = await svd.run(inputWith({ p, d_model, W_E }), { vectors: 6, draws: 40 });
  assert.deepEqual(
    subspaces.map(({ first, last }) => [first, last]),
    [
      [0, 1],
      [2, 3],
      [4, 5],
    ],
  );
});

test("a Gaussian embedding lies within its null and shows no frequency", async () => {
  const W_E = normals([p + 1, d_model], "tokens", 3);
  const result = await svd.run(inputWith({ p, d_model, W_E }), { vectors: 6, draws: 40 });
  const { null: none } = result;
  const within = (value: number, [low, high]: readonly [number, number]) => value >= low - 1 && value <= high + 1;
  assert.ok(within(result.paper.index50, none.paper.index50) && within(result.paper.index90, none.paper.index90));
  assert.ok(within(result.participation_ratio, none.participation_ratio));
  const outside = result.singular_values.filter(
    (value, i) => value < (none.singular_values.lower[i] ?? 0) || value > (none.singular_values.upper[i] ?? 0),
  );
  assert.ok(outside.length <= 3, `${outside.length} outside`);
  assert.ok(result.vectors.every(({ peak }) => peak.share < none.peak_share));
});

test("a Gaussian 113 × 256 matrix reads about 39 and 90 by the paper's indices", async () => {
  const input = inputWith({ p: 113, d_model: 256, d_mlp: 4, W_E: normals([114, 256], "large") });
  const { paper } = await svd.run(input, { vectors: 1, draws: 40 });
  assertAllClose([paper.index50, paper.index90], [39, 89.5], { atol: 1, rtol: 0 });
});

test("a zero embedding is finite, one with NaN is refused", async () => {
  const zero = await svd.run(
    inputWith({ p, d_model, W_E: float64(new Float64Array((p + 1) * d_model), [p + 1, d_model]) }),
    options,
  );
  assert.deepEqual([zero.stable_rank, zero.participation_ratio, zero.null.stable_rank], [0, 0, [0, 0]]);
  const data = new Float64Array((p + 1) * d_model);
  data[17] = Number.NaN;
  assert.throws(
    () => svd.run(inputWith({ p, d_model, W_E: float64(data, [p + 1, d_model]) }), options),
    (error: unknown) =>
      error instanceof MiiiiError && /embed.W_E: every entry must be finite, got NaN at \[1, 1\]/.test(error.message),
  );
});
