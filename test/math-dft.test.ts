import assert from "node:assert/strict";
import { test } from "node:test";
import { MiiiiError, randomStream } from "../src/core/index.ts";
import { dft, dot, fft2, fftshift, rfft, rfft2 } from "../src/math/index.ts";
import { assertAllClose } from "./helpers/assert.ts";

/** The definition, with the angle reduced first so that the oracle itself is exact to rounding. */
function naive(re: Float64Array, im: Float64Array) {
  const n = re.length;
  const out = { re: new Float64Array(n), im: new Float64Array(n) };
  for (let k = 0; k < n; k++) {
    for (let j = 0; j < n; j++) {
      const angle = (-2 * Math.PI * ((j * k) % n)) / n;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      out.re[k] = (out.re[k] as number) + (re[j] as number) * c - (im[j] as number) * s;
      out.im[k] = (out.im[k] as number) + (re[j] as number) * s + (im[j] as number) * c;
    }
  }
  return out;
}

function naive2(grid: Float64Array, n0: number, n1: number) {
  const out = { re: new Float64Array(n0 * n1), im: new Float64Array(n0 * n1) };
  for (let k0 = 0; k0 < n0; k0++) {
    for (let k1 = 0; k1 < n1; k1++) {
      let [re, im] = [0, 0];
      for (let x0 = 0; x0 < n0; x0++) {
        for (let x1 = 0; x1 < n1; x1++) {
          const angle = -2 * Math.PI * (((k0 * x0) % n0) / n0 + ((k1 * x1) % n1) / n1);
          re += (grid[x0 * n1 + x1] as number) * Math.cos(angle);
          im += (grid[x0 * n1 + x1] as number) * Math.sin(angle);
        }
      }
      out.re[k0 * n1 + k1] = re;
      out.im[k0 * n1 + k1] = im;
    }
  }
  return out;
}

const noise = (n: number, name: string) => {
  const random = randomStream(7, name);
  return Float64Array.from({ length: n }, () => random.normal());
};

// Every way to a transform: powers of two, small factors (7 and 4 are written out), primes above a smooth number, and all else
// (59, 94).
for (const n of [1, 2, 3, 4, 5, 7, 8, 11, 13, 30, 53, 59, 94, 97, 112, 113, 128]) {
  test(`dft of length ${n} is its definition, and keeps the energy (Parseval)`, () => {
    const [re, im] = [noise(n, "re"), noise(n, "im")];
    const [actual, expected] = [dft(re, im), naive(re, im)];
    const atol = 1e-14 * n;
    assertAllClose(actual.re, expected.re, { rtol: 0, atol });
    assertAllClose(actual.im, expected.im, { rtol: 0, atol });
    const energy = dot(re, re) + dot(im, im);
    assertAllClose([(dot(actual.re, actual.re) + dot(actual.im, actual.im)) / n], [energy], { rtol: 1e-13 });
  });
}

test("dft leaves its input alone, and plans of different lengths do not disturb each other", () => {
  const [a, b] = [noise(113, "a"), noise(53, "b")];
  const kept = a.slice();
  const first = dft(a);
  dft(b);
  assert.deepEqual(dft(a), first);
  assert.deepEqual(a, kept);
});

test("rfft has ⌊n/2⌋ + 1 entries, the first of the full transform", () => {
  for (const n of [4, 5, 112, 113]) {
    const x = noise(n, "x");
    const [half, full] = [rfft(x), dft(x)];
    assert.equal(half.re.length, Math.floor(n / 2) + 1);
    assertAllClose(half.re, full.re.slice(0, half.re.length));
    assertAllClose(half.im, full.im.slice(0, half.im.length));
  }
});

for (const [n0, n1] of [
  [5, 5],
  [11, 13],
  [13, 4],
  [6, 11],
] as const) {
  test(`fft2 and rfft2 of ${n0} × ${n1} are their definition`, () => {
    const grid = noise(n0 * n1, "grid");
    const expected = naive2(grid, n0, n1);
    const full = fft2(grid, n0, n1);
    assertAllClose(full.re, expected.re, { rtol: 0, atol: 1e-12 });
    assertAllClose(full.im, expected.im, { rtol: 0, atol: 1e-12 });
    const half = rfft2(grid, n0, n1);
    const width = Math.floor(n1 / 2) + 1;
    for (let k0 = 0; k0 < n0; k0++) {
      assertAllClose(half.re.slice(k0 * width, (k0 + 1) * width), expected.re.slice(k0 * n1, k0 * n1 + width), { atol: 1e-12 });
      assertAllClose(half.im.slice(k0 * width, (k0 + 1) * width), expected.im.slice(k0 * n1, k0 * n1 + width), { atol: 1e-12 });
    }
  });
}

test("fft2 of 113 × 113 finds a planted wave with its sign, and nothing else", () => {
  const p = 113;
  const grid = new Float64Array(p * p);
  for (let x0 = 0; x0 < p; x0++) {
    for (let x1 = 0; x1 < p; x1++) grid[x0 * p + x1] = Math.cos((2 * Math.PI * (17 * x0 - 5 * x1)) / p + 0.3);
  }
  const { re, im } = fft2(grid, p);
  const amplitude = (p * p) / 2;
  const found = Array.from(re, (value, i) => Math.hypot(value, im[i] as number))
    .map((value, i) => [i, value / amplitude] as const)
    .filter(([, value]) => value > 1e-9);
  assert.deepEqual(
    found.map(([i]) => [Math.floor(i / p), i % p]),
    [
      [17, 108],
      [96, 5],
    ],
  );
  assertAllClose(
    found.map(([, value]) => value),
    [1, 1],
    { rtol: 1e-12 },
  );
  const phase = Math.atan2(im[17 * p + 108] as number, re[17 * p + 108] as number);
  assertAllClose([phase], [0.3], { rtol: 1e-11 });
});

test("a large transform in between leaves nothing behind in a small one", () => {
  const [small, large] = [noise(25, "grid"), noise(31 * 31, "large")];
  const first = rfft2(small, 5);
  rfft2(large, 31);
  assert.deepEqual(rfft2(small, 5), first);
});

test("fftshift follows NumPy at odd and even lengths", () => {
  assert.deepEqual([...fftshift([0, 1, 2, 3, 4], 1, 5)], [3, 4, 0, 1, 2]);
  assert.deepEqual([...fftshift([0, 1, 2, 3], 4, 1)], [2, 3, 0, 1]);
  // 57 rows: row r of the shifted array held frequency (r + 29) mod 57.
  const rows = fftshift(
    Float64Array.from({ length: 57 }, (_, i) => i),
    57,
    1,
  );
  assert.deepEqual(
    [...rows],
    Array.from({ length: 57 }, (_, r) => (r + 29) % 57),
  );
});

test("lengths that do not fit are named", () => {
  const input = (pattern: RegExp) => (error: unknown) => error instanceof MiiiiError && pattern.test(error.message);
  assert.throws(() => dft([]), input(/dft: length must be a positive integer, got 0/));
  assert.throws(() => dft([1, 2], [1]), input(/must have 2 elements, got 1/));
  assert.throws(() => rfft2([1, 2, 3], 2, 2), input(/a 2 × 2 grid has 4 elements, got 3/));
  assert.throws(() => fftshift([1, 2, 3], 2, 2), input(/needs 4 elements, got 3/));
});
