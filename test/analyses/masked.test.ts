import assert from "node:assert/strict";
import { test } from "node:test";
import { circuits } from "../../src/analyses/circuits/index.ts";
import { curves } from "../../src/analyses/curves/index.ts";
import type { AnalysisInput, MetricsRow, Series } from "../../src/analyses/kit/define.ts";
import { mechanism } from "../../src/analyses/mechanism/index.ts";
import { progress } from "../../src/analyses/progress/index.ts";
import { scoreOf } from "../../src/api/evaluate.ts";
import { openRunDirectory, readLastCheckpoint } from "../../src/checkpoint/index.ts";
import { float64, type NdArray } from "../../src/core/index.ts";
import { onnxRuntime } from "../../src/runtimes/index.ts";
import { headsOf, logitsOf, makeDataset, numberOf } from "../../src/tasks/index.ts";
import { fieldsOf, inputWith } from "../helpers/spectral-input.ts";

const p = 17;
const config = { task: "masked", p, labels: "remainder", shuffle_labels: false } as const;
const heads = headsOf(config);
const width = logitsOf(heads);

/** Logits of a model that has learned the heads of the loss, 11 and 13, and says the wrong thing on the others. */
const logits: NdArray<"float64"> = float64(
  Array.from({ length: p * p }, (_, i) => {
    const n = numberOf(Math.floor(i / p), i % p, p);
    return heads.flatMap(({ q, active }) => Array.from({ length: q }, (_, c) => (n % q === (active ? c : (c + 1) % q) ? 10 : 0)));
  }).flat(),
  [p * p, width],
);

function inputOf(more: Partial<AnalysisInput>): AnalysisInput {
  const plain = inputWith({ p, task: "masked", activations: { logits } });
  return { ...plain, heads, targets: makeDataset(config, 0).targets, ...more };
}

/** A tick at which the heads of the loss have the one accuracy and the others another. */
function row(epoch: number, own: number, other: number): MetricsRow {
  const accuracy = heads.map(({ active }) => (active ? own : other));
  const part = { accuracy, loss: accuracy.map((value) => 1 - value) };
  return { epoch, train: part, validation: part, objective: 1, weight_norms: {} };
}

test("heads that are not in the loss are no part of curves, mechanism and progress, nor of their means", async () => {
  const metricsRows = [row(0, 0, 0), row(10, 0.5, 0.1), row(20, 1, 0.1)];
  const series: Series = { metrics: metricsRows, omega: [], checkpoints: [], models: async function* () {} };
  const curved = await curves.run(inputOf({ series }), {});
  assert.deepEqual(curved.q, [11, 13]);
  assert.deepEqual(curved.grok_epoch, [20, 20]);
  assert.deepEqual(curved.final.validation_accuracy, [1, 1]);
  assert.deepEqual(curved.validation.accuracy, [
    [0, 0.5, 1],
    [0, 0.5, 1],
  ]);
  assert.deepEqual(curves.metrics(curved).heads, 2);
  assert.deepEqual(curves.metrics(curved).validation_accuracy, 1);
  assert.match(curves.headline([{ label: "a", result: curved, config: inputOf({}).config }]), /2 of 2 tasks grok/);

  const made = await mechanism.run(inputOf({}), {});
  assert.ok(made.kind === "heads");
  assert.deepEqual(
    made.heads.map(({ q, loss }) => [q, loss.all < 0.01]),
    [
      [11, true],
      [13, true],
    ],
  );

  const plain = inputOf({});
  const models: Series["models"] = async function* () {
    for (const epoch of [0, 10]) yield { epoch, parameters: plain.parameters, activations: { logits } };
  };
  const measured = await progress.run({ ...plain, series: { metrics: [], omega: [], checkpoints: [0, 10], models } }, {});
  assert.deepEqual(measured.q, [11, 13]);
  assert.ok((progress.metrics(measured).test_loss ?? 1) < 0.01);
});

test("circuits asks the heads of the loss alone", async () => {
  const neurons = fieldsOf(p, [(x0, x1) => Number(numberOf(x0, x1, p) % 11 === 3), (x0) => Number(x0 % 2 === 0)]);
  const result = await circuits.run(
    inputOf({
      activations: { "blocks.0.mlp.hook_pre": neurons, "blocks.0.mlp.hook_post": neurons, logits },
      forward: async () => logits,
    }),
    { samples: 2048, all: true, draws: 2 },
  );
  assert.deepEqual(result.q, [11, 13]);
  assert.deepEqual(result.baseline.accuracy, [1, 1]);
});

test("the accuracy by which a model is judged right is that of the trained tasks", async () => {
  const { checkpoint } = readLastCheckpoint(openRunDirectory("fixtures/masked-p53"));
  assert.ok((await scoreOf(checkpoint.config, checkpoint.parameters, onnxRuntime({ threads: 1 }))) > 0.97);
});
