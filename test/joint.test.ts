import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { activationsOf } from "../src/activations/index.ts";
import { bestOf } from "../src/analyses/circuits/parts.ts";
import { clock } from "../src/analyses/clock/index.ts";
import { ANALYSES } from "../src/analyses/registry.ts";
import { analyzeModel } from "../src/api/analyze.ts";
import { loadModel } from "../src/api/models.ts";
import { importModel } from "../src/checkpoint/import/import-model.ts";
import { encodeSafetensors } from "../src/checkpoint/index.ts";
import { roleOf } from "../src/claims/roles.ts";
import { at, float32, type NdArray } from "../src/core/index.ts";
import { headMetrics } from "../src/math/index.ts";
import { construct, PARAMETER_NAMES, type RunConfig, stepProgram, tableRows, targetColumns } from "../src/model/index.ts";
import { answerOf, PageModel, packModel } from "../src/report/page-model.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { tensorflowRuntimeOf } from "../src/runtimes/tensorflow.ts";
import { headsOf, headWeights, logitsOf, makeDataset, makeSplit } from "../src/tasks/index.ts";
import { feedsOf } from "../src/train/feeds.ts";
import { initialState, presetConfig } from "../src/train/index.ts";
import { tensorsOfState } from "../src/train/state.ts";
import { assertTrainAlike, trainsOn } from "./helpers/agreement.ts";
import { assertAllClose } from "./helpers/assert.ts";
import { assertResumesExactly } from "./helpers/resumed.ts";

await tf.setBackend("cpu");
const onnx = onnxRuntime({ threads: 1 });
const folder = mkdtempSync(join(tmpdir(), "miiii-joint-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const p = 13;
const small = { p, d_model: 16, n_heads: 2, d_mlp: 32, init: "he", lr: 3e-3, epochs: 40, train_fraction: 0.6 } as const;
const config = presetConfig("joint", { ...small, dropout: 0.2 });

test("joint: the remainders' output heads as they are, and one more for (x0 + x1) mod p", () => {
  const task = { task: "joint", p: 113, labels: "remainder", shuffle_labels: false } as const;
  const heads = headsOf(task);
  assert.deepEqual([heads.length, logitsOf(heads)], [30, 1480 + 113]);
  assert.deepEqual(heads.slice(0, 29), headsOf({ ...task, task: "miiii" }));
  assert.deepEqual(heads.at(-1), { q: 113, adds: true, classes: 113, offset: 1480, active: true });
  const [ours, remainders, sums] = (["joint", "miiii", "nanda"] as const).map((name) =>
    makeDataset({ ...config, task: name }, 0),
  );
  for (const [i, [a, b]] of [
    [0, 5],
    [4, 0],
    [7, 6],
    [12, 12],
  ].entries()) {
    const sample = (a as number) * p + (b as number);
    const row = Array.from(ours?.targets.data.subarray(6 * sample, 6 * sample + 6) ?? []);
    assert.deepEqual(row, [
      ...(remainders?.targets.data.subarray(5 * sample, 5 * sample + 5) ?? []),
      sums?.targets.data[sample] as number,
    ]);
    assert.equal(row[5], [5, 4, 0, 11][i]);
  }
  // Shuffled, whole rows move: the addition head's labels go with the remainders'.
  const rows = (shuffle_labels: boolean) => {
    const { targets } = makeDataset({ ...config, shuffle_labels }, 3);
    return Array.from({ length: p * p }, (_, i) => targets.data.slice(6 * i, 6 * i + 6).join());
  };
  assert.notDeepEqual(rows(true), rows(false));
  assert.deepEqual(rows(true).toSorted(), rows(false).toSorted());
  assert.deepEqual([presetConfig("joint", {}, true).preset, presetConfig("joint").epochs], ["joint-fast", 65_536]);
  assert.deepEqual({ ...presetConfig("joint"), preset: "", task: "" }, { ...presetConfig("miiii"), preset: "", task: "" });
  assert.equal(roleOf({ config: presetConfig("joint") }), undefined);
  assert.throws(() => headsOf({ ...task, mask_primes: [127] }), /mask_primes: must be among the tasks, q = 2, .*113, got 127/);
});

test("a joint model's loss weighs every task by 1/ln q, the addition head by 1/ln p", () => {
  const weights = headWeights(headsOf(config)).data;
  assertAllClose(
    weights,
    [2, 3, 5, 7, 11, 13].map((q) => 1 / (6 * Math.log(q))),
  );
});

/** One training step from the given weights: the batch's loss by task, and the state after it. */
async function step(own: RunConfig, weights: Readonly<Record<string, NdArray>>) {
  const dataset = makeDataset(own, own.seed);
  const { train } = makeSplit(p, own.train_fraction, own.seed);
  const batch = { ...tableRows(train, dataset), columns: targetColumns(dataset.targets, dataset.heads, train) };
  const program = await onnx.compile(stepProgram(own, batch));
  program.setState({ ...tensorsOfState(initialState(own)), ...weights });
  const [outputs] = await program.run([feedsOf(own, 1)]);
  const state = await program.getState();
  await program.dispose();
  return { loss: Array.from(outputs?.loss?.data ?? []), state };
}

/** The first `width` columns of a matrix. */
function firstColumns({ data, shape }: NdArray, width: number): number[] {
  const stride = at(shape, 1);
  return Array.from(data).filter((_, i) => i % stride < width);
}

test("without its addition head a joint model's loss and step are miiii's own, number by number", async () => {
  const remainders = presetConfig("miiii", { ...small, dropout: 0.2 });
  const masked = { ...config, mask_primes: [p] };
  const weights: Record<string, NdArray> = { ...initialState(config).parameters };
  const W_U = weights["unembed.W_U"] ?? assert.fail();
  const width = logitsOf(headsOf(remainders));
  const theirs = { ...weights, "unembed.W_U": float32(firstColumns(W_U, width), [small.d_model, width]) };
  const [ours, whole, plain] = [await step(masked, weights), await step(config, weights), await step(remainders, theirs)];
  assertAllClose(ours.loss.slice(0, 5), plain.loss, { rtol: 1e-6 });
  assertAllClose(whole.loss.slice(0, 5), plain.loss, { rtol: 1e-6 });
  assert.deepEqual(headWeights(headsOf(masked)).data.slice(0, 5), headWeights(headsOf(remainders)).data);
  for (const name of PARAMETER_NAMES) {
    // The first moments hold the gradients.
    const [own, other] = [ours.state[`m/${name}`] ?? assert.fail(), plain.state[`m/${name}`] ?? assert.fail()];
    const left = name === "unembed.W_U" ? firstColumns(own, width) : own.data;
    assertAllClose(left, other.data, { rtol: 1e-4, atol: 1e-8 });
    assert.ok(Array.from(other.data).some((value) => value !== 0));
  }
  const rest = Array.from((ours.state["m/unembed.W_U"] as NdArray).data).filter((_, i) => i % (width + p) >= width);
  assert.ok(rest.every((value) => value === 0));
});

test("it trains alike on ONNX and TensorFlow.js, and an interrupted run equals an uninterrupted one bit for bit", async () => {
  await assertTrainAlike(trainsOn(onnx), trainsOn(tensorflowRuntimeOf(tf, { version: "test", device: "test" })), config);
  const files = ["metrics.jsonl", "omega.jsonl", "config.json", "resume.safetensors"];
  const { first } = await assertResumesExactly(config, folder, 20, files, { runtime: onnx });
  assert.ok(first.interrupted && first.epoch < 40);
});

test("every analysis reads a joint run, its addition head among the tasks, or says by name that it leaves it out", async () => {
  const model = await loadModel({ kind: "run", path: join(folder, "whole"), label: "joint" });
  const refused = new Map<string, string>();
  const outcomes = await analyzeModel(ANALYSES, model, {
    runtime: onnx,
    seed: 0,
    options: { samples: 40, draws: 200, pairs: 20 },
    threads: 0,
    onFailure: (id, reason) => refused.set(id, reason),
  });
  assert.deepEqual([...refused.keys()], ["clock"]);
  assert.match(refused.get("clock") ?? "", /needs an addition model .* got task joint, .*; its addition head is left out/);
  assert.equal(outcomes.size, ANALYSES.length - 1);
  const q = [2, 3, 5, 7, 11, 13];
  const results = Object.fromEntries([...outcomes].map(([id, { result }]) => [id, result as Record<string, unknown>]));
  for (const id of ["curves", "progress", "circuits", "patch"]) assert.deepEqual(results[id]?.q, q, id);
  for (const id of ["algorithm", "course", "emergence"]) assert.deepEqual(results[id]?.tasks, q, id);
  assert.deepEqual(results.neurons?.moduli, q);
  assert.deepEqual(results.emergence?.labels, q);
  const { heads } = results.mechanism as { heads: { q: number }[] };
  assert.deepEqual(
    heads.map((head) => head.q),
    q,
  );
  assert.deepEqual(results.primes?.primes, [2, 3, 5, 7, 11]);
  for (const { id, definition } of ANALYSES.filter((analysis) =>
    ["primes", "clock", "mechanism", "circuits"].includes(analysis.id),
  ))
    assert.match(definition, /`joint`/, id);
  assert.equal(clock.refuses?.({ ...model.checkpoint.config, task: "nanda" }), undefined);
});

test("the neurons of the addition head are a group of their own in circuits, and of no remainder's", async () => {
  // At p = 13 frequencies of 7 and of 13 lie too near to each other to be told apart by their variance.
  const { config: own, parameters, neurons } = construct({ task: "joint", p: 29, seed: 2 });
  const { "blocks.0.mlp.hook_post": post } = await activationsOf(onnx, own, parameters, ["blocks.0.mlp.hook_post"]);
  const best = bestOf(post as NdArray<"float64">, 29, "prime", true);
  assert.ok(neurons.filter(({ m }, j) => best[j] === m).length > 0.98 * neurons.length);
  const adders = neurons.flatMap(({ m }, j) => (m === 29 ? [best[j]] : []));
  assert.ok(adders.length >= 16 && adders.every((label) => label === 29));
  assert.ok(!bestOf(post as NdArray<"float64">, 29, "prime").includes(29));
});

test("a joint model written by hand is right on every input, read back from a file, and asked in the page", async () => {
  const { config: own, parameters } = construct({ task: "joint", p, seed: 2 });
  const { logits } = await activationsOf(onnx, own, parameters, ["logits"]);
  const { accuracy } = headMetrics(logits as NdArray, makeDataset(own, 0).targets, headsOf(own));
  assert.deepEqual(accuracy, [1, 1, 1, 1, 1, 1]);

  const path = join(folder, "by-hand.safetensors");
  writeFileSync(path, encodeSafetensors(new Map(Object.entries(parameters)), {}));
  const { candidates } = importModel(path, {});
  assert.deepEqual([...new Set(candidates.map((candidate) => candidate.config.task))], ["joint"]);

  const model = new PageModel(own, packModel(parameters).buffer as ArrayBuffer);
  for (const [x0, x1] of [
    [3, 11],
    [12, 12],
    [0, 7],
  ] as const)
    for (const head of model.heads)
      assert.equal(answerOf(model.run(x0, x1).logits, head), model.target(head, x0, x1), `q = ${head.q}`);
});
