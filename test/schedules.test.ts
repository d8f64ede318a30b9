import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { resumeRun, trainRun } from "../src/api/train-run.ts";
import { listCheckpoints, readCheckpoint } from "../src/checkpoint/index.ts";
import type { MetricsRow, RunConfig } from "../src/model/index.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { tensorflowRuntimeOf } from "../src/runtimes/tensorflow.ts";
import { headsOf, headWeights, labelEntropy, logitsOf } from "../src/tasks/index.ts";
import {
  Curriculum,
  checkConfig,
  decayStart,
  dropoutRate,
  initialState,
  learningRate,
  presetConfig,
} from "../src/train/index.ts";
import { assertTrainAlike, finalState, trainsOn } from "./helpers/agreement.ts";
import { assertAllClose } from "./helpers/assert.ts";
import { assertResumesExactly } from "./helpers/resumed.ts";

await tf.setBackend("cpu");
const onnx = onnxRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), "miiii-schedules-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const small = { p: 11, d_model: 16, n_heads: 2, d_mlp: 32, init: "he", lr: 3e-3, epochs: 60 } as const;
const config = presetConfig("miiii", { ...small, dropout: 0.2, train_fraction: 0.6 });
const heads = headsOf(config); // 2, 3, 5, 7
const entropies = [2, 3, 5, 7].map(Math.log);

test("task weights: (ln q)^a, scaled so that chance has loss 1; a = −1 is Eq. 12", () => {
  assert.deepEqual(
    Array.from(headWeights(heads).data),
    entropies.map((h) => 1 / (4 * h)),
  );
  for (const exponent of [-1, 0, 1, 2.5]) {
    const weights = headWeights(heads, { exponent }).data;
    assertAllClose([weights.reduce((sum, weight, h) => sum + weight * (entropies[h] as number), 0)], [1]);
    assertAllClose(
      Array.from(weights, (weight) => weight / (weights[0] as number)),
      entropies.map((h) => (h / Math.log(2)) ** exponent),
    );
  }
  const trained = [false, true, false, true];
  assertAllClose(headWeights(heads, { trained }).data, [0, 1 / (2 * Math.log(3)), 0, 1 / (2 * Math.log(7))]);
  assertAllClose(headWeights(headsOf({ ...config, task: "nanda" }), { exponent: 3 }).data, [1]);
});

test("weights that follow the loss: by its share of chance, within 0.001 and 1, to a power", () => {
  const losses = entropies.map((h, i) => h * ([1, 0.5, 1e-9, 4][i] as number));
  const weights = headWeights(heads, { losses, lossPower: 2 }).data;
  const fixed = headWeights(heads).data;
  const ratio = Array.from(weights, (weight, h) => weight / (fixed[h] as number));
  assertAllClose(
    ratio.map((each) => each / (ratio[0] as number)),
    [1, 0.25, 1e-6, 1],
  );
});

test("weights follow the loss from the first decision at or after an epoch on", () => {
  const curriculum = new Curriculum({ ...config, loss_power: 1, loss_power_epoch: 40 }, heads);
  const standing = { accuracy: heads.map(() => 0), losses: entropies.map((h, i) => h / (i + 1)) };
  assert.deepEqual(
    [25, 40, 50].map((epoch) => curriculum.decides(epoch)),
    [false, false, true],
  );
  curriculum.advance(25, standing);
  assert.deepEqual(curriculum.weights().data, headWeights(heads).data);
  curriculum.advance(50, standing);
  assert.deepEqual(curriculum.weights().data, headWeights(heads, { losses: standing.losses, lossPower: 1 }).data);
});

test("divisibility labels weigh by their own entropy H(1/q), not ln 2", () => {
  const divisibility = headsOf({ ...config, labels: "divisibility" });
  const binary = (q: number) => -(1 / q) * Math.log(1 / q) - (1 - 1 / q) * Math.log(1 - 1 / q);
  assertAllClose(divisibility.map(labelEntropy), [2, 3, 5, 7].map(binary));
  assertAllClose([labelEntropy({ q: 109, classes: 2 })], [binary(109)]);
  assertAllClose(
    headWeights(divisibility).data,
    [2, 3, 5, 7].map((q) => 1 / (4 * binary(q))),
  );
});

test("any primes are masked out of the loss; masked is the case of 2, 3, 5, 7", () => {
  const activeIn = (over: Partial<RunConfig>) =>
    headsOf({ ...config, p: 17, ...over })
      .filter(({ active }) => active)
      .map(({ q }) => q);
  assert.deepEqual(activeIn({ task: "masked" }), [11, 13]);
  assert.deepEqual(activeIn({ mask_primes: [2, 3, 5, 7] }), [11, 13]);
  assert.deepEqual(activeIn({ mask_primes: [13, 2] }), [3, 5, 7, 11]);
  assert.deepEqual(activeIn({ task: "masked", mask_primes: [2] }), [3, 5, 7, 11, 13]);
  assert.throws(() => activeIn({ mask_primes: [2, 3, 5, 7, 11, 13] }), /a task must remain/);
  assert.throws(
    () => presetConfig("miiii", { p: 11, mask_primes: [13] }),
    /mask_primes: must be among the tasks, q = 2, 3, 5, 7, got 13/,
  );
});

test("the learning rate warms up, holds, and decays linearly over the last steps", () => {
  const wsd = { ...config, lr: 1, warmup: 4, epochs: 10, schedule: "wsd", decay_fraction: 0.4 } as const;
  const rates = Array.from({ length: 10 }, (_, i) => learningRate(wsd, i + 1));
  assertAllClose(rates, [0.25, 0.5, 0.75, 1, 1, 1, 1, 0.75, 0.5, 0.25]);
  assert.equal(decayStart(wsd), 6);
  assert.equal(learningRate({ ...wsd, schedule: "constant" }, 10), 1);
});

test("the dropout rate stays, ends as the decay begins, or falls over it in equal steps", () => {
  const wsd = { ...config, epochs: 10, schedule: "wsd", decay_fraction: 0.6, dropout: 0.3 } as const;
  const rates = (over: Partial<RunConfig>) => Array.from({ length: 11 }, (_, i) => dropoutRate({ ...wsd, ...over }, i + 1));
  assertAllClose(rates({}), new Array(11).fill(0.3));
  assertAllClose(rates({ decay_without_dropout: true }), [0.3, 0.3, 0.3, 0.3, 0, 0, 0, 0, 0, 0, 0]);
  const falling = { decay_without_dropout: true, dropout_steps: 3 };
  assertAllClose(rates(falling), [0.3, 0.3, 0.3, 0.3, 0.2, 0.2, 0.1, 0.1, 0, 0, 0]);
  assertAllClose(rates({ ...falling, schedule: "constant" }), new Array(11).fill(0.3));
  assertAllClose(rates({ ...falling, dropout: 0 }), new Array(11).fill(0));
  assertAllClose(rates({ ...falling, dropout_steps: 6 }).slice(4, 10), [0.25, 0.2, 0.15, 0.1, 0.05, 0]);
});

const standing = (...accuracy: number[]) => ({ accuracy, losses: accuracy.map(() => 1) });

test("late tasks come in by epoch, by accuracy, whichever is first, together or one by one", () => {
  const late = (over: Partial<RunConfig>) => new Curriculum({ ...config, late_primes: [3, 2], ...over }, heads);
  const byEpoch = late({ late_epoch: 30 });
  assert.deepEqual([byEpoch.changes(29), byEpoch.changes(30), byEpoch.decides(25)], [false, true, false]);
  byEpoch.advance(29);
  assert.deepEqual(byEpoch.trained(), [false, false, true, true]);
  byEpoch.advance(30);
  assert.deepEqual([byEpoch.trained(), byEpoch.state], [[true, true, true, true], { entered: [30, 30] }]);

  const stepwise = late({ late_epoch: 30, late_order: "one-by-one" });
  stepwise.advance(30);
  assert.deepEqual(stepwise.untrained(), [2]);
  stepwise.advance(60);
  assert.deepEqual([stepwise.untrained(), stepwise.changes(90)], [[], false]);

  const byAccuracy = late({ late_accuracy: 0.9, late_epoch: 200 });
  assert.deepEqual([byAccuracy.decides(24), byAccuracy.decides(25)], [false, true]);
  // The accuracy of the tasks that are still out does not count.
  byAccuracy.advance(25, standing(1, 1, 0.8, 0.99));
  assert.deepEqual(byAccuracy.untrained(), [3, 2]);
  byAccuracy.advance(50, standing(0, 0, 0.8, 1));
  assert.deepEqual([byAccuracy.state, byAccuracy.decides(75)], [{ entered: [50, 50] }, false]);
  const never = late({ late_accuracy: 0.9, late_epoch: 200 });
  never.advance(200, standing(0, 0, 0, 0));
  assert.deepEqual(never.untrained(), []);

  const grown = late({ late_accuracy: 0.9, late_order: "one-by-one" });
  grown.advance(25, standing(0, 0, 1, 1));
  assert.deepEqual(grown.untrained(), [2]);
  grown.advance(50, standing(0, 0.6, 1, 1)); // 3 is in, and has not learned
  assert.deepEqual(grown.untrained(), [2]);
  const resumed = new Curriculum(
    { ...config, late_primes: [3, 2], late_accuracy: 0.9, late_order: "one-by-one" },
    heads,
    grown.state,
  );
  resumed.advance(75, standing(0, 0.95, 1, 1));
  assert.deepEqual(resumed.state, { entered: [25, 75] });
});

test("settings of late tasks that say nothing, or too much, are refused", () => {
  const refuses = (over: Partial<RunConfig>, pattern: RegExp) =>
    assert.throws(() => checkConfig({ ...config, ...over }), pattern);
  refuses({ late_primes: [2] }, /late_primes: must come with late_epoch or late_accuracy/);
  refuses({ late_epoch: 5 }, /must come with late_primes/);
  refuses({ late_primes: [11], late_epoch: 5 }, /late_primes: must be among the trained tasks, q = 2, 3, 5, 7, got 11/);
  refuses({ late_primes: [2, 3, 5, 7], late_epoch: 5 }, /must leave a task in the loss/);
  refuses({ mask_primes: [2], late_primes: [2], late_epoch: 5 }, /must be among the trained tasks, q = 3, 5, 7/);
});

const readRows = (path: string): MetricsRow[] =>
  readFileSync(join(path, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

test("a task that is out trains nothing: its columns of W_U only decay until it comes in, and its models say that it is untrained", async () => {
  const late = { ...config, late_primes: [7, 2], late_epoch: 20, epochs: 32 };
  const path = join(folder, "late");
  await trainRun(late, path, { runtime: onnx, omega: false });
  const start = initialState(late).parameters["unembed.W_U"];
  const classes = logitsOf(heads);
  const columns = (W_U: { data: ArrayLike<number> }, from: number, to: number) =>
    Array.from({ length: 16 * classes }, (_, i) => i)
      .filter((i) => i % classes >= from && i % classes < to)
      .map((i) => W_U.data[i] as number);
  for (const { epoch, path: file } of listCheckpoints({ path })) {
    const { config: stored, parameters } = readCheckpoint(file);
    assert.deepEqual(stored.untrained, epoch <= 20 ? [7, 2] : undefined, `epoch ${epoch}`);
    assert.deepEqual(
      headsOf(stored).map(({ active }) => active),
      epoch <= 20 ? [false, true, true, false] : [true, true, true, true],
    );
    if (epoch > 20) continue;
    const kept = (1 - late.lr * late.weight_decay) ** epoch;
    for (const [from, to] of [
      [0, 2],
      [10, 17],
    ] as const)
      assertAllClose(
        columns(parameters["unembed.W_U"], from, to),
        columns(start, from, to).map((value) => value * kept),
        { rtol: 1e-5 },
      );
  }
  for (const { epoch, task_weights, train, objective } of readRows(path)) {
    const trained = epoch <= 20 ? [0, 1 / (2 * Math.log(3)), 1 / (2 * Math.log(5)), 0] : Array.from(headWeights(heads).data);
    assertAllClose(task_weights ?? [], trained);
    assertAllClose([objective], [train.loss.reduce((sum, loss, h) => sum + loss * (trained[h] as number), 0)]);
  }
  const whole = await finalState({ config: { ...late, late_primes: [], late_epoch: 0 }, runtime: onnx, omega: false });
  assert.notDeepEqual(readCheckpoint(listCheckpoints({ path }).at(-1)?.path ?? "").parameters, whole.parameters);
});

/**
 * Settings with state of their own, and settings that switch before and after the epoch, 34 or soon after, at which a run breaks
 * off.
 */
const SWITCHING: Readonly<Record<string, Partial<RunConfig>>> = {
  "late tasks, in before": { late_primes: [2, 3], late_epoch: 20 },
  "late tasks, in after": { late_primes: [2, 3], late_epoch: 50 },
  "late tasks by accuracy": { late_primes: [2, 3], late_accuracy: 0.2, late_order: "one-by-one" },
  "late tasks by accuracy, in vain": { late_primes: [2, 3], late_accuracy: 1 },
  "weights by loss": { loss_power: 1.5, task_weights: 1 },
  "weights by loss, from later on": { loss_power: 1.5, loss_power_epoch: 50, task_weights: 1 },
  "decay, begun before": { schedule: "wsd", decay_fraction: 0.5, decay_without_dropout: true },
  "decay, dropout falling from before": {
    schedule: "wsd",
    decay_fraction: 0.6,
    decay_without_dropout: true,
    dropout_steps: 3,
    dropout_mask: "sample",
  },
  "decay, begun after": { schedule: "wsd", decay_fraction: 0.2, decay_without_dropout: true },
};

for (const [name, change] of Object.entries(SWITCHING)) {
  test(`${name}: an interrupted and resumed run equals an uninterrupted one bit for bit`, async () => {
    const files = ["metrics.jsonl", "config.json", "resume.safetensors", "step-000000060.safetensors"];
    const changed = checkConfig({ ...config, ...change });
    const { first, whole } = await assertResumesExactly(changed, join(folder, name), 34, files, { runtime: onnx, omega: false });
    assert.equal(first.epoch, 34);
    assert.ok(first.interrupted);
    const plain = await finalState({ config, runtime: onnx, omega: false });
    const last = readCheckpoint(join(whole, "step-000000060.safetensors"));
    assert.notDeepEqual(last.parameters["embed.W_E"].data, plain.parameters["embed.W_E"].data, "the setting changes nothing");
  });
}

test("a run whose decay has begun takes no other number of epochs; before, it does, and equals the longer run", async () => {
  const path = join(folder, "longer decay");
  const wsd = { ...config, schedule: "wsd", decay_fraction: 0.5, epochs: 60 } as const;
  const stopAt = async (epochs: number, at: number, to: string) => {
    const controller = new AbortController();
    await trainRun({ ...wsd, epochs }, to, {
      runtime: onnx,
      omega: false,
      signal: controller.signal,
      onProgress: (epoch) => epoch === at && controller.abort(),
    });
  };
  await stopAt(60, 40, path);
  await assert.rejects(
    resumeRun(path, 80, { runtime: onnx, omega: false }),
    /--epochs must leave the 40 epochs done before the decay/,
  );
  const early = join(folder, "early decay");
  await stopAt(60, 20, early);
  await assert.rejects(resumeRun(early, 30, { runtime: onnx, omega: false }), /--epochs must leave the 20 epochs done/);
  await resumeRun(early, 80, { runtime: onnx, omega: false });
  const whole = await finalState({ config: { ...wsd, epochs: 80 }, runtime: onnx, omega: false });
  const { parameters } = readCheckpoint(listCheckpoints({ path: early }).at(-1)?.path ?? "");
  assert.deepEqual(parameters["embed.W_E"].data, whole.parameters["embed.W_E"].data);
});

test("runtimes agree on schedules", async () => {
  const tensorflow = tensorflowRuntimeOf(tf, { version: "test", device: "test" });
  const scheduled = {
    ...config,
    late_primes: [2, 5],
    late_epoch: 15,
    task_weights: 1,
    schedule: "wsd",
    decay_without_dropout: true,
  } as const;
  await assertTrainAlike(trainsOn(onnx), trainsOn(tensorflow), { ...scheduled, epochs: 40 });
});

test("many epochs at a time give the same run as one at a time, across every switch", async () => {
  const scheduled = {
    ...config,
    late_primes: [2, 5],
    late_accuracy: 0.2,
    late_epoch: 33,
    schedule: "wsd",
    decay_without_dropout: true,
    dropout_steps: 3,
    loss_power: 1,
  } as const;
  const finalOf = (runsAtOnce: number) => finalState({ config: scheduled, runtime: { ...onnx, runsAtOnce }, omega: false });
  assert.deepEqual(await finalOf(13), await finalOf(1));
});
