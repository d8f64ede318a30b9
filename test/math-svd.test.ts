import assert from "node:assert/strict";
import { test } from "node:test";
import { float64, MiiiiError, type NdArray, type Random, randomStream, sizeOf, transpose } from "../src/core/index.ts";
import { gaussianSingularValues, mean, norm, std, svd } from "../src/math/index.ts";
import { jacobiSvd, pivotedQr } from "../src/math/jacobi-svd.ts";
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

/** A matrix of independent normal entries with the given shape and Frobenius norm. */
function gaussianMatrix(shape: readonly number[], frobenius: number, random: Random): NdArray<"float64"> {
  const data = Float64Array.from({ length: sizeOf(shape) }, () => random.normal());
  const scale = frobenius / norm(data);
  return float64(
    data.map((value) => value * scale),
    shape,
  );
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

/** Orthonormal factors that give the matrix back, to rounding. */
function assertDecomposes(matrix: NdArray<"float64">, what: string): Float64Array {
  const [m, n] = matrix.shape as [number, number];
  const rank = Math.min(m, n);
  const { U, singular_values: sigma, V } = svd(matrix);
  assert.deepEqual([U.shape, V.shape, sigma.length], [[m, rank], [n, rank], rank], what);
  const scale = sigma[0] || 1;
  const scaled = U.data.map((value, i) => value * (sigma[i % rank] as number));
  const again = product(float64(scaled, [m, rank]), transpose(V)).data;
  assertAllClose(
    again.map((x) => x / scale),
    matrix.data.map((x) => x / scale),
    { atol: 1e-12 },
  );
  for (const factor of [U, V]) assertAllClose(product(transpose(factor), factor).data, identity(rank), { atol: 1e-12 });
  assert.deepEqual(sigma, sigma.slice().sort().reverse(), what);
  return sigma;
}

test("svd ends on matrices of every rank with repeated rows or columns, tall and wide", () => {
  for (const [p, d] of [
    [7, 12],
    [59, 16],
    [113, 20],
    [251, 24],
  ] as const) {
    for (const rank of [0, 1, 2, 3]) {
      const { normal } = randomStream(p, `rank ${rank}`);
      const few = Array.from({ length: Math.max(rank, 1) }, () =>
        Float64Array.from({ length: d }, () => (rank === 0 ? 0 : normal())),
      );
      // Rows that depend on the token's residue alone, as W_E of a model that knows n mod 2 has them; rounded to float32 as
      // stored.
      const repeated = Float64Array.from({ length: p * d }, (_, i) =>
        Math.fround((few[Math.floor(i / d) % few.length] as Float64Array)[i % d] as number),
      );
      // The same plus a constant row of another size: nearly but not exactly repeated rows.
      const mixed = repeated.map((x, i) => x * (1 + (Math.floor(i / d) % 5)));
      for (const data of [repeated, mixed]) {
        const tall = float64(data, [p, d]);
        for (const matrix of [tall, transpose(tall)]) {
          const sigma = assertDecomposes(matrix, `p ${p}, rank ${rank}`);
          const known = sigma.filter((value) => value > 1e-12 * (sigma[0] ?? 0)).length;
          assert.equal(known, rank, `p ${p}: rank ${known}, planted ${rank}`);
        }
      }
    }
  }
});

test("svd keeps to its precision over graded values, one row, one column, and entries near the ends of the floats", () => {
  const { normal } = randomStream(8, "graded");
  const graded = Float64Array.from({ length: 31 * 17 }, (_, i) => normal() * 10 ** -(i % 17));
  assertDecomposes(float64(graded, [31, 17]), "graded");
  for (const shape of [
    [1, 9],
    [9, 1],
    [1, 1],
  ]) {
    assertDecomposes(float64(Float64Array.from({ length: sizeOf(shape) }, normal), shape), String(shape));
    assertDecomposes(float64(new Float64Array(sizeOf(shape)), shape), String(shape));
  }
  for (const size of [1e-300, 1e-320, 1e300]) {
    const small = svd(float64(Float64Array.from([3 * size, 0, 0, 4 * size, 0, 0]), [3, 2]));
    assertAllClose(small.singular_values, [4 * size, 3 * size], { rtol: 1e-3 });
  }
});

test("Jacobi's method, which takes the deficient matrices, agrees with ml-matrix on the others", () => {
  for (const [m, n] of [
    [31, 13],
    [13, 31],
    [113, 64],
  ] as const) {
    const matrix = gaussianMatrix([m, n], 1, randomStream(6, "both"));
    const ours = jacobiSvd(pivotedQr({ rows: m, columns: n, data: matrix.data }), { rows: m, columns: n }, Math.min(m, n));
    const theirs = svd(matrix);
    assertAllClose(ours.values, theirs.singular_values, { atol: 1e-12 });
    for (const [j, vector] of ours.U.entries()) {
      let overlap = 0;
      for (let i = 0; i < m; i++) overlap += (vector[i] as number) * (theirs.U.data[i * Math.min(m, n) + j] as number);
      assertAllClose([Math.abs(overlap)], [1], { rtol: 1e-9 });
    }
  }
});

test("the singular values of a Gaussian matrix are distributed as those of matrices drawn whole", () => {
  for (const shape of [
    [5, 11],
    [11, 5],
    [7, 7],
    [1, 3],
  ] as const) {
    const [one, other] = [randomStream(4, "alone"), randomStream(5, "whole")];
    const draws = 2000;
    const alone = Array.from({ length: draws }, () => gaussianSingularValues(shape, 2.5, one));
    const whole = Array.from({ length: draws }, () => svd(gaussianMatrix(shape, 2.5, other)).singular_values);
    for (const values of alone.slice(0, 20)) {
      assert.deepEqual(values, values.toSorted().toReversed());
      assertAllClose([norm(values)], [2.5]);
    }
    for (let i = 0; i < Math.min(...shape); i++) {
      const at = (set: readonly Float64Array[]) => set.map((values) => values[i] as number);
      const [a, b] = [at(alone), at(whole)];
      const error = Math.sqrt((std(a) ** 2 + std(b) ** 2) / draws);
      assert.ok(Math.abs(mean(a) - mean(b)) <= 3.5 * error + 1e-12, `${shape}, ${i}: ${mean(a)} and ${mean(b)}, error ${error}`);
      assert.ok(Math.abs(std(a) - std(b)) <= 0.1 * std(b) + 1e-12, `${shape}, ${i}: spread ${std(a)}, ${std(b)}`);
    }
  }
  assert.deepEqual(
    gaussianSingularValues([5, 3], 1, randomStream(1, "a")),
    gaussianSingularValues([5, 3], 1, randomStream(1, "a")),
  );
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
  assert.throws(() => svd(float64([1, 2], [2])), input(/svd: must be a matrix, got shape \[2\]/));
  assert.throws(() => svd(float64([], [0, 3])), input(/must have rows and columns, got shape \[0, 3\]/));
});
