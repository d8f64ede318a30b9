import assert from "node:assert/strict";
import { test } from "node:test";
import { standingStill } from "../scripts/calibration/models.ts";
import { ANALYSES } from "../src/analyses/index.ts";
import { ACTIVATION_NAMES } from "../src/analyses/kit/define.ts";
import { withAnalysisInput } from "../src/api/analysis-input.ts";
import type { Model } from "../src/api/models.ts";
import { ensureFiniteJson, MiiiiError } from "../src/core/index.ts";
import { type ConstructedTask, construct, initParameters, type ParameterName, type RunConfig } from "../src/model/index.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { makeSplit } from "../src/tasks/index.ts";
import { type Preset, presetConfig } from "../src/train/index.ts";

const runtime = onnxRuntime({ threads: 1 });

function modelOf(label: string, config: RunConfig, parameters: Model["checkpoint"]["parameters"], split = true): Model {
  const checkpoint = { path: label, sha256: "", config, parameters, biases: [], epoch: 0, metadata: {} };
  return { label, checkpoint, ...(split ? { split: makeSplit(config.p, 0.5, 1) } : {}) };
}

const SMALL = { d_model: 8, n_heads: 2, d_mlp: 2 };

function untrained(preset: Preset, overrides: Partial<RunConfig>, split = true): Model {
  const config = presetConfig(preset, { ...SMALL, ...overrides });
  return modelOf(`${preset} ${JSON.stringify(overrides)}`, config, initParameters(config, 3), split);
}

function written(task: ConstructedTask, p: number): Model {
  const { config, parameters } = construct({ task, p, d_model: 64 });
  return modelOf(`constructed ${task} ${p}`, { ...presetConfig("miiii"), ...config }, parameters);
}

const MODELS: readonly (() => Model)[] = [
  () => untrained("miiii", { p: 5, d_mlp: 1 }),
  () => untrained("miiii", { p: 7 }),
  () => untrained("miiii", { p: 13, d_mlp: 1 }),
  () => untrained("nanda", { p: 5, d_mlp: 1 }),
  () => untrained("nanda", { p: 7 }),
  () => untrained("miiii", { p: 7, labels: "divisibility" }),
  () => untrained("nanda", { p: 7, labels: "divisibility" }),
  () => untrained("basis", { p: 5 }),
  () => untrained("joint", { p: 5 }),
  () => untrained("nanda", { p: 5, d_model: 1, n_heads: 1, d_mlp: 1 }, false),
  () => written("miiii", 5),
  () => written("nanda", 5),
  () => written("joint", 7),
];

/** What an analysis says of a model: its result in words, or the line in which it refuses. */
async function said(
  analysis: (typeof ANALYSES)[number],
  input: Parameters<(typeof ANALYSES)[number]["run"]>[0],
): Promise<string> {
  const options = Object.fromEntries(Object.entries(analysis.options).map(([name, spec]) => [name, spec.default]));
  const refusal = analysis.refuses?.(input.config);
  if (refusal !== undefined) return refusal;
  try {
    const result = await analysis.run(input, options);
    ensureFiniteJson(result, analysis.id);
    for (const [name, value] of Object.entries(analysis.metrics(result)))
      assert.ok(Number.isFinite(value), `${analysis.id}: ${name} is ${value}`);
    const entry = { label: "model", result, config: input.config };
    const text = `${analysis.summary(result)}\n${analysis.headline([entry])}\n${JSON.stringify(analysis.finding?.([entry]) ?? "")}`;
    return `${text}\n${JSON.stringify(analysis.figure([entry])).match(/NaN|Infinity/)?.[0] ?? ""}`;
  } catch (error) {
    if (!(error instanceof MiiiiError)) throw new Error(`${analysis.id}: ${error instanceof Error ? error.stack : error}`);
    return error.message;
  }
}

/** What every analysis says of a model, by id. */
async function allSaid(model: Model): Promise<Record<string, string>> {
  const lines: Record<string, string> = {};
  await withAnalysisInput(model, [...ACTIVATION_NAMES, "forward", "matmul"], { runtime, seed: 1 }, async (input) => {
    const series = input.split === undefined ? {} : { series: await standingStill(model, input, runtime) };
    for (const analysis of ANALYSES) {
      const text = await said(analysis, { ...input, ...series });
      assert.ok(text.length > 10 && !/NaN|undefined|Infinity/.test(text), `${analysis.id}: ${text}`);
      lines[analysis.id] = text;
    }
  });
  return lines;
}

for (const make of MODELS) {
  const model = make();
  test(`every analysis has a result without NaN, or one line: ${model.label}`, async () => {
    await allSaid(model);
  });
}

/** An untrained model one of whose matrices is zero. */
function without(preset: Preset, name: ParameterName): Model {
  const model = untrained(preset, { p: 7 });
  const { parameters } = model.checkpoint;
  const zero = { ...parameters[name], data: parameters[name].data.map(() => 0) };
  return modelOf(`${preset} without ${name}`, presetConfig(preset, { ...SMALL, p: 7 }), { ...parameters, [name]: zero });
}

test("what does not depend on the input has no structure, by rounding either", async () => {
  const same = await allSaid(without("nanda", "embed.W_E"));
  assert.match(same.mechanism ?? "", /^key frequencies +none .*\nlogit share +0 % +\(null 0 %, p = 1\)/);
  const none = /^neurons +2, 2 dead: none varies\nmodel: no neuron varies\.\n"Not in model: one frequency .*"/;
  assert.match(same.neurons ?? "", none);
  const constant = await allSaid(without("miiii", "blocks.0.mlp.W_in"));
  assert.match(constant.neurons ?? "", none);
  assert.match(constant.patch ?? "", /^groups +none: no neuron varies, so there is nothing to patch/);
});

test("a group of all the neurons there are costs no more loss than its own random draws, by rounding either", async () => {
  const circuits = ANALYSES.find(({ id }) => id === "circuits") ?? assert.fail();
  for (let seed = 0; seed < 24; seed++) {
    const config = presetConfig("nanda", { ...SMALL, p: 7, d_mlp: 1, seed });
    const model = modelOf(`one neuron ${seed}`, config, initParameters(config, seed));
    await withAnalysisInput(model, [...ACTIVATION_NAMES, "forward", "matmul"], { runtime, seed: 1 }, async (input) => {
      const metrics: Readonly<Record<string, number | undefined>> = circuits.metrics(await circuits.run(input, {}));
      assert.equal(metrics.groups_above_null_by_loss, 0, model.label);
    });
  }
});

test("what is missing is named: with q = 2 alone trained, no neuron to patch; a run without norms; a lone model", async () => {
  const two = await allSaid(untrained("miiii", { p: 7, mask_primes: [3, 5] }));
  assert.match(
    two.patch ?? "",
    /^groups +none: no neuron's best pair is of a trained task \(2 are of others\), so there is nothing/,
  );
  assert.equal(two.norms, "norms: the run's metrics must hold weight norms, got none");
  assert.match(two.clock ?? "", /^needs an addition model/);
  const lone = await allSaid(untrained("miiii", { p: 5, mask_primes: [3], d_mlp: 1 }, false));
  assert.match(lone.curves ?? "", /^series: this analysis reads a run over time/);
});
