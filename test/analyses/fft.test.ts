import assert from "node:assert/strict";
import { test } from "node:test";
import { fft } from "../../src/analyses/fft/index.ts";
import { dequantised } from "../../src/analyses/kit/quantised.ts";
import { MiiiiError, randomStream } from "../../src/core/index.ts";
import { assertAllClose } from "../helpers/assert.ts";
import { checkContract, fieldsOf, inputWith } from "../helpers/spectral-input.ts";

type Field = (x0: number, x1: number) => number;

const addition = (p: number, k: number, phase: number): Field => {
  const w = (2 * Math.PI * k) / p;
  return (x0, x1) => Math.max(0, Math.cos(w * x0 + phase) + Math.cos(w * x1 + 2 * phase));
};

const noise = (name: string): Field => {
  const random = randomStream(1, `fft/${name}`);
  return () => Math.max(0, random.normal());
};

const run = (p: number, fields: readonly Field[], examples = 0) =>
  fft.run(inputWith({ p, activations: { "blocks.0.mlp.hook_post": fieldsOf(p, fields) } }), { examples });

test("planted frequencies are found among noise, dead neurons are counted and left out", async () => {
  const p = 31;
  const fields = [addition(p, 4, 0.3), addition(p, 4, 1), addition(p, 15, 0.5), noise("a"), noise("b"), () => 0, () => 0.7];
  const activations = { "blocks.0.mlp.hook_post": fieldsOf(p, fields) };
  const result = await checkContract(fft, inputWith({ p, activations }), { options: { examples: 4 } });
  assert.deepEqual([result.neurons, result.dead, result.entries], [7, 2, (p * p - 1) / 2]);
  assert.deepEqual(result.best_k.slice(0, 3), [4, 4, 15]);
  assert.deepEqual(
    result.dominant.slice(0, 3).map(([a, b]) => [Math.abs(a), b].filter((omega) => omega !== 0)[0]),
    [4, 4, 15],
  );
  assert.deepEqual(
    [result.best_k.slice(5), result.share.slice(5), result.dominant.slice(5)],
    [
      [0, 0],
      [0, 0],
      [
        [0, 0],
        [0, 0],
      ],
    ],
  );
  assert.equal(result.explained, 3);
  assert.deepEqual(result.clusters.slice(0, 1), [
    { k: 4, neurons: 2, explained: 2, mean_share: ((result.share[0] ?? 0) + (result.share[1] ?? 0)) / 2 },
  ]);
  assertAllClose([result.mean_share], [result.share.reduce((a, b) => a + b) / 5]);
  assertAllClose([result.active_mean.sound], [result.active.sound.reduce((a, b) => a + b) / 5]);
  for (const i of [0, 1, 2]) assert.ok((result.share[i] ?? 0) > result.null.share);
});

test("the dominant frequency has its sign", async () => {
  const p = 13;
  const wave =
    (a: number, b: number): Field =>
    (x0, x1) =>
      Math.cos((2 * Math.PI * (a * x0 + b * x1)) / p);
  const { dominant } = await run(p, [wave(3, 5), wave(-3, 5), wave(0, 2), wave(6, 0), wave(3, -5)]);
  assert.deepEqual(dominant, [
    [3, 5],
    [-3, 5],
    [0, 2],
    [6, 0],
    [-3, 5],
  ]);
});

test("an addition neuron has 6 active frequencies at p = 113 where noise has none; by μ+2σ it is 10 against 239", async () => {
  const p = 113;
  const adders = await run(
    p,
    [4, 17, 33, 45, 52].map((k) => addition(p, k, k)),
  );
  assert.deepEqual(adders.active, { sound: [6, 6, 6, 6, 6], nominal: [10, 10, 10, 10, 10] });
  assert.ok(adders.null.active_sound < 1 && adders.null.active_nominal > 20);
  const noisy = await run(
    p,
    [0, 1, 2, 3].map((i) => noise(`n${i}`)),
  );
  assert.ok(noisy.active_mean.sound <= 0.5);
  assertAllClose([noisy.active_mean.nominal, noisy.null.noise_nominal], [239, 238.8], { rtol: 0.03 });
  assert.equal(noisy.explained, 0);
});

test("structure over the tokens without a period stays within the null", async () => {
  const p = 31;
  const random = randomStream(3, "tables");
  const fields = Array.from({ length: 6 }, () => {
    const [f, g] = [0, 1].map(() => Array.from({ length: p }, () => random.normal())) as [number[], number[]];
    return (x0: number, x1: number) => Math.max(0, (f[x0] as number) + (g[x1] as number));
  });
  const result = await run(p, fields);
  assert.ok(result.active_mean.sound < 1, `${result.active_mean.sound}`);
  assert.ok(result.share.filter((share) => share > result.null.share).length <= 1);
});

test("examples: half the best by share, the rest drawn; their activations survive to a 255th", async () => {
  const p = 13;
  const fields = [noise("a"), noise("b"), addition(p, 2, 0.1), noise("c"), addition(p, 5, 0.2), () => 0];
  const { examples } = await run(p, fields, 4);
  assert.deepEqual(
    examples
      .map(({ neuron }) => neuron)
      .slice(0, 2)
      .sort(),
    [2, 4],
  );
  assert.deepEqual(
    examples.map(({ chosen }) => chosen),
    ["share", "share", "random", "random"],
  );
  assert.ok(examples.every(({ neuron }) => neuron !== 5));
  const first = examples[0];
  assert.ok(first !== undefined);
  const expected = fieldsOf(p, [fields[first.neuron] as Field]).data;
  assertAllClose(dequantised(first.activation), expected, {
    rtol: 0,
    atol: ((first.activation.high - first.activation.low) / 510) * 1.001,
  });
  assert.equal((await run(p, fields, 0)).examples.length, 0);
});

test("dead neurons alone give zeros, and nothing without activations", async () => {
  const activations = { "blocks.0.mlp.hook_post": fieldsOf(5, [() => 0, () => 1]) };
  const result = await checkContract(fft, inputWith({ p: 5, activations }));
  assert.deepEqual([result.dead, result.mean_share, result.active_mean.sound, result.thresholds.x0], [2, 0, 0, null]);
  await assert.rejects(
    async () => fft.run(inputWith({ p: 5 }), { examples: 0 }),
    (error: unknown) => error instanceof MiiiiError && /hook_post: must be among the activations/.test(error.message),
  );
});

test("a neuron counts as explained above 0.85 of its variance", async () => {
  const shares = [0.84, 0.849, 0.851, 0.9];
  const wave = (k: number, x: number) => Math.cos((2 * Math.PI * k * x) / 13);
  // Two waves of one digit: the first has 1/(1 + b²) of the variance.
  const fields = shares.map(
    (own): Field =>
      (x0) =>
        wave(3, x0) + Math.sqrt(1 / own - 1) * wave(5, x0),
  );
  const { share, explained, clusters } = await run(13, fields);
  assertAllClose(share, shares);
  assert.deepEqual([explained, clusters.map(({ k, explained: own }) => [k, own])], [2, [[3, 2]]]);
});
