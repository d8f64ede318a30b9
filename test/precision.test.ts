import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { positional } from "../src/analyses/positional/index.ts";
import { analyzeModel } from "../src/api/analyze.ts";
import { loadModel } from "../src/api/models.ts";
import { resumeRun, trainRun } from "../src/api/train-run.ts";
import { listCheckpoints, readCheckpoint } from "../src/checkpoint/index.ts";
import { at, type NdArray } from "../src/core/index.ts";
import { headMetrics } from "../src/math/index.ts";
import {
  forwardProgram,
  PARAMETER_NAMES,
  type PerParameter,
  perParameter,
  type RunConfig,
  stepProgram,
  tableRows,
  targetColumns,
} from "../src/model/index.ts";
import { onnxRuntime, type RuntimeName, runOnce } from "../src/runtimes/index.ts";
import { headWeights, makeDataset, makeSplit } from "../src/tasks/index.ts";
import { feedsOf } from "../src/train/feeds.ts";
import { initialState, presetConfig } from "../src/train/index.ts";
import { tensorsOfState } from "../src/train/state.ts";
import { distance, finalState } from "./helpers/agreement.ts";
import { assertResumesExactly } from "./helpers/resumed.ts";

const onnx = onnxRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), "miiii-precision-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const small = { p: 11, d_model: 16, n_heads: 2, d_mlp: 32, init: "he", lr: 3e-3, epochs: 40, train_fraction: 0.6 } as const;
const config = presetConfig("miiii", { ...small, dropout: 0.2, precision: "float64" });

test("in float64 a step's gradients are the loss's slopes to eight digits", async () => {
  const own = { ...config, dropout: 0, grokfast_lambda: 0 };
  const dataset = makeDataset(own, own.seed);
  const { train } = makeSplit(own.p, own.train_fraction, own.seed);
  const rows = tableRows(train, dataset);
  const program = await onnx.compile(
    stepProgram(own, { ...rows, columns: targetColumns(dataset.targets, dataset.heads, train) }),
  );
  const start = initialState(own);
  program.setState(tensorsOfState(start));
  await program.run([feedsOf(own, 1)]);
  const after = await program.getState();
  await program.dispose();
  const forward = await onnx.compile(forwardProgram(own, start.parameters, train.length, ["logits"], "float64"));
  const weights = headWeights(dataset.heads).data;
  const lossAt = async (parameters: PerParameter<NdArray>): Promise<number> => {
    const { logits } = await runOnce(forward, { ...parameters, ...rows });
    const { loss } = headMetrics(logits as NdArray, dataset.targets, dataset.heads, train);
    return loss.reduce((sum, value, h) => sum + value * at(weights, h), 0);
  };
  for (const name of PARAMETER_NAMES) {
    const gradient = Array.from((after[`m/${name}`] as NdArray).data, (m) => m / (1 - own.beta1));
    // The steepest entry: a small one's slope is lost in the loss's own rounding.
    const i = gradient.reduce((best, g, j) => (Math.abs(g) > Math.abs(at(gradient, best)) ? j : best), 0);
    const moved = (by: number) =>
      lossAt(
        perParameter((other) => {
          const array = start.parameters[other];
          if (other !== name) return array;
          const data = Float64Array.from(array.data);
          data[i] = at(data, i) + by;
          return { dtype: "float64", shape: array.shape, data };
        }),
      );
    const h = 1e-4;
    const [f1, f2] = [(await moved(h)) - (await moved(-h)), (await moved(2 * h)) - (await moved(-2 * h))];
    const slope = (8 * f1 - f2) / (12 * h);
    assert.ok(Math.abs(slope / at(gradient, i) - 1) < 1e-8, `${name}[${i}]: ${at(gradient, i)}, slope ${slope}`);
  }
  await forward.dispose();
});

test("a float64 run starts from float32's weights, has its masks, and goes where it goes up to float32's rounding", async () => {
  const run = (precision: RunConfig["precision"]) =>
    finalState({ config: { ...config, epochs: 20, precision }, runtime: onnx, omega: false });
  const [wide, narrow] = [await run("float64"), await run("float32")];
  const start = initialState(config).parameters;
  for (const name of PARAMETER_NAMES) {
    assert.deepEqual(
      Array.from(start[name].data),
      Array.from(initialState({ ...config, precision: "float32" }).parameters[name].data),
    );
    for (const group of ["parameters", "m", "v", "ema"] as const) assert.equal(wide[group]?.[name].dtype, "float64");
    const moved = distance(wide.parameters[name], start[name]);
    const apart = distance(wide.parameters[name], narrow.parameters[name]);
    assert.ok(apart > 0 && apart < 1e-4 * moved, `${name}: ${apart} of ${moved}`);
  }
});

test("a float64 run keeps float64, resumes bit for bit and is analysed", async () => {
  const scheduled = { ...config, late_primes: [3], late_epoch: 12, weight_ema: 0.9 };
  const files = ["metrics.jsonl", "omega.jsonl", "config.json", "resume.safetensors"];
  const { first, whole } = await assertResumesExactly(scheduled, folder, 20, files, { runtime: onnx });
  assert.ok(first.interrupted && first.epoch < 40);
  const kept = readCheckpoint(listCheckpoints({ path: whole }).at(-1)?.path ?? "");
  assert.equal(kept.parameters["unembed.W_U"].dtype, "float64");
  const model = await loadModel({ kind: "run", path: whole, label: "wide" });
  const outcomes = await analyzeModel([positional], model, { runtime: onnx, seed: 0 });
  assert.equal(outcomes.size, 1);
});

test("runtimes without float64 refuse it by name, before anything is written", async () => {
  for (const name of ["webgpu", "tensorflow"] as const satisfies readonly RuntimeName[]) {
    const runtime = { ...onnx, name };
    const path = join(folder, name);
    const message = new RegExp(`precision: float64 needs the runtime onnx .*, ${name} computes in float32 alone`);
    await assert.rejects(trainRun(config, path, { runtime }), message);
    assert.ok(!existsSync(path));
    await assert.rejects(resumeRun(join(folder, "whole"), 60, { runtime }), message);
    await assert.rejects(finalState({ config, runtime }), message);
  }
});
