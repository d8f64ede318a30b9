import assert from "node:assert/strict";
import { test } from "node:test";
import { float64, MiiiiError, type NdArray, randomStream, transpose } from "../src/core/index.ts";
import { gaussianMatrix, norm, singularValues, svd } from "../src/math/index.ts";
import { assertAllClose } from "./helpers/assert.ts";

/** A · B for row-major matrices. */
function product(a: NdArray<"float64">, b: NdArray<"float64">): NdArray<"float64"> {
  const [m, k, n] = [a.shape[0] as number, a.shape[1] as number, b.shape[1] as number];
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      for (let l = 0; l < k; l++) {
        out[i * n + j] = (out[i * n + j] as number) + (a.data[i * k + l] as number) * (b.data[l * n + j] as number);
      }
    }
  }
  return float64(out, [m, n]);
}

const identity = (n: number) => Float64Array.from({ length: n * n }, (_, i) => Number(Math.floor(i / n) === i % n));

for (const [m, n] of [
  [13, 5],
  [11, 31],
  [7, 7],
] as const) {
  test(`svd of ${m} × ${n}: orthonormal factors that give the matrix back`, () => {
    const matrix = gaussianMatrix([m, n], 3, randomStream(1, "svd"));
    const { U, singular_values: sigma, V } = svd(matrix);
    const rank = Math.min(m, n);
    assert.deepEqual([U.shape, V.shape, sigma.length], [[m, rank], [n, rank], rank]);
    const scaled = float64(
      U.data.map((value, i) => value * (sigma[i % rank] as number)),
      [m, rank],
    );
    assertAllClose(product(scaled, transpose(V)).data, matrix.data, { atol: 1e-13 });
    assertAllClose(product(transpose(U), U).data, identity(rank), { atol: 1e-13 });
    assertAllClose(product(transpose(V), V).data, identity(rank), { atol: 1e-13 });
    assertAllClose([norm(sigma)], [3]);
    assert.deepEqual(sigma, sigma.slice().sort().reverse());
    assertAllClose(singularValues(matrix), sigma, { rtol: 1e-12 });
  });
}

test("svd finds planted singular values and vectors, wide as well as tall", () => {
  const q = svd(gaussianMatrix([31, 4], 1, randomStream(2, "left"))).U;
  const r = svd(gaussianMatrix([13, 4], 1, randomStream(2, "right"))).U;
  const planted = [5, 2, 1, 0.25];
  const scaled = float64(
    q.data.map((value, i) => value * (planted[i % 4] as number)),
    [31, 4],
  );
  const tall = product(scaled, transpose(r));
  for (const matrix of [tall, transpose(tall)]) {
    const { singular_values: sigma, U } = svd(matrix);
    assert.equal(sigma.length, 13);
    assertAllClose(sigma, [...planted, ...new Array<number>(9).fill(0)], { atol: 1e-14 });
    const expected = matrix === tall ? q : r;
    const rows = expected.shape[0] as number;
    for (let j = 0; j < 4; j++) {
      let overlap = 0;
      for (let i = 0; i < rows; i++) overlap += (U.data[i * 13 + j] as number) * (expected.data[i * 4 + j] as number);
      assertAllClose([Math.abs(overlap)], [1], { rtol: 1e-12 });
    }
  }
});

for (const [m, n] of [
  [1, 1],
  [1, 5],
  [2, 2],
  [31, 31],
  [53, 113],
] as const) {
  test(`the singular values alone of ${m} × ${n} are those of the decomposition`, () => {
    for (const size of [1, 1e200, 1e-200]) {
      const matrix = gaussianMatrix([m, n], size, randomStream(4, "alone"));
      const expected = svd(gaussianMatrix([m, n], 1, randomStream(4, "alone"))).singular_values;
      const actual = singularValues(matrix).map((value) => value / size);
      assertAllClose(actual, expected, { rtol: 0, atol: 1e-13 });
    }
  });
}

test("the singular values alone of matrices that fall apart, and of nothing", () => {
  const values = (entries: readonly number[], m: number, n: number) => singularValues(float64(entries, [m, n]));
  assertAllClose(values([...identity(5)], 5, 5), [1, 1, 1, 1, 1], { rtol: 1e-15 });
  assertAllClose(values([0, 1, 0, 0, 0, 1, 0, 0, 0], 3, 3), [1, 1, 0], { atol: 1e-15 });
  assertAllClose(values([0, 0, 0, 0, 0, -5], 2, 3), [5, 0], { rtol: 1e-15 });
  assert.deepEqual([...values(new Array<number>(6).fill(0), 3, 2)], [0, 0]);
  const q = svd(gaussianMatrix([31, 3], 1, randomStream(5, "left"))).U;
  const r = svd(gaussianMatrix([13, 3], 1, randomStream(5, "right"))).U;
  assertAllClose(singularValues(product(q, transpose(r))), [1, 1, 1, ...new Array<number>(10).fill(0)], { atol: 1e-14 });
});

test("the sign of a pair makes the left vector's largest entry positive", () => {
  const matrix = gaussianMatrix([13, 31], 1, randomStream(3, "sign"));
  const negated = float64(
    matrix.data.map((value) => -value),
    matrix.shape,
  );
  const [a, b] = [svd(matrix), svd(negated)];
  assertAllClose(b.U.data, a.U.data, { atol: 1e-13 });
  assertAllClose(
    b.V.data.map((value) => -value),
    a.V.data,
    { atol: 1e-13 },
  );
  for (let j = 0; j < 13; j++) {
    const column = Array.from({ length: 13 }, (_, i) => a.U.data[i * 13 + j] as number);
    assert.ok(Math.max(...column) === Math.max(...column.map(Math.abs)));
  }
});

test("svd refuses what is not finite or not a matrix", () => {
  const input = (pattern: RegExp) => (error: unknown) => error instanceof MiiiiError && pattern.test(error.message);
  assert.throws(() => svd(float64([1, 2, Number.NaN, 4], [2, 2])), input(/svd: every entry must be finite, got NaN at \[1, 0\]/));
  assert.throws(() => singularValues(float64([1, 2], [2])), input(/svd: must be a matrix, got shape \[2\]/));
  assert.throws(() => singularValues(float64([], [0, 3])), input(/must have rows and columns, got shape \[0, 3\]/));
});
