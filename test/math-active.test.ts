import assert from "node:assert/strict";
import { test } from "node:test";
import { float64, MiiiiError, type NdArray, type Random, randomStream } from "../src/core/index.ts";
import {
  FFT_EFFORT,
  fft2,
  frequencyOf,
  frequencyShares,
  halfPlanePower,
  isDead,
  matmul,
  mean,
  NULL_DRAWS,
  nominalActive,
  OMEGA_EFFORT,
  omegaRow,
  PermutedAxes,
  paperBins,
  partRanges,
  permuteGrid,
  powersByProducts,
  sampleNeurons,
  soundActive,
  sum,
  tokenNull,
  tokenPermutation,
  variance,
} from "../src/math/index.ts";
import { assertAllClose } from "./helpers/assert.ts";

const field = (p: number, value: (x0: number, x1: number) => number) =>
  Float64Array.from({ length: p * p }, (_, i) => value(Math.floor(i / p), i % p));

const noiseGrids = (p: number, count: number, seed = 1) => {
  const random = randomStream(seed, "noise");
  return Array.from({ length: count }, () => field(p, () => Math.max(0, random.normal())));
};

/** relu(cos(w·x0 + a) + cos(w·x1 + b)): what a neuron of modular addition computes. */
const additionGrids = (p: number, count: number, frequencies: readonly number[]) => {
  const random = randomStream(2, "addition");
  return Array.from({ length: count }, (_, j) => {
    const w = (2 * Math.PI * (frequencies[j % frequencies.length] as number)) / p;
    const [a, b] = [2 * Math.PI * random.uniform(), 2 * Math.PI * random.uniform()];
    return field(p, (x0, x1) => Math.max(0, Math.cos(w * x0 + a) + Math.cos(w * x1 + b)));
  });
};

const partOf = (i: number, p: number) => {
  const { x0, x1 } = partRanges(p);
  return i < x0[1] ? "x0" : i < x1[1] ? "x1" : "interior";
};

const columns = (grids: readonly Float64Array[]) => {
  const rows = (grids[0] as Float64Array).length;
  return float64(
    Float64Array.from(
      { length: rows * grids.length },
      (_, i) => (grids[i % grids.length] as Float64Array)[Math.floor(i / grids.length)] as number,
    ),
    [rows, grids.length],
  );
};

const limitsOf = async (grids: readonly Float64Array[], p: number, random: Random) =>
  (await tokenNull(grids, p, random, { transforms: 1280, fresh: 0, shares: false })).thresholds;

test("the half-plane holds each frequency pair but (0, 0) once, in three parts, with the field's variance", () => {
  const p = 13;
  const [grid] = noiseGrids(p, 1) as [Float64Array];
  const power = halfPlanePower(grid, p);
  assert.equal(power.length, (p * p - 1) / 2);
  const { re, im } = fft2(grid, p);
  const seen = new Set<number>();
  const ranges = partRanges(p);
  power.forEach((value, i) => {
    const [omega0, omega1] = frequencyOf(i, p);
    const index = ((omega0 + p) % p) * p + omega1;
    assertAllClose([value], [(re[index] as number) ** 2 + (im[index] as number) ** 2], { rtol: 1e-9, atol: 1e-12 });
    seen.add(index);
    seen.add(((p - omega0) % p) * p + ((p - omega1) % p));
    const part = omega1 === 0 ? "x0" : omega0 === 0 ? "x1" : "interior";
    assert.ok(i >= ranges[part][0] && i < ranges[part][1], `entry ${i} is in part ${part}`);
  });
  assert.equal(seen.size, p * p - 1);
  assertAllClose([(2 * sum(power)) / p ** 4], [variance(grid)]);
});

test("an addition neuron has 6 sound active frequencies and 10 nominal ones at p = 113", async () => {
  const p = 113;
  const grids = additionGrids(p, 5, [4, 17, 33, 45, 52]);
  const thresholds = await limitsOf(grids, p, randomStream(3, "null"));
  grids.forEach((grid, j) => {
    const power = halfPlanePower(grid, p);
    const k = [4, 17, 33, 45, 52][j] as number;
    const active = soundActive(power, p, thresholds).map((i) => frequencyOf(i, p));
    assert.equal(active.length, 6);
    for (const [omega0, omega1] of [
      [k, 0],
      [0, k],
      [k, k],
      [-k, k],
    ]) {
      assert.ok(
        active.some(([a, b]) => a === omega0 && b === omega1),
        `(${omega0}, ${omega1}) is active`,
      );
    }
    assert.equal(nominalActive(power).length, 10);
  });
});

test("noise has next to no sound active frequency, and 3.7 % of all entries by the nominal rule", async () => {
  const p = 53;
  const grids = noiseGrids(p, 64);
  const thresholds = await limitsOf(grids, p, randomStream(3, "null"));
  const powers = grids.map((grid) => halfPlanePower(grid, p));
  // Each of three parts has a 1 % chance in each neuron: 1.9 expected of 64 neurons.
  const found = powers.reduce((total, power) => total + soundActive(power, p, thresholds).length, 0);
  assert.ok(found <= 8, `found ${found}`);
  const share = mean(powers.map((power) => nominalActive(power).length / power.length));
  assertAllClose([share], [Math.exp(-((Math.sqrt(Math.PI / 2) + 2 * Math.sqrt(2 - Math.PI / 2)) ** 2) / 2)], { rtol: 0.02 });
});

test("a wave planted in noise is the one active frequency; structure without periods has none", async () => {
  const p = 31;
  const random = randomStream(4, "plant");
  const planted = field(p, (x0, x1) => random.normal() + Math.cos((2 * Math.PI * (3 * x0 - 7 * x1)) / p));
  const grids = [planted, ...noiseGrids(p, 30, 5)];
  const thresholds = await limitsOf(grids, p, randomStream(6, "null"));
  assert.deepEqual(
    soundActive(halfPlanePower(planted, p), p, thresholds).map((i) => frequencyOf(i, p)),
    [[-3, 7]],
  );
  const [f, g] = [0, 1].map(() => Float64Array.from({ length: p }, () => random.normal())) as [Float64Array, Float64Array];
  const separable = field(p, (x0, x1) => Math.max(0, (f[x0] as number) + (g[x1] as number)));
  const own = await limitsOf([separable], p, randomStream(7, "null"));
  assert.ok(soundActive(halfPlanePower(separable, p), p, own).length <= 1);
});

test("a part that holds rounding alone is never active, and a field without interior has a threshold for the axes", async () => {
  const p = 13;
  const sumOfWaves = field(p, (x0, x1) => Math.cos((2 * Math.PI * 2 * x0) / p) + Math.cos((2 * Math.PI * 5 * x1) / p));
  const thresholds = await limitsOf([sumOfWaves], p, randomStream(1, "null"));
  assert.equal(thresholds.interior, Number.POSITIVE_INFINITY);
  const active = soundActive(halfPlanePower(sumOfWaves, p), p, { x0: 4, x1: 4, interior: 0 });
  assert.deepEqual(
    active.map((i) => frequencyOf(i, p)),
    [
      [2, 0],
      [0, 5],
    ],
  );
});

test("the axes and the best share under a token permutation are those of the permuted grid's 2D transform", () => {
  for (const p of [5, 13, 31]) {
    const random = randomStream(8, `axes ${p}`);
    const [grid] = noiseGrids(p, 1, p) as [Float64Array];
    const axes = new PermutedAxes(grid, p);
    const ranges = partRanges(p);
    for (const order of [Int32Array.from({ length: p }, (_, x) => x), ...[1, 2, 3].map(() => tokenPermutation(p, random))]) {
      const power = halfPlanePower(permuteGrid(grid, order), p);
      assertAllClose([axes.bestShare(order)], [Math.max(...frequencyShares(power, p))], { rtol: 1e-10 });
      assertAllClose(axes.x0, power.subarray(...ranges.x0), { rtol: 1e-9, atol: 1e-9 });
      assertAllClose(axes.x1, power.subarray(...ranges.x1), { rtol: 1e-9, atol: 1e-9 });
    }
  }
});

test("the null: its limits are passed by 1 % of unseen permutations in each part, its share by 1 %", async () => {
  const p = 17;
  // Coherent digits, as of neurons that read one embedding, and each neuron with a distribution of its own.
  const random = randomStream(21, "coherent");
  const embedding = Float64Array.from({ length: p }, () => random.normal() ** 3);
  const grids = Array.from({ length: 16 }, () => {
    const [a, b, c] = [random.normal(), random.normal(), random.normal()];
    return field(p, (x0, x1) => Math.max(0, a * (embedding[x0] as number) + b * (embedding[x1] as number) + c));
  }).filter((grid) => !isDead(grid));
  const none = await tokenNull(grids, p, randomStream(22, "null"), FFT_EFFORT);
  const fresh = randomStream(23, "fresh");
  const [trials, passed] = [grids.length * 600, { sound: 0, share: 0 }];
  for (const grid of grids) {
    for (let draw = 0; draw < 600; draw++) {
      const power = halfPlanePower(permuteGrid(grid, tokenPermutation(p, fresh)), p);
      if (Math.max(...frequencyShares(power, p)) > none.share) passed.share++;
      for (const part of new Set(soundActive(power, p, none.thresholds).map((i) => partOf(i, p)))) if (part) passed.sound++;
    }
  }
  assertAllClose([passed.share / trials, passed.sound / trials], [0.01, 0.03], { rtol: 0.35 });
});

test("few neurons have enough permutations for a limit, one alone as well, and none has infinite limits", async () => {
  const p = 7;
  const one = await tokenNull(noiseGrids(p, 1), p, randomStream(1, "null"), OMEGA_EFFORT);
  assert.ok(NULL_DRAWS >= 200 && Object.values(one.thresholds).every(Number.isFinite));
  const nothing = await tokenNull([], p, randomStream(1, "null"), FFT_EFFORT);
  assert.deepEqual([nothing.share, nothing.active_sound, nothing.thresholds.x0], [0, 0, Number.POSITIVE_INFINITY]);
});

test("dead neurons are constant up to rounding", () => {
  assert.ok(isDead(new Float64Array(9)));
  assert.ok(isDead([0.1, 0.1, 0.1 + 1e-17]));
  assert.ok(!isDead([0, 0, 1e-9]));
});

test("64 seeded neurons, ascending; all of them where there are no more", () => {
  const chosen = sampleNeurons(512, 64, 3);
  assert.equal(new Set(chosen).size, 64);
  assert.deepEqual(chosen, chosen.slice().sort());
  assert.deepEqual(chosen, sampleNeurons(512, 64, 3));
  assert.notDeepEqual(chosen, sampleNeurons(512, 64, 4));
  assert.deepEqual([...sampleNeurons(5, 64, 3)], [0, 1, 2, 3, 4]);
});

test("the paper's bins: |rfft2| of the cropped grid by ω0, averaged over ω1, with the constant", () => {
  const p = 11;
  const [grid] = noiseGrids(p, 1) as [Float64Array];
  const n = p - 1;
  const cropped = new Float64Array(n * n);
  for (let x0 = 1; x0 < p; x0++) for (let x1 = 1; x1 < p; x1++) cropped[(x0 - 1) * n + x1 - 1] = grid[x0 * p + x1] as number;
  const { re, im } = fft2(cropped, n);
  const expected = Array.from({ length: n / 2 + 1 }, (_, k0) =>
    mean(Array.from({ length: n }, (_, k1) => Math.hypot(re[k0 * n + k1] as number, im[k0 * n + k1] as number))),
  );
  assertAllClose(paperBins(grid, p), expected, { rtol: 1e-10 });
  assert.equal(paperBins(grid, 11).length, 6);
});

test("omegaRow counts by both rules, along both frequencies, and leaves dead neurons out", async () => {
  const p = 31;
  const grids = additionGrids(p, 6, [4, 9]);
  const live = await omegaRow(100, columns(grids), { p }, [grids[0] as Float64Array], 5);
  const withDead = await omegaRow(100, columns([...grids, new Float64Array(p * p).fill(2)]), { p }, [], 5);
  assert.deepEqual({ ...withDead, paper_bins: live.paper_bins }, live);
  assert.equal(live.epoch, 100);
  for (const rule of ["sound", "nominal"] as const) {
    for (const bins of [live[`${rule}_by_omega0`], live[`${rule}_by_omega1`]]) {
      assert.equal(bins.length, 16);
      assertAllClose([sum(bins)], [live[`${rule}_mean`]]);
    }
  }
  // (±4, 4) of half of the neurons lie in bin 4 of ω1, (0, 4) too.
  assert.ok((live.sound_by_omega1[4] as number) >= 1.5 && (live.sound_by_omega1[9] as number) >= 1.5);
  assert.equal(live.sound_by_omega1[5], 0);
  assert.equal(live.paper_bins.length, 1);
});

test("omegaRow of nothing but dead neurons is zero and finite; a wrong number of samples is named", async () => {
  const p = 5;
  const row = await omegaRow(1, columns([new Float64Array(25)]), { p }, [new Float64Array(25)], 1);
  assert.deepEqual([row.sound_mean, row.nominal_mean, sum(row.sound_by_omega0)], [0, 0, 0]);
  assert.ok(!Object.values(row).includes(null) && row.sound_null === 0);
  await assert.rejects(
    omegaRow(1, columns([new Float64Array(24)]), { p }, [], 1),
    (error: unknown) => error instanceof MiiiiError && /must cover 25 samples, got 24/.test(error.message),
  );
});

test("powers by products are those of the transforms, in order, at several sizes and numbers of grids", async () => {
  const product = async (a: NdArray<"float64">, b: NdArray<"float64">, into: Float64Array) => {
    const made = matmul(a, b);
    into.set(made.data);
    return float64(into.subarray(0, made.data.length), made.shape);
  };
  for (const [p, count] of [
    [3, 1],
    [5, 17],
    [13, 16],
    [29, 3],
  ] as const) {
    const grids = noiseGrids(p, count);
    const found: Float64Array[] = [];
    await powersByProducts(product)(grids, p, (power) => found.push(power.slice()));
    assert.equal(found.length, count);
    const scale = Math.max(...halfPlanePower(grids[0] as Float64Array, p));
    grids.forEach((grid, i) => assertAllClose(found[i] ?? [], halfPlanePower(grid, p), { rtol: 1e-11, atol: 1e-13 * scale }));
  }
});
