import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { activationsOf } from "../../src/activations/index.ts";
import { randomResultant, triplesOf } from "../../src/analyses/clock/compute.ts";
import { inputGradients } from "../../src/analyses/clock/gradients.ts";
import { clock } from "../../src/analyses/clock/index.ts";
import { bySumAndDifference, circularity, componentsOf, distanceIrrelevance } from "../../src/analyses/clock/measures.ts";
import type { AnalysisInput } from "../../src/analyses/kit/define.ts";
import { analyzeModel } from "../../src/api/analyze.ts";
import { loadModel } from "../../src/api/models.ts";
import { biasShapes, importModel, type StoredConfig } from "../../src/checkpoint/index.ts";
import { at, float64, type NdArray, randomStream, sizeOf } from "../../src/core/index.ts";
import { mean } from "../../src/math/index.ts";
import { BIAS_NAMES, type BiasName, construct, initParameters, type Parameters } from "../../src/model/index.ts";
import { onnxRuntime } from "../../src/runtimes/index.ts";
import { headsOf, makeDataset } from "../../src/tasks/index.ts";
import { assertAllClose } from "../helpers/assert.ts";
import { plainForward } from "../helpers/plain-model.ts";
import { checkContract, inputWith, normals } from "../helpers/spectral-input.ts";

const p = 11;
const config: StoredConfig = {
  task: "nanda",
  p,
  labels: "remainder",
  shuffle_labels: false,
  d_model: 8,
  n_heads: 2,
  d_head: 4,
  d_mlp: 16,
};
const needs = ["blocks.0.attn.hook_pattern", "blocks.0.mlp.hook_pre", "blocks.0.mlp.hook_post", "logits"] as const;

async function inputOf(model: StoredConfig, parameters: Parameters, seed = 5): Promise<AnalysisInput> {
  const activations = await activationsOf(onnxRuntime({ threads: 1 }), model, parameters, needs);
  return { config: model, heads: headsOf(model), parameters, targets: makeDataset(model, 0).targets, activations, seed };
}

/** Weights of order one, so that neither attention nor ReLU is near its trivial limit, and every bias. */
function drawn(model: StoredConfig): Parameters {
  const random = randomStream(3, "clock/biases");
  const shapes = biasShapes(model, p);
  const biases = BIAS_NAMES.map((name: BiasName) => [
    name,
    float64(Float64Array.from({ length: sizeOf(shapes[name]) }, random.normal), shapes[name]),
  ]);
  return { ...initParameters({ ...model, init: "he" }, 2), ...Object.fromEntries(biases) } as Parameters;
}

for (const [kind, model] of [
  ["with '='", config],
  ["without '='", { ...config, equals: false, attention_rate: 1 }],
  ["at attention rate 0.4", { ...config, equals: false, attention_rate: 0.4 }],
  ["at attention rate 0", { ...config, equals: false, attention_rate: 0 }],
] as const)
  test(`gradients at both digits' embeddings are the finite differences of the plain model, ${kind}`, async () => {
    const parameters = drawn(model);
    const { activations } = await inputOf(model, parameters);
    const gradient = inputGradients(model, parameters, {
      pattern: activations["blocks.0.attn.hook_pattern"] as NdArray<"float64">,
      post: activations["blocks.0.mlp.hook_post"] as NdArray<"float64">,
    });
    const step = 1e-6;
    for (const { x0, x1, c } of [
      { x0: 2, x1: 7, c: 0 },
      { x0: 10, x1: 0, c: 5 },
      { x0: 4, x1: 4, c: 9 },
    ]) {
      const found = gradient({ x0, x1, c });
      // A change of W_pos is one of that position's embedding alone.
      const logit = (position: number, i: number, by: number) => {
        const W_pos = float64(Float64Array.from(parameters["pos_embed.W_pos"].data), parameters["pos_embed.W_pos"].shape);
        W_pos.data[position * 8 + i] = at(W_pos.data, position * 8 + i) + by;
        return at(plainForward(model, { ...parameters, "pos_embed.W_pos": W_pos }, x0, x1).logits, c);
      };
      for (const position of [0, 1] as const) {
        const expected = Array.from({ length: 8 }, (_, i) => (logit(position, i, step) - logit(position, i, -step)) / (2 * step));
        assert.ok(expected.some((value) => Math.abs(value) > 0.01));
        assertAllClose(found[position], expected, { rtol: 1e-6, atol: 1e-7 });
      }
    }
  });

test("even attention gives symmetric gradients, values that do not depend on the digit give none", async () => {
  const parameters = initParameters({ ...config, init: "he" }, 2);
  const zero = (name: keyof Parameters) => {
    const { shape } = parameters[name as "embed.W_E"];
    return { [name]: float64(new Float64Array(sizeOf(shape)), shape) };
  };
  const even = await clock.run(await inputOf(config, { ...parameters, ...zero("blocks.0.attn.W_Q") }), { triples: 50 });
  assertAllClose([even.gradient_symmetricity.mean, even.gradient_symmetricity.std], [1, 0], { atol: 1e-7 });
  const silent = await clock.run(await inputOf(config, { ...parameters, ...zero("blocks.0.attn.W_V") }), {});
  assert.deepEqual(silent.gradient_symmetricity, { mean: 0, std: 0 });
});

test("the right class's logit stands at the sum and the difference x0 − x1 of its digits, relabelled where asked", () => {
  const logits = float64(
    Float64Array.from({ length: 5 ** 3 }, (_, i) => i),
    [25, 5],
  );
  const [o, swapped] = [bySumAndDifference(logits, 5), bySumAndDifference(logits, 5, Int32Array.of(1, 0, 2, 3, 4))];
  for (const [x0, x1] of [
    [3, 1],
    [1, 3],
    [4, 4],
    [0, 2],
  ] as const) {
    const [sum, difference] = [(x0 + x1) % 5, (x0 - x1 + 5) % 5];
    assert.equal(at(o, sum * 5 + difference), (x0 * 5 + x1) * 5 + sum);
    const [y0, y1] = [x0, x1].map((x) => (x < 2 ? 1 - x : x)) as [number, number];
    assert.equal(at(swapped, sum * 5 + difference), (y0 * 5 + y1) * 5 + sum);
  }
});

test("distance irrelevance is 1 for a logit of the sum, 0 for one of the difference, and near 1 without structure", () => {
  const field = (value: (s: number, d: number) => number) =>
    Float64Array.from({ length: p * p }, (_, i) => value(Math.floor(i / p), i % p));
  assertAllClose(
    [
      distanceIrrelevance(
        field((s) => s ** 2),
        p,
      ),
    ],
    [1],
  );
  assertAllClose(
    [
      distanceIrrelevance(
        field((_s, d) => d ** 2),
        p,
      ),
    ],
    [0],
    { atol: 1e-12 },
  );
  assert.equal(
    distanceIrrelevance(
      field(() => 3),
      p,
    ),
    0,
  );
  const noise = distanceIrrelevance(normals([p * p], "noise").data, p);
  assert.ok(noise > 0.85 && noise < 1, `${noise}`);
});

test("circularity is 1 for circles in the embedding, less for two circles in one plane and for none", () => {
  const wave = (k: number, x: number) => (2 * Math.PI * k * x) / p;
  const table = (row: (x: number) => number[]) => float64(Array.from({ length: p }, (_, x) => row(x)).flat(), [p, 4]);
  const circles = table((x) => [3 * Math.cos(wave(2, x)), 3 * Math.sin(wave(2, x)), Math.cos(wave(5, x)), Math.sin(wave(5, x))]);
  assertAllClose([circularity(componentsOf(circles))], [1], { rtol: 1e-9 });
  const mixed = table((x) => {
    const [a, b] = [wave(2, x), wave(5, x)];
    return [3 * Math.cos(a) + 3 * Math.cos(b), 3 * Math.sin(a), 0, 0];
  });
  // Two components that are no single wave, and two that are nothing.
  assert.ok(circularity(componentsOf(mixed)) < 0.5);
  assert.ok(circularity(componentsOf(normals([p, 4], "cloud"))) < 0.8);
});

test("a written model of addition is read as what was written: its frequencies, in phase by one embedding or not", async () => {
  const written = construct({ task: "nanda", p: 23, frequencies: 3 });
  const result = await clock.run(await inputOf(written.config, written.parameters), {});
  assert.deepEqual(
    result.frequencies.k,
    [...new Set(written.neurons.map(({ k }) => k))].sort((a, b) => a - b),
  );
  assert.equal(
    result.frequencies.neurons.reduce((a, b) => a + b, 0),
    written.neurons.length,
  );
  result.frequencies.k.forEach((k, i) => {
    const angles = written.neurons.filter((neuron) => neuron.k === k).map(({ phi0, phi1 }) => phi0 - phi1);
    const [x, y] = [mean(angles.map(Math.cos)), mean(angles.map(Math.sin))];
    assertAllClose([at(result.frequencies.disc, i)], [Math.hypot(x, y)], { atol: 1e-4 });
  });
  // Both digits are read alike.
  assert.ok(result.gradient_symmetricity.mean > 0.9, `${result.gradient_symmetricity.mean}`);
  assert.ok(result.gradient_symmetricity.mean > result.null.gradient_symmetricity.high);
});

test("the contract holds; shuffled labels too; a model of remainders is refused by name", async () => {
  const parameters = initParameters({ ...config, init: "he" }, 2);
  await checkContract(clock, await inputOf(config, parameters), { options: { draws: 100 } });
  const digits = { ...config, equals: false, attention_rate: 0 };
  await checkContract(clock, await inputOf(digits, drawn(digits)), { options: { draws: 100 } });
  assert.throws(
    () => clock.run(inputWith({ p, task: "miiii" }), {}),
    /clock: needs an addition model \(task nanda, .*got task miiii/,
  );
});

const pizza = process.env.MIIII_EXTERNAL ?? fileURLToPath(new URL("../../../shared/external", import.meta.url));
for (const [name, rate, Q, S, tolerance] of [
  ["model_l8k1hzciux.pt", 1, 0.848, 0.31, 0.05],
  ["model_p99zdpze5l.pt", 0, 0.1717, 0.994, 0.001],
] as const) {
  const path = join(pizza, "pizza", name);
  test(`outside check: ${name} has the published distance irrelevance ${Q} and gradient symmetricity ${S}`, {
    skip: !existsSync(path) && `${path} is not there`,
  }, async () => {
    const [model] = importModel(path, { layout: "transposed", attention_rate: rate }).candidates;
    assert.ok(model);
    const input = await inputOf(model.config, model.parameters);
    const result = await clock.run(input, { triples: 2000, draws: 100 });
    assert.ok(Math.abs(result.distance_irrelevance - Q) < 0.0005, `${result.distance_irrelevance}`);
    assert.ok(Math.abs(result.gradient_symmetricity.mean - S) < tolerance, `${result.gradient_symmetricity.mean}`);
    assert.equal(new Set(triplesOf(59, 100, 1).map(({ x0, x1, c }) => `${x0} ${x1} ${c}`)).size, 100);
  });
}

test("what a model's settings rule out is left out by name where all analyses run, and an error where one is asked for", async () => {
  const model = await loadModel({
    label: "m",
    kind: "run",
    path: fileURLToPath(new URL("../../fixtures/basis-p53", import.meta.url)),
  });
  const how = { runtime: onnxRuntime({ threads: 1 }), seed: 0 };
  const told: string[] = [];
  const found = await analyzeModel([clock], model, { ...how, onFailure: (id, reason) => told.push(`${id} ${reason}`) });
  assert.equal(found.size, 0);
  assert.match(told.join(), /^clock clock: needs an addition model .*got task basis/);
  await assert.rejects(analyzeModel([clock], model, how), /clock: needs an addition model/);
});

test("one neuron is in phase with itself, and no disc: the finding asks for more than as many random phases have", async () => {
  const model = construct({ task: "nanda", p, d_model: 64 });
  const result = await clock.run(await inputOf(model.config, model.parameters), {});
  const says = (disc: typeof result.disc) =>
    clock.finding?.([{ label: "one", result: { ...result, ...(disc === undefined ? {} : { disc }) }, config }]);
  assert.equal(says(undefined), "Both digits turn in phase (a disc, not a torus) in one");
  assert.equal(says({ mean: 1, random: 1, neurons: 1 }), "Not in one: both digits turn in phase (a disc, not a torus)");
  assert.equal(says({ mean: 0.7, random: 0.5, neurons: 3 }), "Not in one: both digits turn in phase (a disc, not a torus)");
});

test("the null of a resultant: 1 for one neuron, a simulation's mean for several", () => {
  assert.equal(randomResultant(1), 1);
  const random = randomStream(1, "phases");
  const lengths = Array.from({ length: 4000 }, () => {
    const angles = Array.from({ length: 9 }, () => 2 * Math.PI * random.uniform());
    return Math.hypot(mean(angles.map(Math.cos)), mean(angles.map(Math.sin)));
  });
  assertAllClose([randomResultant(9)], [mean(lengths)], { rtol: 0.03 }); // the formula's limit of many phases is 1 % off at 9
});
