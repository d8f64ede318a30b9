import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { trainRun } from "../src/api/train-run.ts";
import { readCheckpoint, runFiles } from "../src/checkpoint/index.ts";
import { at, type NdArray } from "../src/core/index.ts";
import { type MetricsRow, PARAMETER_NAMES, type ParameterName, type RunConfig } from "../src/model/index.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { tensorflowRuntimeOf } from "../src/runtimes/tensorflow.ts";
import { checkConfig, initialState, presetConfig, type TrainState, train } from "../src/train/index.ts";
import { assertTrainAlike, finalState, trainsOn } from "./helpers/agreement.ts";
import { assertAllClose } from "./helpers/assert.ts";
import { assertResumesExactly } from "./helpers/resumed.ts";

await tf.setBackend("cpu");
const onnx = onnxRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), "miiii-regularisation-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const small = { p: 11, d_model: 16, n_heads: 2, d_mlp: 32, init: "he", lr: 3e-3, epochs: 40 } as const;
const config = presetConfig("miiii", { ...small, dropout: 0.2, train_fraction: 0.6 });
const after1 = (change: Partial<RunConfig>) =>
  finalState({ config: checkConfig({ ...config, ...change, epochs: 1 }), runtime: onnx, omega: false });

test("no_decay: the named tensors alone move by the gradient alone", async () => {
  const [decayed, spared] = [await after1({}), await after1({ no_decay: ["embed.W_E", "unembed.W_U"] })];
  const start = initialState(config).parameters;
  for (const name of PARAMETER_NAMES) {
    const part = name === "embed.W_E" || name === "unembed.W_U" ? config.lr * config.weight_decay : 0;
    const difference = Array.from(spared.parameters[name].data, (value, i) => value - at(decayed.parameters[name].data, i));
    assertAllClose(
      difference,
      Array.from(start[name].data, (value) => value * part),
      { rtol: 1e-3, atol: 3e-7 },
    );
  }
});

const rowNorms = ({ shape, data }: NdArray): number[] => {
  const width = shape.at(-1) as number;
  return Array.from({ length: data.length / width }, (_, row) => Math.hypot(...data.slice(row * width, (row + 1) * width)));
};

test("max_row_norm: rows of W_out and W_U beyond it are scaled down to it, others are left, and neither decays", async () => {
  const most = 1.15;
  const [free, bounded] = [
    await after1({ no_decay: ["blocks.0.mlp.W_out", "unembed.W_U"] }),
    await after1({ max_row_norm: most }),
  ];
  for (const name of PARAMETER_NAMES) {
    const isBounded = name === "blocks.0.mlp.W_out" || name === "unembed.W_U";
    const [before, norms] = [rowNorms(free.parameters[name]), rowNorms(bounded.parameters[name])];
    assertAllClose(
      norms,
      before.map((norm) => (isBounded ? Math.min(norm, most) : norm)),
      { rtol: 1e-6 },
    );
    if (isBounded) assert.ok(before.some((norm) => norm > most) && before.some((norm) => norm < most), `${name}: ${before}`);
  }
});

test("weight_ema: the average of the weights, forgetting the first ones, changes nothing in training", async () => {
  const averaged = checkConfig({ ...config, weight_ema: 0.8, epochs: 60 });
  const name: ParameterName = "blocks.0.mlp.W_in";
  let expected = Array.from(initialState(averaged).parameters[name].data);
  let last: TrainState | undefined;
  const everyEpoch = { config: averaged, runtime: onnx, omega: false, saveNow: () => true };
  for await (const event of train(everyEpoch)) {
    if (event.type !== "state") continue;
    last = event.state;
    const { epoch } = last;
    const decay = Math.min(0.8, epoch / (epoch + 9));
    const now = last.parameters[name].data;
    expected = expected.map((value, i) => decay * value + (1 - decay) * at(now, i));
    assertAllClose(last.average?.[name].data ?? [], expected, { rtol: 1e-4, atol: 1e-6 });
  }
  const plain = await finalState({ config: { ...averaged, weight_ema: 0 }, runtime: onnx, omega: false });
  assert.deepEqual(last?.parameters, plain.parameters);
});

test("the average is evaluated at ticks and kept beside the weights", async () => {
  const path = join(folder, "average");
  const averaged = checkConfig({ ...config, weight_ema: 0.9 });
  await trainRun(averaged, path, { runtime: onnx, omega: false });
  const rows = readFileSync(join(path, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as MetricsRow);
  const [first, end] = [rows[0], rows.at(-1)];
  assert.deepEqual(first?.average, { train: first?.train, validation: first?.validation });
  assert.notDeepEqual(end?.average?.train, end?.train);
  for (const row of rows) assert.equal(row.average?.validation.accuracy.length, 4);
  const { parameters } = readCheckpoint(runFiles.average({ path }, 40));
  const state = await finalState({ config: averaged, runtime: onnx, omega: false });
  assert.deepEqual(parameters["embed.W_E"].data, state.average?.["embed.W_E"].data);
  assert.ok(existsSync(runFiles.average({ path }, 0)));
});

for (const change of [{ no_decay: ["embed.W_E"] }, { max_row_norm: 0.9 }, { weight_ema: 0.95 }] as const) {
  const name = Object.keys(change).join();
  test(`${name}: an interrupted and resumed run equals an uninterrupted one bit for bit`, async () => {
    const files = ["metrics.jsonl", "config.json", "resume.safetensors", "step-000000040.safetensors"];
    const changed = checkConfig({ ...config, ...change });
    const { first } = await assertResumesExactly(changed, join(folder, name), 19, files, { runtime: onnx, omega: false });
    assert.deepEqual([first.epoch, first.interrupted], [19, true]);
  });
}

test("runtimes agree on decay, bounds and averages", async () => {
  const tensorflow = tensorflowRuntimeOf(tf, { version: "test", device: "test" });
  const all = { ...config, no_decay: ["embed.W_E"], max_row_norm: 1, weight_ema: 0.9 } as const;
  await assertTrainAlike(trainsOn(onnx), trainsOn(tensorflow), all);
});
