/**
 * The `tensorflow` runtime on the real native addon: skipped where `@tensorflow/tfjs-node` is neither beside the project nor in
 * the node_modules that $MIIII_TFJS_NODE names. `npm run check:tensorflow` builds it and runs this.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, test } from "node:test";
import type * as Tf from "@tensorflow/tfjs";
import { resumeRun, trainRun } from "../src/api/train-run.ts";
import { listCheckpoints, readCheckpoint } from "../src/checkpoint/index.ts";
import { messageOf, type NdArray } from "../src/core/index.ts";
import {
  initParameters,
  lossAndGradients,
  PARAMETER_NAMES,
  type RunConfig,
  tableRows,
  targetColumns,
} from "../src/model/index.ts";
import { dropoutMask, type Ops } from "../src/ops/index.ts";
import { onnxRuntime, type Runtime, runOnce, tensorflowRuntime } from "../src/runtimes/index.ts";
import { headsOf, makeDataset, makeSplit } from "../src/tasks/index.ts";
import { presetConfig, train } from "../src/train/index.ts";
import { assertTrainAlike, trainsOn } from "./helpers/agreement.ts";
import { ROOT } from "./helpers/source.ts";

const modules = process.env.MIIII_TFJS_NODE;
const require = createRequire(modules === undefined ? import.meta.url : join(resolve(modules), "anchor.js"));
const onnx = onnxRuntime({ threads: 1 });

async function open(): Promise<Runtime> {
  return tensorflowRuntime(async (name) => ({
    imported: require(name) as object,
    version: (require(`${name}/package.json`) as { version: string }).version,
  }));
}

const opened = await open().catch((error: unknown) => messageOf(error));
if (modules !== undefined && typeof opened === "string") throw new Error(`MIIII_TFJS_NODE=${modules}: ${opened}`);
const skip = typeof opened === "string" ? "no @tensorflow/tfjs-node here; npm run check:tensorflow makes one" : false;

function addon(): Runtime {
  assert.ok(typeof opened !== "string");
  return opened;
}

const folder = mkdtempSync(join(tmpdir(), "miiii-addon-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const small = { p: 11, d_model: 16, n_heads: 2, d_mlp: 32, init: "he", lr: 3e-3, train_fraction: 0.6 } as const;
const KINDS: readonly [string, RunConfig][] = (["nanda", "miiii"] as const).flatMap((preset) =>
  (["step", "sample"] as const).map((dropout_mask): [string, RunConfig] => [
    `${preset}, dropout by ${dropout_mask}`,
    presetConfig(preset, { ...small, dropout: 0.2, dropout_mask, grokfast_lambda: preset === "miiii" ? 0.5 : 0 }),
  ]),
);

/** ‖a − b‖ / ‖b‖. */
function apart(a: NdArray, b: NdArray): number {
  let [difference, square] = [0, 0];
  b.data.forEach((value, i) => {
    difference += ((a.data[i] as number) - value) ** 2;
    square += value ** 2;
  });
  return Math.sqrt(difference / square);
}

for (const [name, config] of KINDS) {
  test(`addon: losses and gradients equal ONNX Runtime's: ${name}`, { skip }, async () => {
    const parameters = initParameters(config, 1);
    const data = makeDataset(config, 1);
    const heads = headsOf(config);
    const samples = makeSplit(config.p, config.train_fraction, 1).train;
    const batch = { ...tableRows(samples, data), columns: targetColumns(data.targets, heads, samples) };
    const rows = config.dropout_mask === "step" ? 1 : samples.length;
    const mask = (site: number) => dropoutMask({ seed: 1, site, rate: config.dropout }, 1, [rows, config.d_model]);
    const feeds = { ...parameters, mid: mask(0), post: mask(1) };
    const gradients = async (runtime: Runtime) => {
      const program = await runtime.compile({
        dtype: "float32",
        inputs: Object.fromEntries(Object.entries(feeds).map(([each, { shape }]) => [each, { dtype: "float32", shape }])),
        build: <T>(ops: Ops<T>, given: Readonly<Record<string, T>>) => {
          const masks = { mid: given.mid as T, post: given.post as T };
          const out = lossAndGradients(ops, given, { batch, heads }, { ...config, batch: samples.length }, masks);
          return { loss: out.loss, ...Object.fromEntries(PARAMETER_NAMES.map((each) => [`d/${each}`, out.gradients[each]])) };
        },
      });
      const out = await runOnce(program, feeds);
      const copied = Object.entries(out).map(
        ([each, array]) => [each, { ...array, data: array.data.slice() } as NdArray] as const,
      );
      await program.dispose();
      return new Map(copied);
    };
    const [own, reference] = [await gradients(addon()), await gradients(onnx)];
    assert.equal(own.size, PARAMETER_NAMES.length + 1);
    for (const [each, array] of reference) {
      const relative = apart(own.get(each) as NdArray, array);
      assert.ok(relative < (each === "loss" ? 2e-6 : 1e-5), `${each}: relative difference ${relative}`);
    }
  });

  test(`addon: agrees with ONNX Runtime over a hundred steps: ${name}`, { skip }, async () => {
    await assertTrainAlike(trainsOn(addon()), trainsOn(onnx), { ...config, epochs: 100 });
  });
}

const config = presetConfig("miiii", { ...small, dropout: 0.2, epochs: 60 });
const FILES = ["metrics.jsonl", "omega.jsonl", "config.json", "resume.safetensors"];

function lastWeights(path: string): Record<string, NdArray> {
  return readCheckpoint(listCheckpoints({ path }).at(-1)?.path ?? "").parameters;
}

/** Trains up to about `epoch`, then stops with everything saved. */
async function begin(path: string, runtime: Runtime, epoch: number): Promise<void> {
  const controller = new AbortController();
  const { interrupted } = await trainRun(config, path, {
    runtime,
    signal: controller.signal,
    onProgress: (done) => done === epoch && controller.abort(),
  });
  assert.ok(interrupted);
}

test("addon: interrupted and resumed equals uninterrupted, bit for bit", { skip }, async () => {
  const [whole, broken] = [join(folder, "whole"), join(folder, "broken")];
  await trainRun(config, whole, { runtime: addon() });
  await begin(broken, addon(), 34);
  await resumeRun(broken, undefined, { runtime: addon() });
  for (const file of FILES)
    assert.ok(readFileSync(join(whole, file)).equals(readFileSync(join(broken, file))), `${file} differs`);
  assert.deepEqual(lastWeights(whole), lastWeights(broken));
});

test("addon: a run goes on on the other runtime, from the same bits, to the same weights up to rounding", { skip }, async () => {
  const reference = join(folder, "reference");
  await trainRun(config, reference, { runtime: onnx });
  for (const [first, second] of [
    [addon(), onnx],
    [onnx, addon()],
  ] as const) {
    const path = join(folder, `${first.name}-${second.name}`);
    await begin(path, first, 30);
    const copy = `${path}-copy`;
    cpSync(path, copy, { recursive: true });
    const { epoch } = await resumeRun(path, undefined, { runtime: second });
    assert.equal(epoch, 60);
    for (const [name, array] of Object.entries(lastWeights(reference))) {
      const relative = apart(lastWeights(path)[name] as NdArray, array);
      assert.ok(relative < 1e-3, `${path}: ${name}: ${relative}`);
    }
    const history = readFileSync(join(path, "history.jsonl"), "utf8").trim().split("\n");
    assert.deepEqual(
      history.map((line) => (JSON.parse(line) as { runtime: string }).runtime),
      [first.name, second.name],
    );
    // The second runtime took exactly the state that the first one saved: it repeats itself from the copy.
    await resumeRun(copy, undefined, { runtime: second });
    for (const file of FILES) assert.ok(readFileSync(join(path, file)).equals(readFileSync(join(copy, file))), `${file} differs`);
  }
});

test("addon: the number of live tensors stays the same, and none is left behind", { skip }, async () => {
  const [name = ""] = addon().version.split(" ");
  const tf = require(name) as typeof Tf;
  const before = tf.memory().numTensors;
  const counts: number[] = [];
  for await (const event of train({ config: { ...config, epochs: 40 }, runtime: addon() })) {
    if (event.type === "progress") counts.push(tf.memory().numTensors);
  }
  assert.ok((counts[0] ?? 0) > before);
  assert.equal(new Set(counts.slice(1)).size, 1, counts.join(" "));
  assert.equal(tf.memory().numTensors, before);
});

test("addon: the command line trains on it, says so, and prints nothing else on stdout", { skip }, () => {
  const installed = modules === undefined ? "" : join(resolve(modules), "miiii", "dist", "cli", "main.js");
  const command = existsSync(installed) ? [installed] : ["--import", "tsx", join(ROOT, "src", "cli", "main.ts")];
  const cwd = existsSync(installed) ? dirname(resolve(modules ?? "")) : ROOT;
  const run = (...words: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [...command, ...words], { cwd, encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return { stdout, stderr };
  };
  const { stdout } = run("runtimes", "--json");
  const { runtimes } = JSON.parse(stdout) as { runtimes: { name: string; works: boolean; version?: string }[] };
  const found = runtimes.find(({ name }) => name === "tensorflow");
  assert.equal(found?.works, true, stdout);
  assert.match(found?.version ?? "", /^@tensorflow\/tfjs-node(-gpu)? \d+\.\d+\.\d+ \(libtensorflow \d+\.\d+\.\d+\)$/);
  const out = join(folder, "by-command");
  const sizes = ["--p", "11", "--d-model", "16", "--n-heads", "2", "--d-mlp", "32", "--epochs", "20"];
  const { stderr } = run("train", "--preset", "miiii", ...sizes, "--runtime", "tensorflow", "--out", out);
  assert.match(stderr, /on tensorflow \((CPU|GPU)/);
  assert.doesNotMatch(stderr, /oneDNN|cpu_feature_guard/);
  const [row] = readFileSync(join(out, "history.jsonl"), "utf8").trim().split("\n");
  const { runtime, epoch } = JSON.parse(row ?? "") as { runtime: string; epoch: number };
  assert.deepEqual([runtime, epoch], ["tensorflow", 20]);
});
