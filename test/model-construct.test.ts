import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { activationsOf } from "../src/activations/index.ts";
import { mechanism } from "../src/analyses/mechanism/index.ts";
import { readCheckpoint } from "../src/checkpoint/index.ts";
import { at, type NdArray } from "../src/core/index.ts";
import { headMetrics } from "../src/math/index.ts";
import { type Constructed, type ConstructOptions, construct } from "../src/model/index.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { headsOf, makeDataset, numberOf } from "../src/tasks/index.ts";
import { assertAllClose } from "./helpers/assert.ts";
import { runCommands } from "./helpers/cli.ts";
import { inputOfModel } from "./helpers/model-input.ts";

const runtime = onnxRuntime({ threads: 1 });

async function accuraciesOf({ config, parameters }: Constructed): Promise<number[]> {
  const { logits } = await activationsOf(runtime, config, parameters, ["logits"]);
  return headMetrics(logits as NdArray, makeDataset(config, 0).targets, headsOf(config)).accuracy;
}

const EXACT: readonly ConstructOptions[] = [
  { task: "miiii", p: 113 },
  { task: "nanda", p: 113 },
  { task: "nanda", p: 113, frequencies: 1 },
  { task: "miiii", p: 5 },
  { task: "nanda", p: 5 },
  { task: "miiii", p: 7, d_model: 32, n_heads: 2 },
  { task: "miiii", p: 53, frequencies: 3, seed: 4 },
  { task: "miiii", p: 251 },
  { task: "joint", p: 113 },
  { task: "miiii", p: 113, labels: "divisibility" },
  { task: "joint", p: 13, labels: "divisibility", seed: 1 },
];

for (const options of EXACT) {
  test(`written by hand, it is right on every input: ${JSON.stringify(options)}`, async () => {
    const model = construct(options);
    const accuracies = await accuraciesOf(model);
    assert.deepEqual(
      accuracies,
      accuracies.map(() => 1),
    );
    if (options.p === 113 && options.task === "miiii") {
      assert.equal(accuracies.length, 29);
      assert.ok(model.config.d_mlp === 1024 && model.neurons.length <= 1024);
    }
  });
}

test("before the ReLU each neuron is the closed form that was written", async () => {
  for (const task of ["miiii", "nanda"] as const) {
    const p = 17;
    const { config, parameters, neurons } = construct({ task, p, frequencies: 2 });
    const { "blocks.0.mlp.hook_pre": pre } = await activationsOf(runtime, config, parameters, ["blocks.0.mlp.hook_pre"]);
    for (const i of [0, 1, p, 5 * p + 11, p * p - 1]) {
      const [x0, x1] = [Math.floor(i / p), i % p];
      const expected = neurons.map(({ m, k, phi0, phi1 }) => {
        const high = task === "nanda" ? x1 : numberOf(0, x1, p);
        return Math.cos((2 * Math.PI * k * x0) / m + phi0) + Math.cos((2 * Math.PI * k * high) / m + phi1);
      });
      const got = pre?.data.subarray(i * config.d_mlp, i * config.d_mlp + neurons.length) ?? [];
      assertAllClose(got, expected, { rtol: 0, atol: 1e-6 }); // weights are float32
    }
  }
});

test("divisibility: every output head says so with a margin on both sides, and a function of n mod q is all that it is", async () => {
  const p = 29;
  const { config, parameters } = construct({ task: "miiii", p, labels: "divisibility" });
  const { logits } = await activationsOf(runtime, config, parameters, ["logits"]);
  const { data } = logits ?? assert.fail();
  const heads = headsOf(config);
  heads.forEach(({ q }, h) => {
    const above = Array.from({ length: p * p }, (_, i) => {
      const place = 2 * (i * heads.length + h);
      return { divides: numberOf(Math.floor(i / p), i % p, p) % q === 0, by: at(data, place + 1) - at(data, place) };
    });
    const least = Math.min(...above.map(({ divides, by }) => (divides ? by : -by)));
    // Half of the margin that separates n ≡ 0 from the next residue; what the other harmonics of a finite number of neurons leak
    // takes some.
    assert.ok(least > 12, `q = ${q}: ${least}`);
  });
  const input = await inputOfModel(config, parameters, ["logits"]);
  const found = await mechanism.run(input, {});
  assert.ok(found.kind === "heads" && found.heads.every(({ logit_share }) => logit_share > 0.95));
});

test("one wrong phase sum and the task it belongs to is lost, and no other", async () => {
  const model = construct({ task: "miiii", p: 13 });
  const W_out = model.parameters["blocks.0.mlp.W_out"];
  const width = model.config.d_model;
  model.neurons.forEach(({ m }, j) => {
    if (m === 7) for (let i = 0; i < width; i++) W_out.data[j * width + i] = -at(W_out.data, j * width + i);
  });
  const accuracies = await accuraciesOf(model);
  assert.deepEqual(
    accuracies.map((accuracy) => accuracy === 1),
    [true, true, true, false, true],
  );
});

test("masked tasks are not written", async () => {
  const model = construct({ task: "masked", p: 17 });
  const accuracies = await accuraciesOf(model);
  assert.deepEqual(
    accuracies.map((accuracy) => accuracy === 1),
    [false, false, false, false, true, true],
  );
  assert.ok(model.neurons.every(({ m }) => m > 7));
});

test("sizes that cannot hold the frequencies are refused in a line", () => {
  const refused = (options: Partial<ConstructOptions>, message: RegExp) =>
    assert.throws(() => construct({ task: "miiii", p: 113, ...options }), message);
  refused({ d_model: 64 }, /^MiiiiError: d_model: must be a multiple of 4 heads of at least 336 for these frequencies, got 64$/);
  refused({ frequencies: 1, d_model: 64 }, /at least 174 for these frequencies, got 64$/);
  refused({ neurons: 40 }, /^MiiiiError: neurons: 56 frequencies of 40 neurons each must fit into d_mlp = 1024$/);
  refused({ neurons: 3 }, /^MiiiiError: neurons: must be at least 4 a frequency, got 3$/);
  refused({ frequencies: 0 }, /^MiiiiError: frequencies: must be a positive integer, got 0$/);
  refused({ n_heads: 1 }, /^MiiiiError: n_heads: must be an integer of at least 2, got 1$/);
  refused({ task: "nanda", labels: "divisibility" }, /^MiiiiError: labels: must be remainder for nanda: under even attention/);
  refused({ p: 112 }, /^MiiiiError: p: must be a prime from 5 to 251, got 112$/);
});

test("the command writes an ordinary checkpoint, and refuses a model that is not exact", () => {
  const out = join(mkdtempSync(join(tmpdir(), "miiii-construct-")), "by-hand.safetensors");
  const [written, inspected, inexact] = runCommands([
    ["construct", "--task", "miiii", "--p", "13", "--out", out],
    ["inspect", out],
    ["construct", "--p", "113", "--frequencies", "1", "--neurons", "8", "--out", out],
  ]);
  assert.deepEqual([written?.code, inspected?.code, inexact?.code], [0, 0, 2], written?.stderr);
  assert.match(written?.stderr ?? "", /accuracy 1 on all 169 inputs/);
  assert.match(inexact?.stderr ?? "", /construct: must have accuracy 1, has 0\.\d+; give it more --neurons a frequency/);
  const { config, parameters } = readCheckpoint(out);
  assert.deepEqual(config, construct({ task: "miiii", p: 13 }).config);
  assert.deepEqual(parameters["embed.W_E"].data, construct({ task: "miiii", p: 13 }).parameters["embed.W_E"].data);
});
