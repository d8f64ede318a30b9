import assert from "node:assert/strict";
import { test } from "node:test";
import { algorithm } from "../../src/analyses/algorithm/index.ts";
import { type CircuitNeuron, circuitOf, scoreCircuit } from "../../src/analyses/closed-form/circuit.ts";
import { halvesOf, weightsOf } from "../../src/analyses/closed-form/halves.ts";
import { at, float64, type NdArray, randomStream } from "../../src/core/index.ts";
import { headMetrics, matmul, mean } from "../../src/math/index.ts";
import { type ConstructOptions, construct, initParameters, type Parameters } from "../../src/model/index.ts";
import { headsOf, numberOf } from "../../src/tasks/index.ts";
import { assertAllClose } from "../helpers/assert.ts";
import { inputOfModel, untrained } from "../helpers/model-input.ts";
import { checkContract, inputWith, normals } from "../helpers/spectral-input.ts";

const NAMES = ["blocks.0.mlp.hook_pre", "blocks.0.hook_resid_mid", "logits"] as const;
const EXACT = ["model", "interaction", "even", "u_hat", "u_hat_relu", "circuit", "ideal"] as const;

async function written(options: ConstructOptions) {
  const model = construct(options);
  return { model, input: await inputOfModel(model.config, model.parameters, NAMES) };
}

for (const options of [
  { task: "miiii", p: 13 },
  { task: "miiii", p: 29, seed: 2 },
  { task: "nanda", p: 13 },
] as const) {
  test(`every rung of a model written by hand is exact, and its frequencies are read back: ${JSON.stringify(options)}`, async () => {
    const { model, input } = await written(options);
    const { ladder, ...result } = await algorithm.run(input, {});
    for (const rung of EXACT)
      assert.ok(
        ladder[rung].accuracy.every((accuracy) => accuracy === 1),
        `${rung}: ${ladder[rung].accuracy}`,
      );
    assert.ok(Math.max(...ladder.circuit.loss) < 1e-2, `${ladder.circuit.loss}`);
    assert.ok(mean(ladder.linear.accuracy) < mean(result.chance) + 0.15);
    assert.ok(mean(ladder.circuit_permuted.accuracy) < 0.6, `${ladder.circuit_permuted.accuracy}`);
    assert.ok(result.additive_share > 1 - 1e-9 && result.R2 > 1 - 1e-9);
    const expected = result.tasks.map((q) => [...new Set(model.neurons.flatMap(({ m, k }) => (m === q ? [k] : [])))]);
    assert.deepEqual(result.head_frequencies, expected);
    assert.deepEqual(
      result.neurons,
      result.tasks.map((q) => model.neurons.filter(({ m }) => m === q).length),
    );
    assert.ok(result.margin.ratio.every((ratio) => ratio > 2));
    // Every task is solved: there is no order of accuracies that a margin could predict.
    assert.deepEqual([result.margin.rank_correlation, result.margin.beyond_modulus], [null, null]);
    assert.deepEqual([result.repair, result.not_evidence, result.validation_samples], [[], ["ideal"], 0]);
    assert.deepEqual(result.left_out, ["ladder.<rung>.validation"]);
  });
}

test("a wrong read-out of one task breaks that task's circuit and no other's, and ideal does not see it", async () => {
  const { model, input } = await written({ task: "miiii", p: 29 });
  const W_out = model.parameters["blocks.0.mlp.W_out"];
  const data = W_out.data.slice();
  const width = model.config.d_model;
  model.neurons.forEach(({ m }, j) => {
    if (m === 13) for (let i = 0; i < width; i++) data[j * width + i] = -at(data, j * width + i);
  });
  const broken = await inputOfModel(model.config, { ...model.parameters, "blocks.0.mlp.W_out": { ...W_out, data } }, NAMES);
  const { ladder, tasks } = await algorithm.run({ ...broken, seed: input.seed }, {});
  for (const rung of ["model", "circuit"] as const)
    assert.deepEqual(
      tasks.filter((_, task) => at(ladder[rung].accuracy, task) < 1),
      [13],
      rung,
    );
  assert.ok(ladder.ideal.accuracy.every((accuracy) => accuracy === 1));
});

test("logits are linear half + even half + biases, and the even half is ½|u|·C", async () => {
  const config = {
    task: "miiii",
    p: 11,
    labels: "remainder",
    shuffle_labels: false,
    d_model: 12,
    n_heads: 3,
    d_head: 4,
    d_mlp: 20,
  } as const;
  const bias = (n: number, name: string) => normals([n], name);
  const parameters: Parameters = {
    ...initParameters({ ...config, init: "he" }, 3),
    "blocks.0.mlp.b_in": bias(20, "b_in"),
    "blocks.0.mlp.b_out": bias(12, "b_out"),
    "unembed.b_U": bias(17, "b_U"),
  };
  const heads = headsOf(config);
  const { activations } = await inputOfModel(config, parameters, NAMES);
  const product = async (a: NdArray<"float64">, b: NdArray<"float64">) => matmul(a, b);
  const weights = await weightsOf(parameters, heads, product);
  const [pre, mid, logits] = NAMES.map((name) => activations[name] as NdArray<"float64">) as [
    NdArray<"float64">,
    NdArray<"float64">,
    NdArray<"float64">,
  ];
  // C is centred within heads, W_U is not: compare within heads.
  const { linear, even, half } = await halvesOf(logits, mid, weights, product);
  const absolute = matmul(
    float64(
      pre.data.map((u) => Math.abs(u) / 2),
      pre.shape,
    ),
    weights.readout,
  );
  const signed = matmul(
    float64(
      pre.data.map((u) => u / 2),
      pre.shape,
    ),
    weights.readout,
  );
  assertAllClose(half.data, signed.data, { rtol: 1e-9, atol: 1e-11 });
  const within = ({ data }: NdArray<"float64">, i: number, h: number) => {
    const { offset, classes } = heads[h] ?? { offset: 0, classes: 0 };
    const own = Array.from(data.subarray(i * 17 + offset, i * 17 + offset + classes));
    return own.map((value) => value - mean(own));
  };
  // What the centring of C takes out of the even half is the same for all classes of a head.
  for (const i of [0, 7, 120]) {
    for (const h of [0, 1, 2, 3]) {
      assertAllClose(within(even, i, h), within(absolute, i, h), { rtol: 1e-9, atol: 1e-11 });
      assertAllClose(
        within(linear, i, h).map(
          (value, c) => value + at(within(even, i, h), c) + at(within({ ...logits, data: biasRows(weights.bias) }, i, h), c),
        ),
        within(logits, i, h),
        { rtol: 1e-9, atol: 1e-11 },
      );
    }
  }
  function biasRows(row: Float64Array): Float64Array {
    return Float64Array.from({ length: 121 * 17 }, (_, i) => at(row, i % 17));
  }
});

test("a skip path that cancels the ReLU's linear half has cosine −1", async () => {
  const d_model = 16;
  const { config, parameters } = untrained({ task: "miiii", p: 11, d_mlp: 32 }, 1);
  // W_in with orthonormal rows and W_out = −2·W_inᵀ: ½·W_in·W_out = −1.
  const rows: number[][] = [];
  for (let i = 0; i < d_model; i++) {
    let row = Array.from(normals([32], `row ${i}`).data);
    for (const other of rows) {
      const along = row.reduce((sum, value, j) => sum + value * at(other, j), 0);
      row = row.map((value, j) => value - along * at(other, j));
    }
    const length = Math.hypot(...row);
    rows.push(row.map((value) => value / length));
  }
  const W_in = float64(rows.flat(), [d_model, 32]);
  const W_out = float64(
    Array.from({ length: 32 * d_model }, (_, i) => -2 * at(at(rows, i % d_model), Math.floor(i / d_model))),
    [32, d_model],
  );
  const input = await inputOfModel(config, { ...parameters, "blocks.0.mlp.W_in": W_in, "blocks.0.mlp.W_out": W_out }, NAMES);
  const { skip_cosine, energy } = await algorithm.run(input, {});
  assert.ok(skip_cosine < -1 + 1e-9, `${skip_cosine}`);
  assert.ok(energy.linear < 1e-9 * energy.skip && Math.abs(energy.even / energy.model - 1) < 1e-9);
  const plain = await algorithm.run(await inputOfModel(config, parameters, NAMES), {});
  assert.ok(Math.abs(plain.skip_cosine) < 0.5, `${plain.skip_cosine}`);
});

test("a circuit's scores are those of its logits over the whole grid, written out", async () => {
  const product = async (a: NdArray<"float64">, b: NdArray<"float64">) => matmul(a, b);
  const [p, q] = [11, 7];
  const random = randomStream(3, "test/circuit");
  const modulus = { m: q, c0: 1, c1: p % q, head: 0 };
  const neurons: CircuitNeuron[] = Array.from({ length: 6 }, () => ({
    form: {
      modulus,
      k: 1 + random.integer(3),
      constant: 0.3 * random.normal(),
      A: 1,
      B: 0.8,
      phi0: 6 * random.uniform(),
      phi1: 6 * random.uniform(),
    },
    wave: { a: random.normal(), b: random.normal() },
  }));
  const raw = Array.from({ length: q }, (_, c) =>
    Array.from({ length: p * p }, (_i, i) => {
      const [x0, x1] = [Math.floor(i / p), i % p];
      return neurons.reduce((sum, { form, wave }) => {
        const { k, constant, A, B, phi0, phi1 } = form;
        const u =
          constant + A * Math.cos((2 * Math.PI * k * x0) / q + phi0) + B * Math.cos((2 * Math.PI * k * p * x1) / q + phi1);
        const angle = (2 * Math.PI * k * c) / q;
        return sum + Math.max(0, u) * (wave.a * Math.cos(angle) - wave.b * Math.sin(angle));
      }, 0);
    }),
  );
  const centred = raw.map((grid) =>
    grid.map((value, i) => {
      const row = mean(grid.filter((_, n) => Math.floor(n / p) === Math.floor(i / p)));
      const column = mean(grid.filter((_, n) => n % p === i % p));
      return value - row - column + mean(grid);
    }),
  );
  const logits = float64(
    Array.from({ length: p * p * q }, (_, i) => at(at(centred, i % q), Math.floor(i / q))),
    [p * p, q],
  );
  const targets = Int32Array.from({ length: p * p }, () => random.integer(q));
  const rows = Int32Array.of(3, 50, 51, 120);
  for (const samples of [Int32Array.from({ length: p * p }, (_, i) => i), rows]) {
    const expected = headMetrics(logits, targets, [{ offset: 0, classes: q }], samples);
    const [got] = await scoreCircuit(circuitOf(q, neurons, p), p, [{ targets, samples }], { matmul: product });
    assert.equal(got?.accuracy, expected.accuracy[0]);
    assertAllClose([got?.loss ?? 0], [expected.loss[0] ?? 0], { rtol: 1e-10 });
  }
});

test("neurons that keep their sign have no interaction: their circuit answers nothing, and rounding decides nothing", async () => {
  const [p, q] = [17, 5];
  const neuron = (constant: number, phi0: number): CircuitNeuron => ({
    form: { modulus: { m: q, c0: 1, c1: p % q, head: 0 }, k: 2, constant, A: 1, B: 0.7, phi0, phi1: 0.4 },
    wave: { a: 0.3, b: -0.2 },
  });
  const silent = [neuron(3, 0.1), neuron(-2, 1.3), neuron(2.1, 2.2)];
  const targets = Int32Array.from({ length: p * p }, (_, i) => (Math.floor(i / p) + (i % p) * p) % q);
  const samples = Int32Array.from(targets.keys());
  const product = async (a: NdArray<"float64">, b: NdArray<"float64">) => matmul(a, b);
  const [got] = await scoreCircuit(circuitOf(q, silent, p), p, [{ targets, samples }], { matmul: product });
  assert.deepEqual([got?.accuracy, samples.length], [targets.filter((target) => target === 0).length / (p * p), p * p]);
  assertAllClose([got?.loss ?? 0], [Math.log(q)], { rtol: 1e-12 });
  const bent = neuron(0.2, 0.5);
  assert.deepEqual(circuitOf(q, [...silent, bent], p), circuitOf(q, [bent], p));
});

test("untrained models stay at chance on every rung but ideal, and shuffled labels are scored both ways", async () => {
  const rungs = ["model", "interaction", "even", "u_hat", "circuit", "circuit_permuted", "circuit_reassigned"] as const;
  const totals = new Map<string, number>();
  const models = 8;
  let [chance, ideal] = [0, 0];
  for (let seed = 0; seed < models; seed++) {
    const { config, parameters } = untrained({ task: "basis", p: 17, d_mlp: 384 }, seed);
    const result = await algorithm.run(await inputOfModel(config, parameters, NAMES), {});
    assert.equal(result.shuffled, true);
    chance += mean(result.chance) / models;
    ideal += mean(result.ladder.ideal.task_accuracy ?? []) / models;
    for (const rung of rungs) totals.set(rung, (totals.get(rung) ?? 0) + mean(result.ladder[rung]?.accuracy ?? []) / models);
    assert.ok(Math.abs(mean(result.ladder.circuit.task_accuracy ?? []) - mean(result.chance)) < 0.25);
  }
  // 289 inputs × 6 tasks × 8 models: the standard error of a mean is below 0.01.
  for (const [rung, accuracy] of totals) assert.ok(Math.abs(accuracy - chance) < 0.04, `${rung}: ${accuracy}, chance ${chance}`);
  assert.ok(ideal > chance + 0.2, `ideal reaches ${ideal} on the task itself`);
});

test("a task with too small a margin is repaired by one more frequency, and not by shams", async () => {
  const { input } = await written({ task: "miiii", p: 31, frequencies: 1, seed: 1 });
  const logits = input.activations.logits as NdArray<"float64">;
  const spread = 14;
  const noise = normals(logits.shape, "noise").data;
  const noisy = float64(
    logits.data.map((value, i) => value + spread * at(noise, i)),
    logits.shape,
  );
  const result = await algorithm.run({ ...input, activations: { ...input.activations, logits: noisy } }, { repairs: 3 });
  assert.equal(result.repair.length, 3);
  for (const { q, accuracy, repaired, sham_frequency, sham_phase } of result.repair) {
    assert.ok(repaired > accuracy + 0.03, `q = ${q}: ${accuracy} → ${repaired}`);
    assert.ok(Math.max(sham_frequency ?? 0, sham_phase) < repaired - 0.1, `q = ${q}: ${sham_frequency}, ${sham_phase}`);
  }
});

test("validation is scored where the split is known; the class is n mod q, the index is not n", async () => {
  const { input } = await written({ task: "miiii", p: 13 });
  assert.equal(at(input.targets.data, 13 * 5 + 1), numberOf(1, 0, 13) % 3);
  const split = { train: Int32Array.of(0, 1, 2), validation: Int32Array.of(3, 7, 90), test: Int32Array.of(4) };
  const { ladder, validation_samples, left_out } = await algorithm.run({ ...input, split }, {});
  assert.deepEqual([validation_samples, left_out], [3, []]);
  assert.deepEqual(ladder.circuit.validation?.accuracy, [1, 1, 1, 1, 1]);
});

test("divisibility labels are refused in a line; the contract holds for hand-made, untrained, dead and shuffled models", async () => {
  const { input } = await written({ task: "miiii", p: 11, d_model: 64 });
  const divisibility = { ...input, config: { ...input.config, labels: "divisibility" as const } };
  await assert.rejects(
    async () => algorithm.run(divisibility, {}),
    /^MiiiiError: algorithm: needs output heads with a class for each residue/,
  );
  await checkContract(algorithm, input);
  for (const task of ["miiii", "basis", "nanda"] as const) {
    const { config, parameters } = untrained({ task, p: 7, d_mlp: 3 }, 1);
    await checkContract(algorithm, await inputOfModel(config, parameters, NAMES));
  }
  const still = inputWith({ p: 7, task: "miiii", d_model: 16, d_mlp: 4 });
  const zeros = (width: number) => float64(new Float64Array(49 * width), [49, width]);
  const activations = { "blocks.0.mlp.hook_pre": zeros(4), "blocks.0.hook_resid_mid": zeros(16), logits: zeros(10) };
  const { neurons } = await checkContract(algorithm, { ...still, activations });
  assert.deepEqual(neurons, [0, 0, 0]);
});
