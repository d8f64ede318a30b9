import assert from "node:assert/strict";
import { test } from "node:test";
import { float64, randomStream } from "../src/core/index.ts";
import {
  basisLabels,
  dot,
  frequencyShares,
  gramMatrix,
  halfPlanePower,
  permutedEnergies,
  realFourier,
  sum,
  variance,
} from "../src/math/index.ts";
import { assertAllClose } from "./helpers/assert.ts";

const matrixOf = (p: number, n: number) => {
  const random = randomStream(1, "matrix");
  return float64(
    Float64Array.from({ length: p * n }, () => random.normal()),
    [p, n],
  );
};

/** The basis by its definition, [row][token]. */
const basis = (p: number) =>
  Array.from({ length: p }, (_, r) =>
    Float64Array.from({ length: p }, (_, x) => {
      const angle = (2 * Math.PI * Math.ceil(r / 2) * x) / p;
      return r === 0 ? 1 / Math.sqrt(p) : Math.sqrt(2 / p) * (r % 2 === 1 ? Math.cos(angle) : Math.sin(angle));
    }),
  );

for (const [p, n] of [
  [5, 3],
  [13, 7],
  [113, 4],
] as const) {
  test(`the real Fourier basis over ${p} tokens is orthonormal, and realFourier is its product with the matrix`, () => {
    const B = basis(p);
    B.forEach((a, i) => {
      B.forEach((b, j) => {
        assertAllClose([dot(a, b)], [Number(i === j)], { atol: 1e-13 });
      });
    });
    const matrix = matrixOf(p, n);
    const expected = B.flatMap((row) =>
      Array.from({ length: n }, (_, j) => row.reduce((total, value, x) => total + value * (matrix.data[x * n + j] as number), 0)),
    );
    assertAllClose(realFourier(matrix).data, expected, { atol: 1e-12 });
  });
}

test("the energies of a row order come from the Gram matrix as from the reordered matrix", () => {
  for (const [p, n] of [
    [11, 31],
    [113, 5],
  ] as const) {
    const matrix = matrixOf(p, n);
    const order = randomStream(2, "order").permutation(p);
    const moved = float64(
      matrix.data.map((_, i) => matrix.data[(order[Math.floor(i / n)] as number) * n + (i % n)] as number),
      [p, n],
    );
    const coefficients = realFourier(moved).data;
    const expected = Array.from({ length: p }, (_, r) =>
      dot(coefficients.slice(r * n, (r + 1) * n), coefficients.slice(r * n, (r + 1) * n)),
    );
    assertAllClose(permutedEnergies(gramMatrix(matrix), order), expected, { rtol: 1e-9, atol: 1e-10 });
  }
});

test("the basis rows are named const, cos 1, sin 1, …", () => {
  assert.deepEqual(basisLabels(5), ["const", "cos 1", "sin 1", "cos 2", "sin 2"]);
});

test("a frequency's share is that of its nine products by projection, the constant left out; the last k counts too", () => {
  const p = 11;
  const random = randomStream(3, "field");
  const field = Float64Array.from({ length: p * p }, () => random.normal());
  const B = basis(p);
  const total = variance(field) * p * p;
  const expected = Array.from({ length: (p - 1) / 2 }, (_, i) => {
    const triple = [0, 2 * i + 1, 2 * i + 2].map((r) => B[r] as Float64Array);
    let energy = 0;
    for (const a of triple) {
      for (const b of triple) {
        if (a === triple[0] && b === triple[0]) continue;
        let coefficient = 0;
        field.forEach((value, j) => {
          coefficient += value * (a[Math.floor(j / p)] as number) * (b[j % p] as number);
        });
        energy += coefficient ** 2;
      }
    }
    return energy / total;
  });
  assertAllClose(frequencyShares(halfPlanePower(field, p), p), expected, { rtol: 1e-9 });
  const last = Float64Array.from({ length: p * p }, (_, j) => Math.cos((2 * Math.PI * 5 * ((j % p) + Math.floor(j / p))) / p));
  assertAllClose(frequencyShares(halfPlanePower(last, p), p), [0, 0, 0, 0, 1], { atol: 1e-12 });
  assert.equal(sum(frequencyShares(new Float64Array(60), p)), 0);
});

test("columns without a mean have an energy of 0 at the constant, never one below", () => {
  for (const p of [7, 11, 113]) {
    const data = Float64Array.from({ length: p * 2 }, (_, i) =>
      (i % 2 === 0 ? Math.cos : Math.sin)((2 * Math.PI * 3 * Math.floor(i / 2)) / p),
    );
    const gram = gramMatrix(float64(data, [p, 2]));
    for (let draw = 0; draw < 20; draw++) {
      const energies = permutedEnergies(gram, randomStream(draw, "order").permutation(p));
      assert.ok(energies.every((energy) => energy >= 0) && (energies[0] as number) < 1e-9, `${energies[0]}`);
    }
  }
});
