import assert from "node:assert/strict";
import { test } from "node:test";
import { activationsOf } from "../../src/activations/index.ts";
import { allColumns, contribution, valuesOfGroups } from "../../src/analyses/closed-form/contribution.ts";
import type { NeuronGroup } from "../../src/analyses/closed-form/groups.ts";
import type { AnalysisInput } from "../../src/analyses/kit/define.ts";
import { agreement, answersOf } from "../../src/analyses/logits/answers.ts";
import { compute, pairsOf } from "../../src/analyses/patch/compute.ts";
import { patch } from "../../src/analyses/patch/index.ts";
import type { StoredConfig } from "../../src/checkpoint/index.ts";
import { at, dim, float64, type NdArray, rowsAt, toFloat64 } from "../../src/core/index.ts";
import { matmul } from "../../src/math/index.ts";
import { construct, initParameters, type Parameters } from "../../src/model/index.ts";
import { onnxRuntime } from "../../src/runtimes/index.ts";
import { headsOf, makeDataset } from "../../src/tasks/index.ts";
import { assertAllClose } from "../helpers/assert.ts";
import { plainForward } from "../helpers/plain-model.ts";
import { checkContract, inputWith } from "../helpers/spectral-input.ts";

const needs = ["blocks.0.mlp.hook_pre", "blocks.0.mlp.hook_post", "logits"] as const;

async function inputOf(config: StoredConfig, parameters: Parameters): Promise<AnalysisInput> {
  const activations = await activationsOf(onnxRuntime({ threads: 1 }), config, parameters, needs);
  return { config, heads: headsOf(config), parameters, targets: makeDataset(config, 0).targets, activations, seed: 5 };
}

const untrained: StoredConfig = {
  task: "miiii",
  p: 13,
  labels: "remainder",
  shuffle_labels: false,
  d_model: 16,
  n_heads: 2,
  d_head: 8,
  d_mlp: 40,
};
const drawnModel = () => inputOf(untrained, initParameters({ ...untrained, init: "he" }, 3));

/** The values that a plain model, one sample at a time, has for its logits with some neurons after the ReLU replaced. */
function replaced(input: AnalysisInput, base: number, source: number, group: readonly number[], value: (u: number) => number) {
  const { config, parameters } = input;
  const { p, d_mlp, d_model } = config;
  const run = (sample: number) => plainForward(config, parameters, Math.floor(sample / p), sample % p);
  const [from, to] = [run(base), run(source)];
  const neurons = from.post.slice();
  for (const j of group) neurons[j] = at(neurons, j) + value(at(to.pre, j)) - value(at(from.pre, j));
  const [W_out, W_U] = [parameters["blocks.0.mlp.W_out"].data, parameters["unembed.W_U"].data];
  const residual = from.mid.map((start, i) => {
    let total = start;
    for (let j = 0; j < d_mlp; j++) total += at(neurons, j) * at(W_out, j * d_model + i);
    return total;
  });
  const classes = dim(parameters["unembed.W_U"], 1);
  return Float64Array.from({ length: classes }, (_, c) =>
    residual.reduce((total, r, i) => total + r * at(W_U, i * classes + c), 0),
  );
}

test("the closed products are the plain model run with those neurons replaced, for both kinds", async () => {
  const input = await drawnModel();
  const { heads, parameters, activations } = input;
  const group = [0, 3, 17, 39];
  const { base, source } = pairsOf(169, 12, 8);
  const logits = rowsAt(activations.logits as NdArray<"float64">, base);
  const readout = matmul(toFloat64(parameters["blocks.0.mlp.W_out"]), toFloat64(parameters["unembed.W_U"]));
  for (const value of [(u: number) => Math.max(0, u), (u: number) => Math.abs(u) / 2]) {
    const pre = activations["blocks.0.mlp.hook_pre"] as NdArray<"float64">;
    const [from, to] = [rowsAt(pre, base), rowsAt(pre, source)];
    const change = float64(
      to.data.map((u, i) => value(u) - value(at(from.data, i))),
      to.shape,
    );
    const all = allColumns(heads);
    const product = async (a: NdArray<"float64">, b: NdArray<"float64">) => matmul(a, b);
    const [, own] = valuesOfGroups(change, [[1], group]);
    assert.ok(own);
    const by = await contribution(own, readout, all, product);
    base.forEach((sample, i) => {
      const expected = replaced(input, sample, at(source, i), group, value);
      const got = by.slice(i * all.classes, (i + 1) * all.classes).map((add, c) => add + at(logits.data, i * all.classes + c));
      assertAllClose(got, expected, { rtol: 1e-9, atol: 1e-10 });
      heads.forEach((head) => {
        const block = expected.slice(head.offset, head.offset + head.classes);
        const patched = answersOf(logits, head, { by, columns: all, sign: 1 });
        assert.equal(patched[i], block.indexOf(Math.max(...block)));
      });
    });
    // A head's own columns alone give its columns of the whole.
    const [head] = heads.slice(2);
    assert.ok(head);
    const part = await contribution(own, readout, head, product);
    const whole = Array.from({ length: 12 }, (_, i) =>
      Array.from(by.slice(i * all.classes + head.offset, i * all.classes + head.offset + head.classes)),
    );
    assertAllClose(part, whole.flat(), { rtol: 1e-12 });
    assert.deepEqual(
      answersOf(logits, head, { by: part, columns: head, sign: -1 }),
      answersOf(logits, head, { by, columns: all, sign: -1 }),
    );
  }
});

test("a written model: each task's neurons carry its answer and no other's; random groups carry nothing", async () => {
  const written = construct({ task: "miiii", p: 13 });
  const input = await inputOf(written.config, written.parameters);
  const result = await patch.run(input, { pairs: 300 });
  assert.deepEqual(result.groups.labels, [2, 3, 5, 7, 11]);
  result.groups.labels.forEach((q, g) => {
    assert.equal(at(result.groups.sizes, g), written.neurons.filter(({ m }) => m === q).length);
    assert.ok(at(result.even.iia, g) > 0.97, `q = ${q}: ${result.even.iia[g]}`);
    assert.ok(at(result.sufficient_even, g) > 0.97, `q = ${q}: ${result.sufficient_even[g]}`);
    assert.ok(at(result.even.iia, g) > at(result.random.even.iia_largest, g) + 0.1);
    (result.even.kept[g] ?? []).forEach((kept, h) => {
      if (h !== g) assert.ok(kept > 0.97, `group ${q}, task ${result.q[h]}: ${kept}`);
      // Patching leaves a task's answer where base and source agree.
      else assert.ok(Math.abs(kept - at(result.agree, h)) < 0.05);
    });
  });
  assert.deepEqual([result.ungrouped, result.even.unchanged], [0, []]);
  assert.ok(result.even.together.every((share) => share > 0.97));
  assert.equal(at(result.agree, 0) > 0.4 && at(result.agree, 0) < 0.6, true);
});

test("an untrained model: groups of its closed form do no more than random ones", async () => {
  const result = await patch.run(await drawnModel(), { draws: 40 });
  const metrics = patch.metrics(result);
  assert.ok(Math.abs((metrics.even_iia ?? 1) - (metrics.even_iia_random ?? 0)) < 0.08, JSON.stringify(metrics));
  assert.ok((metrics.even_above_random ?? 9) <= 2);
  // The largest of the draws exceeds their mean, unless all are the same.
  const { random } = result;
  for (const [largest, mean] of [
    [random.sufficient_largest, random.sufficient],
    [random.sufficient_even_largest, random.sufficient_even],
    [random.post.iia_largest, random.post.iia],
  ] as const) {
    assert.ok(largest.every((value, g) => value >= at(mean, g)) && largest.some((value, g) => value > at(mean, g) + 0.005));
  }
});

test("addition is grouped by frequency and has one task; all frequencies together carry the answer", async () => {
  const written = construct({ task: "nanda", p: 13, frequencies: 3 });
  const result = await patch.run(await inputOf(written.config, written.parameters), {});
  const frequencies = [...new Set(written.neurons.map(({ k }) => k))].sort((a, b) => a - b);
  assert.deepEqual([result.parts, result.groups.labels, result.q], ["frequency", frequencies, [13]]);
  assert.deepEqual(
    result.groups.heads,
    frequencies.map(() => 0),
  );
  assert.ok(at(result.even.together, 0) > 0.97, `${result.even.together}`);
  assert.ok(result.even.iia.every((share) => share < 0.9));
});

test("a patch that changes no logit is told, and so are tasks without neurons", async () => {
  const input = await drawnModel();
  const W_out = toFloat64(input.parameters["blocks.0.mlp.W_out"]);
  const silent = { ...W_out, data: W_out.data.slice().fill(0, 0, 2 * 16) };
  const groups: NeuronGroup[] = [
    { label: 2, head: 0, neurons: [0, 1] },
    { label: 3, head: 1, neurons: [5, 6] },
    { label: 5, head: 2, neurons: [] },
  ];
  const result = await compute({ ...input, parameters: { ...input.parameters, "blocks.0.mlp.W_out": silent } }, 50, 2, groups);
  assert.deepEqual(
    [result.post.unchanged, result.even.unchanged],
    [
      [2, 5],
      [2, 5],
    ],
  );
  assert.deepEqual([at(result.post.iia, 0), result.post.kept[0]], [at(result.agree, 0), [1, 1, 1, 1, 1]]);
  const told = patch.summary(result);
  assert.match(told, /no neuron's best pair has q = 5/);
  assert.match(told, /patching the neurons of 2 changes no logit/);
});

test("pairs are seeded; the resample ablation is the interchange with base and source exchanged", async () => {
  assert.deepEqual(pairsOf(169, 5, 1), pairsOf(169, 5, 1));
  assert.notDeepEqual(pairsOf(169, 5, 1), pairsOf(169, 5, 2));
  assert.equal(agreement(Int32Array.from([1, 2, 3, 4]), Int32Array.from([1, 2, 0, 4])), 0.75);
  const written = construct({ task: "miiii", p: 11 });
  const { iia, sufficient } = await (async () => {
    const result = await patch.run(await inputOf(written.config, written.parameters), { pairs: 2000, draws: 1 });
    return { iia: result.post.iia, sufficient: result.sufficient };
  })();
  iia.forEach((share, g) => {
    assert.ok(Math.abs(share - at(sufficient, g)) < 0.06, `${share} ${sufficient[g]}`);
  });
});

test("the contract holds; divisibility labels are refused by name", async () => {
  await checkContract(patch, await drawnModel(), { options: { draws: 2, pairs: 40 } });
  const masked: StoredConfig = { ...untrained, task: "masked" };
  const result = await checkContract(patch, await inputOf(masked, initParameters({ ...masked, init: "he" }, 1)), {
    options: { draws: 1 },
  });
  assert.deepEqual(result.q, [11]);
  assert.ok(result.ungrouped > 0);
  const plain = inputWith({ p: 13, task: "miiii" });
  const two = { ...plain, config: { ...plain.config, labels: "divisibility" as const } };
  await assert.rejects(async () => patch.run(two, {}), /patch: needs tasks with a class for each residue/);
});
