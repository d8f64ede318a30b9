import assert from "node:assert/strict";
import { test } from "node:test";
import { carrierFit, carrierFrequencies } from "../../src/analyses/beats/carrier.ts";
import { interaction } from "../../src/analyses/beats/circuit.ts";
import { beats } from "../../src/analyses/beats/index.ts";
import { beatsAt, isOwn, kindOf, nearOf, targetOf } from "../../src/analyses/beats/kinds.ts";
import { uniformCount } from "../../src/analyses/beats/nulls.ts";
import { twoWaves } from "../../src/analyses/beats/two-waves.ts";
import { at, float32, float64, type NdArray, randomStream } from "../../src/core/index.ts";
import { matmul, sum } from "../../src/math/index.ts";
import { construct, initParameters } from "../../src/model/index.ts";
import { logitsOf, makeDataset } from "../../src/tasks/index.ts";
import { inputOfModel, untrained } from "../helpers/model-input.ts";
import { checkContract } from "../helpers/spectral-input.ts";

const NEEDS = ["blocks.0.mlp.hook_pre", "logits"] as const;
const TURN = 2 * Math.PI;
const product = async (a: NdArray<"float64">, b: NdArray<"float64">) => matmul(a, b);

/** A sum of waves [amplitude, frequency, phase] over p tokens, less its mean. */
function part(p: number, waves: readonly (readonly [number, number, number])[]): Float64Array {
  const values = Float64Array.from({ length: p }, (_, x) =>
    sum(waves.map(([a, f, phase]) => a * Math.cos(TURN * f * x + phase))),
  );
  const mean = sum([...values]) / p;
  return values.map((value) => value - mean);
}

test("the two waves of a part are found where they were put, also between the bins of its tokens, with amplitude and phase", async () => {
  const p = 53;
  const steps = 32 * p;
  const [f, g] = [Math.round((13 / 47) * steps) / steps, Math.round((13 / 47 - 1 / 5) * steps) / steps];
  const values = part(p, [
    [0.8, g, 2],
    [1, f, 0.4],
  ]);
  const [found] = await twoWaves(values, p, product);
  assert.ok(found !== undefined && found.share > 1 - 1e-9);
  const [first, second] = found.waves;
  for (const [wave, frequency, amplitude, phase] of [
    [first, f, 1, 0.4],
    [second, g, 0.8, 2],
  ] as const) {
    assert.equal(wave.frequency, frequency);
    assert.ok(Math.abs(wave.amplitude - amplitude) < 1e-6 && Math.abs(wave.phase - phase) < 1e-6, JSON.stringify(wave));
  }
  // What the waves sum to, less their mean, is the part again.
  const again = Array.from({ length: p }, (_, x) =>
    sum(found.waves.map(({ amplitude, frequency, phase }) => amplitude * Math.cos(TURN * frequency * x + phase))),
  );
  assert.ok(again.every((value, x) => Math.abs(value - found.mean - at(values, x)) < 1e-6));
  assert.deepEqual(await twoWaves(new Float64Array(p), p, product), [undefined]);
});

test("frequencies beat by their sum or difference, in either direction; a task's own multiples do not count", () => {
  const p = 113;
  const near = nearOf(p);
  const waves = [13 / 47, 13 / 47 - 1 / 5] as const;
  assert.ok(beatsAt(waves, 1 / 5, near) && beatsAt(waves, -1 / 5, near) && beatsAt(waves, 6 / 5, near));
  assert.ok(!beatsAt(waves, 2 / 5, near));
  assert.ok(!isOwn(13 / 47, 5, near) && isOwn(2 / 5 + 0.9 * near, 5, near) && !isOwn(2 / 5 + 1.1 * near, 5, near));
  const target = targetOf(5, 1, p); // 1/5 in x0, 113/5 in x1, the same as 2/5
  assert.equal(kindOf(waves, [0.0907, 0.3093], target, p), "beats");
  assert.equal(kindOf(waves, [0.0907, 0.2], target, p), "other");
  assert.equal(kindOf([0.2, 0.31], [0.4, 0.1], target, p), "own");
  // 2/5 less 1/5 is 1/5, by waves that are multiples of it.
  assert.equal(kindOf([0.4, 0.2], [0.4, 0.2], target, p), "other");
});

test("a single wave beats at no frequency; noise does in each digit as often as uniform frequencies", async () => {
  const [p, draws, q] = [53, 400, 5];
  const near = nearOf(p);
  const { normal } = randomStream(3, "beats");
  let hits = 0;
  for (let draw = 0; draw < draws; draw++) {
    const values = Float64Array.from({ length: p }, () => normal());
    const mean = sum([...values]) / p;
    const [found] = await twoWaves(
      values.map((value) => value - mean),
      p,
      product,
    );
    const frequencies = found?.waves.map(({ frequency }) => frequency) ?? [];
    const [a, b] = [frequencies[0] ?? 0, frequencies[1] ?? 0];
    if (beatsAt([a, b], 1 / q, near) && !isOwn(a, q, near) && !isOwn(b, q, near)) hits += 1;
  }
  // The count of 400 has a standard deviation of 4: within three of them.
  const expected = draws * Math.sqrt(uniformCount(1, q, p));
  assert.ok(Math.abs(hits - expected) < 3 * Math.sqrt(expected), `${hits} of ${draws}, expected ${expected}`);
});

test("a carrier times a function of the digit mod q is fitted whole by its waves, and not by those of another spacing", () => {
  const p = 113;
  const values = Float64Array.from({ length: p }, (_, x) => at([1, -0.5, 0.2, 2, -1], x % 5) * Math.cos(TURN * 0.4338 * x + 0.7));
  const mean = sum([...values]) / p;
  const centred = values.map((value) => value - mean);
  assert.deepEqual(
    carrierFrequencies(0.43, 5).map((f) => Number(f.toFixed(6))),
    [0.43, 0.37, 0.17, 0.03, 0.23],
  );
  const own = carrierFit(centred, 0.4338, 5);
  assert.ok(own.share > 1 - 1e-9 && own.fit.every((value, x) => Math.abs(value - at(centred, x)) < 1e-6));
  assert.ok(carrierFit(centred, 0.4338, 7).share < 0.6);
});

test("what enters a circuit of beats is what depends on both digits: no row or column of it has a mean", () => {
  const p = 13;
  const { normal } = randomStream(2, "beats");
  const [low, high] = [0, 1].map(() => Float64Array.from({ length: p }, () => normal())) as [Float64Array, Float64Array];
  const field = interaction(0.3, low, high);
  for (let x = 0; x < p; x++) {
    const [row, column] = [
      sum(Array.from({ length: p }, (_, y) => at(field, x * p + y))),
      sum(Array.from({ length: p }, (_, y) => at(field, y * p + x))),
    ];
    assert.ok(Math.abs(row) < 1e-12 && Math.abs(column) < 1e-12, `${x}: ${row} ${column}`);
  }
  // Differences across both digits are the ReLU's own.
  const relu = (a: number, b: number) => Math.max(0, 0.3 + at(low, a) + at(high, b));
  const cross = (of: (a: number, b: number) => number) => of(2, 5) - of(2, 9) - of(7, 5) + of(7, 9);
  assert.ok(Math.abs(cross((a, b) => at(field, a * p + b)) - cross(relu)) < 1e-12);
});

/**
 * Neurons with two waves a digit of other frequencies than task q's, 1/q apart in x0 and adding to p/q in x1, whose read-outs
 * answer task q alone at k = 1 with the phases of the beats: no neuron has a wave of the task's own.
 */
function planted(p: number, q: number) {
  const turns = (n: number) => Array.from({ length: n }, (_, i) => (TURN * (i + 0.5 / n)) / n);
  const [f, g] = [0.31, 0.1];
  const neurons = turns(5).flatMap((d0) =>
    turns(5).flatMap((d1) => turns(4).flatMap((c0) => turns(4).map((c1) => ({ d0, d1, c0, c1 })))),
  );
  const width = neurons.length;
  const config = { task: "miiii", p, labels: "remainder", shuffle_labels: false, d_model: width, n_heads: 2, d_head: 2 } as const;
  const { heads, targets } = makeDataset({ ...config }, 1);
  const head = heads.find((each) => each.q === q) ?? assert.fail();
  const pre = new Float64Array(p * p * width);
  for (let x0 = 0; x0 < p; x0++) {
    for (let x1 = 0; x1 < p; x1++) {
      neurons.forEach(({ d0, d1, c0, c1 }, j) => {
        const low = Math.cos(TURN * f * x0 + c0) + Math.cos(TURN * (f - 1 / q) * x0 + c0 - d0);
        const high = Math.cos(TURN * g * x1 + c1) + Math.cos(TURN * (p / q - g) * x1 + d1 - c1);
        pre[(x0 * p + x1) * width + j] = low + high;
      });
    }
  }
  const classes = logitsOf(heads);
  const W_U = new Float32Array(width * classes);
  neurons.forEach(({ d0, d1 }, j) => {
    // The product of all four waves has a negative factor in |u|.
    for (let c = 0; c < q; c++) W_U[j * classes + head.offset + c] = -Math.cos((TURN * c) / q + d0 + d1);
  });
  const identity = Float32Array.from({ length: width * width }, (_, i) => Number(i % (width + 1) === 0));
  const logits = new Float64Array(p * p * classes);
  for (let i = 0; i < p * p; i++)
    heads.forEach(({ offset }, h) => {
      logits[i * classes + offset + at(targets.data, i * heads.length + h)] = 1;
    });
  const drawn = initParameters({ ...config, d_model: 8, d_mlp: 8, init: "he" }, 1);
  return {
    config: { ...config, d_mlp: width },
    heads,
    targets,
    parameters: {
      ...drawn,
      "blocks.0.mlp.W_out": float32(identity, [width, width]),
      "unembed.W_U": float32(W_U, [width, classes]),
    },
    activations: {
      "blocks.0.mlp.hook_pre": float64(pre, [p * p, width]),
      logits: float64(logits, [p * p, classes]),
    },
    seed: 5,
  };
}

test("a task that is computed by beats of two other frequencies is read back, and its neurons' two waves alone answer it", async () => {
  const [p, q] = [37, 7];
  const result = await checkContract(beats, planted(p, q), { options: { draws: 100 } });
  const task = result.tasks.find((each) => each.q === q) ?? assert.fail();
  assert.deepEqual([task.neurons, task.beats, task.own], [64, 64, 0]);
  assert.deepEqual(task.permuted?.probability, 1 / 101);
  assert.ok(task.circuit < 0.5, `own circuit ${task.circuit}`);
  const by = task.circuit_of_beats ?? assert.fail("circuit of beats");
  assert.equal(by.neurons, 400);
  assert.ok(by.two_waves > 0.99 && by.carrier > 0.99 && by.additive > 0.99, JSON.stringify(by));
  assert.ok(by.carrier_share > 0.99);
  assert.deepEqual(by.other_modulus?.moduli, [5]);
  for (const control of [by.permuted, by.exchanged, by.other_modulus]) assert.ok(control.largest < 0.35, JSON.stringify(by));
  // Other tasks are read from nothing.
  for (const other of result.tasks) if (other.q !== q) assert.deepEqual([other.neurons, other.beats], [0, 0]);
});

test("tasks with circuits of their own are read from their own waves; a model before training from neither", async () => {
  const { config, parameters } = construct({ task: "miiii", p: 31 });
  const written = await beats.run(await inputOfModel(config, parameters, NEEDS), {});
  assert.deepEqual([written.without_circuit, written.by_beats], [[], []]);
  for (const { q, neurons, own, beats: found } of written.tasks) assert.deepEqual([q, own, found], [q, neurons, 0]);
  const before = untrained({ task: "miiii", p: 31 }, 4);
  const none = await beats.run(await inputOfModel(before.config, before.parameters, NEEDS), {});
  assert.deepEqual([none.without_circuit, none.by_beats], [[], []]);
  assert.ok(none.tasks.every(({ permuted }) => permuted === null || permuted.probability > 0.02));
  // 0.013 of a neuron of each task and digit pair: of some 10 neurons of 10 tasks.
  assert.ok(sum(none.tasks.map((task) => task.beats)) <= 5);
});

test("neurons that do not vary, one neuron alone, or nothing read out: counts of 0 and no NaN", async () => {
  const zeros = (size: number) => float32(new Float32Array(size * size), [size, size]);
  const { config, parameters } = untrained({ task: "miiii", p: 11, d_mlp: 16 }, 3);
  for (const name of ["blocks.0.mlp.W_in", "blocks.0.mlp.W_out"] as const) {
    const result = await checkContract(beats, await inputOfModel(config, { ...parameters, [name]: zeros(16) }, NEEDS));
    assert.ok(
      result.tasks.every(({ neurons, beats: found, held }) => neurons === 0 && found === 0 && held === 0),
      name,
    );
    assert.equal(result.dead, name === "blocks.0.mlp.W_in" ? 16 : 0);
  }
  const one = untrained({ task: "miiii", p: 11, d_mlp: 1 }, 3);
  const result = await checkContract(beats, await inputOfModel(one.config, one.parameters, NEEDS));
  assert.ok(result.tasks.every(({ neurons }) => neurons === 1));
});

test("models that it has nothing to say of are refused in a line", async () => {
  const small = untrained({ task: "miiii", p: 7 }, 1);
  assert.match(String(beats.refuses?.(small.config)), /p of at least 11.*got p = 7/);
  assert.match(String(beats.refuses?.({ ...small.config, task: "nanda", p: 13 })), /tasks of n mod q/);
  assert.equal(beats.refuses?.({ ...small.config, p: 11 }), undefined);
});
