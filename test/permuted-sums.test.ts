import assert from "node:assert/strict";
import { test } from "node:test";
import { doubleCentred, energyOf, groupKernel } from "../src/analyses/logits/groups.ts";
import { permutedSums, sharesOf } from "../src/analyses/logits/permuted-sums.ts";
import { at, float64, type NdArray, randomStream } from "../src/core/index.ts";
import { headAccuracy, headMetrics, matmul, quickExp, tokenPermutation } from "../src/math/index.ts";
import { assertAllClose } from "./helpers/assert.ts";
import { normals } from "./helpers/spectral-input.ts";

const product = async (a: NdArray<"float64">, b: NdArray<"float64">) => matmul(a, b);

test("the sums are those over samples and classes, written out, at every modulus", async () => {
  const p = 13;
  for (const m of [2, 3, 7, 13]) {
    const random = randomStream(m, "test/sums");
    const logits = normals([p * p, m], `logits ${m}`);
    const orders = [Int32Array.from({ length: p }, (_, x) => x), tokenPermutation(p, random), tokenPermutation(p, random)];
    const c1 = m === 13 ? 1 : p % m;
    const { re, im, harmonics, draws } = await permutedSums(logits, { m, c0: 1, c1 }, orders, product);
    assert.deepEqual([harmonics, draws], [m === 2 ? 1 : (m - 1) / 2, 3]);
    const centred = doubleCentred(logits);
    const shares = sharesOf(await permutedSums(centred, { m, c0: 1, c1 }, orders, product), m, p * p, energyOf(centred));
    orders.forEach((order, draw) => {
      const residue = Int32Array.from({ length: p * p }, (_, i) => {
        return (at(order, Math.floor(i / p)) + c1 * at(order, i % p)) % m;
      });
      for (let k = 1; k <= harmonics; k++) {
        let [real, imaginary] = [0, 0];
        residue.forEach((n, i) => {
          for (let c = 0; c < m; c++) {
            const angle = (2 * Math.PI * k * (n - c)) / m;
            real += at(logits.data, i * m + c) * Math.cos(angle);
            imaginary += m === 2 ? 0 : at(logits.data, i * m + c) * Math.sin(angle);
          }
        });
        const place = (k - 1) * draws + draw;
        assertAllClose([at(re, place), at(im, place)], [real, imaginary], { rtol: 1e-9, atol: 1e-9 });
      }
      // The share of (n − c) mod m, from its least-squares fit.
      const kernel = groupKernel(centred, residue);
      const share = (p * p * kernel.reduce((sum, value) => sum + value ** 2, 0)) / energyOf(centred);
      assertAllClose([at(shares, draw)], [share], { rtol: 1e-9 });
    });
  }
});

test("e^v is Math.exp's to a few units in the last place; accuracies alone are those that come with the losses", () => {
  const random = randomStream(0, "test/exp");
  for (const v of [0, -0, -1e-300, -87.6, -87.7, -88, -700, -745, -800, 87.6, 87.8, 700, Number.NEGATIVE_INFINITY])
    assertAllClose([quickExp(v)], [Math.exp(v)], { rtol: 1e-15 });
  for (let i = 0; i < 10_000; i++) {
    const v = (i % 2 === 0 ? -100 : 100) * random.uniform() ** 4;
    assert.ok(Math.abs(quickExp(v) / Math.exp(v) - 1) <= 4 * 2 ** -52, `e^${v}`);
  }
  assert.equal(quickExp(710), Number.POSITIVE_INFINITY);
  assert.ok(Number.isNaN(quickExp(Number.NaN)));
  const heads = [
    { offset: 0, classes: 3 },
    { offset: 3, classes: 5 },
  ];
  const logits = normals([40, 8], "accuracy");
  const targets = Int32Array.from({ length: 80 }, (_, i) => random.integer(i % 2 === 0 ? 3 : 5));
  const rows = Int32Array.of(3, 5, 20);
  assert.deepEqual(headAccuracy(logits, targets, heads), headMetrics(logits, targets, heads).accuracy);
  assert.deepEqual(headAccuracy(logits, targets, heads, rows), headMetrics(logits, targets, heads, rows).accuracy);
  const broken = float64(logits.data.slice().fill(Number.NaN, 0, 8), [40, 8]);
  assert.throws(() => headAccuracy(broken, targets, heads), /must be finite/);
});
