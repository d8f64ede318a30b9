import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { resumeRun, trainRun } from "../src/api/train-run.ts";
import { listCheckpoints, readCheckpoint } from "../src/checkpoint/index.ts";
import { MiiiiError, type NdArray } from "../src/core/index.ts";
import type { MetricsRow } from "../src/model/index.ts";
import { onnxRuntime, type Program, type Runtime } from "../src/runtimes/index.ts";
import { tensorflowRuntimeOf } from "../src/runtimes/tensorflow.ts";
import { presetConfig, ticksOf, train } from "../src/train/index.ts";
import { assertTrainAlike, finalState, trainsOn } from "./helpers/agreement.ts";
import { assertAllClose } from "./helpers/assert.ts";

await tf.setBackend("cpu");
const onnx = onnxRuntime({ threads: 1 });
const tensorflow = tensorflowRuntimeOf(tf, { version: "test", device: "test" });
const folder = mkdtempSync(join(tmpdir(), "miiii-train-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const small = { p: 11, d_model: 16, n_heads: 2, d_mlp: 32, init: "he", lr: 3e-3, epochs: 60 } as const;
const config = presetConfig("miiii", { ...small, dropout: 0.2, train_fraction: 0.6 });

test("ticks: first, last, log-spaced and regular", () => {
  const ticks = ticksOf(10_000);
  for (const epoch of [0, 1, 2, 4, 8, 1024, 100, 9900, 10_000]) assert.ok(ticks.metrics.has(epoch), `no tick at ${epoch}`);
  assert.ok(ticks.metrics.size > 150 && ticks.metrics.size < 250, `${ticks.metrics.size} ticks`);
  assert.ok(ticks.omega.size > 70 && ticks.omega.size < 130, `${ticks.omega.size} statistics`);
  assert.ok(!ticks.omega.has(10_000), "the epoch after the last does not exist");
  assert.deepEqual([...ticksOf(0).metrics], [0]);
});

test("ONNX and TensorFlow.js agree over a hundred steps", async () => {
  for (const dropout_mask of ["step", "sample"] as const) {
    await assertTrainAlike(trainsOn(onnx), trainsOn(tensorflow), { ...config, epochs: 100, dropout_mask });
  }
});

test("an operation-by-operation run holds its number of tensors still", async () => {
  const counts: number[] = [];
  for await (const event of train({ config: { ...config, epochs: 12 }, runtime: tensorflow, omega: false })) {
    if (event.type === "progress") counts.push(tf.memory().numTensors);
  }
  assert.deepEqual(new Set(counts.slice(1)).size, 1, counts.join(" "));
});

test("many epochs at a time give the same run as one at a time", async () => {
  const events = async (runsAtOnce: number) => {
    const seen: unknown[] = [];
    for await (const event of train({ config, runtime: { ...onnx, runsAtOnce } }))
      if (event.type !== "progress") seen.push(event);
    return seen;
  };
  assert.deepEqual(await events(13), await events(1));
});

function sameBits(a: Record<string, NdArray>, b: Record<string, NdArray>): void {
  for (const [name, array] of Object.entries(a)) {
    assert.deepEqual(Buffer.from(array.data.buffer), Buffer.from((b[name] as NdArray).data.buffer), name);
  }
}

test("an interrupted and resumed run equals an uninterrupted one bit for bit", async () => {
  const whole = join(folder, "whole");
  const broken = join(folder, "broken");
  const full = await trainRun(config, whole, { runtime: onnx });
  assert.deepEqual(full, { path: whole, epoch: 60, interrupted: false });
  const controller = new AbortController();
  const first = await trainRun(config, broken, {
    runtime: onnx,
    signal: controller.signal,
    onProgress: (epoch) => epoch === 34 && controller.abort(),
  });
  assert.ok(first.interrupted && first.epoch >= 34 && first.epoch < 45, `stopped at ${first.epoch}`);
  const second = await resumeRun(broken, undefined, { runtime: onnx });
  assert.deepEqual(second, { path: broken, epoch: 60, interrupted: false });
  for (const file of ["metrics.jsonl", "omega.jsonl", "config.json", "resume.safetensors"]) {
    assert.ok(readFileSync(join(whole, file)).equals(readFileSync(join(broken, file))), `${file} differs`);
  }
  const last = (path: string) => readCheckpoint(listCheckpoints({ path }).at(-1)?.path ?? "").parameters;
  sameBits(last(whole) as unknown as Record<string, NdArray>, last(broken) as unknown as Record<string, NdArray>);
  const history = readFileSync(join(broken, "history.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    history.map((row) => [row.from_epoch, row.interrupted]),
    [
      [0, true],
      [first.epoch, false],
    ],
  );
});

test("a run that broke off before its first state begins anew; one of checkpoints alone is refused", async () => {
  const [whole, broken] = [join(folder, "anew-whole"), join(folder, "anew")];
  const short = { ...config, epochs: 12 };
  await trainRun(short, whole, { runtime: onnx });
  await trainRun(short, broken, { runtime: onnx });
  rmSync(join(broken, "resume.safetensors"));
  await assert.rejects(resumeRun(broken, 20, { runtime: onnx }), /must hold resume\.safetensors to be resumed/);
  for (const { epoch, path } of listCheckpoints({ path: broken })) if (epoch > 0) rmSync(path);
  await resumeRun(broken, undefined, { runtime: onnx });
  for (const file of ["metrics.jsonl", "omega.jsonl", "resume.safetensors"])
    assert.ok(readFileSync(join(whole, file)).equals(readFileSync(join(broken, file))), `${file} differs`);
  for (const bad of [{ lr: -1 }, { dropout: 2 }, { weight_decay: Number.NaN }, { epochs: 1e99 }])
    await assert.rejects(finalState({ config: { ...short, ...bad }, runtime: onnx }), /: must be .*, got/);
});

test("a finished run goes on to more epochs, and refuses fewer", async () => {
  const path = join(folder, "longer");
  await trainRun({ ...config, epochs: 10 }, path, { runtime: onnx, omega: false });
  await assert.rejects(resumeRun(path, undefined, { runtime: onnx }), /has 10 epochs already; --epochs must be more/);
  const longer = await resumeRun(path, 25, { runtime: onnx, omega: false });
  assert.equal(longer.epoch, 25);
  const direct = await finalState({ config: { ...config, epochs: 25 }, runtime: onnx, omega: false });
  const kept = readCheckpoint(listCheckpoints({ path }).at(-1)?.path ?? "").parameters;
  sameBits(direct.parameters as unknown as Record<string, NdArray>, kept as unknown as Record<string, NdArray>);
  const rows = readFileSync(join(path, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as MetricsRow);
  assert.deepEqual(
    rows.map((row) => row.epoch),
    [...rows.map((row) => row.epoch)].sort((a, b) => a - b),
  );
  assert.equal(rows.at(-1)?.epoch, 25);
});

test("a loss that is no longer finite stops the run at once and names the epoch; the checkpoint before stays", async () => {
  const path = join(folder, "diverged");
  const wild = presetConfig("nanda", { ...small, lr: 1e20, warmup: 0 });
  await assert.rejects(trainRun(wild, path, { runtime: onnx, omega: false }), /must be finite, they are not at epoch \d/);
  const kept = listCheckpoints({ path });
  assert.ok(kept.length >= 1);
  for (const { path: file } of kept) readCheckpoint(file);
});

test("a device lost in mid-run is an error that says where the run stands; it goes on from there on another runtime", async () => {
  const path = join(folder, "lost");
  const whole = join(folder, "not-lost");
  const longer = { ...config, epochs: 100 };
  const failing: Runtime = {
    ...onnx,
    async compile(source) {
      const program = await onnx.compile(source);
      let runs = 0;
      const run: Program["run"] = async (feeds) => {
        runs += 1;
        if (source.inputs.lr && runs > 80) throw new MiiiiError("runtime", "webgpu: the device was lost");
        return program.run(feeds);
      };
      return {
        setState: (state) => program.setState(state),
        getState: () => program.getState(),
        dispose: () => program.dispose(),
        run,
      };
    },
  };
  await assert.rejects(trainRun(longer, path, { runtime: failing }), {
    code: "runtime",
    message: `webgpu: the device was lost; the state of epoch 80 is kept: miiii train --resume ${path}`,
  });
  await resumeRun(path, undefined, { runtime: onnx });
  await trainRun(longer, whole, { runtime: onnx });
  const last = (run: string) => readCheckpoint(listCheckpoints({ path: run }).at(-1)?.path ?? "").parameters;
  sameBits(last(path) as unknown as Record<string, NdArray>, last(whole) as unknown as Record<string, NdArray>);
});

test("a failing write in mid-training is an error that names the file, and leaves nothing half-written", async () => {
  const path = join(folder, "full");
  const run = trainRun(config, path, {
    runtime: onnx,
    omega: false,
    onProgress: (epoch) => {
      // A folder in the file's place makes the rename fail, after the temporary file was written.
      if (epoch === 5) mkdirSync(join(path, "step-000000008.safetensors", "blocked"), { recursive: true });
    },
  });
  await assert.rejects(run, /step-000000008\.safetensors/);
  const names = readdirSync(path);
  assert.deepEqual(
    names.filter(
      (name) => !/^(config\.json|metrics\.jsonl|resume\.safetensors|stretch\.json|step-\d{9}\.safetensors)$/.test(name),
    ),
    [],
  );
  readCheckpoint(join(path, "step-000000004.safetensors"));
});

test("modular addition groks at p = 23 when enough of the table is shown, and its shuffled twin does not", async () => {
  const addition = presetConfig("nanda", { p: 23, d_model: 32, n_heads: 2, epochs: 500, lr: 3e-3, train_fraction: 0.8 });
  const accuracy = async (shuffle_labels: boolean) => {
    let row: MetricsRow | undefined;
    for await (const event of train({ config: { ...addition, shuffle_labels }, runtime: onnx, omega: false })) {
      if (event.type === "tick") row = event.row;
    }
    assert.ok(row);
    return [row.train.accuracy[0] as number, row.validation.accuracy[0] as number] as const;
  };
  const [learned, shuffled] = [await accuracy(false), await accuracy(true)];
  assertAllClose([learned[0], shuffled[0]], [1, 1]);
  assert.ok(learned[1] >= 0.99, `validation ${learned[1]}`);
  assert.ok(shuffled[1] <= 0.2, `validation of the shuffled twin ${shuffled[1]}`);
});

test("a device that has no room is an error that says for which sizes", async () => {
  const full: Runtime = {
    ...onnx,
    async compile() {
      throw new MiiiiError("runtime", "webgpu: out of device memory");
    },
  };
  await assert.rejects(finalState({ config, runtime: full }), {
    code: "runtime",
    message: "training with p = 11, d_model = 16, d_mlp = 32, 72 samples a step: webgpu: out of device memory",
  });
});
