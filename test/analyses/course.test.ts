import assert from "node:assert/strict";
import { test } from "node:test";
import { mostOfItEpoch, patternAt, transplant } from "../../src/analyses/course/attention.ts";
import { course } from "../../src/analyses/course/index.ts";
import { costOf, isNeeded } from "../../src/analyses/course/temporary.ts";
import type { AnalysisInput, Series } from "../../src/analyses/kit/define.ts";
import { matmulOf } from "../../src/analyses/kit/inputs.ts";
import { at, rowsAt } from "../../src/core/index.ts";
import { construct, initParameters, type Parameters } from "../../src/model/index.ts";
import { assertAllClose } from "../helpers/assert.ts";
import { inputOfModel } from "../helpers/model-input.ts";
import { checkContract } from "../helpers/spectral-input.ts";

const NAMES = ["blocks.0.attn.hook_pattern", "blocks.0.mlp.hook_pre", "logits"] as const;
const written = construct({ task: "miiii", p: 13, d_model: 64 });
const { config } = written;

/** The hand-written model with the read-in and read-out of some neurons cut, or the latter alone. */
function without(
  gone: (neuron: { readonly m: number; readonly k: number }) => boolean,
  both = true,
  model = written,
): Parameters {
  const [W_in, W_out] = [model.parameters["blocks.0.mlp.W_in"], model.parameters["blocks.0.mlp.W_out"]];
  const [into, out] = [W_in.data.slice(), W_out.data.slice()];
  model.neurons.forEach((neuron, j) => {
    if (!gone(neuron)) return;
    for (let i = 0; i < config.d_model; i++) {
      if (both) into[i * config.d_mlp + j] = 0;
      out[j * config.d_model + i] = 0;
    }
  });
  return { ...model.parameters, "blocks.0.mlp.W_in": { ...W_in, data: into }, "blocks.0.mlp.W_out": { ...W_out, data: out } };
}

/** A run that kept the given models. */
async function inputOver(models: readonly (readonly [epoch: number, parameters: Parameters])[]): Promise<AnalysisInput> {
  const inputs = await Promise.all(
    models.map(async ([epoch, parameters]) => ({ epoch, ...(await inputOfModel(config, parameters, NAMES)) })),
  );
  const series: Series = {
    metrics: [],
    omega: [],
    checkpoints: models.map(([epoch]) => epoch),
    async *models(names, _epochs, samples) {
      for (const { epoch, parameters, activations } of inputs) {
        const part = Object.fromEntries(
          names.flatMap((name) => {
            const all = activations[name];
            return all === undefined ? [] : [[name, samples === undefined ? all : rowsAt(all, samples)] as const];
          }),
        );
        yield { epoch, parameters, activations: part };
      }
    },
  };
  const [last] = inputs.slice(-1);
  assert.ok(last !== undefined);
  return { ...last, series };
}

const untrained = initParameters({ ...config, init: "he" }, 1);

test("circuits and pairs that come and go are found where they were planted", async () => {
  const [eleven] = written.neurons.filter(({ m }) => m === 11);
  assert.ok(eleven !== undefined);
  const early = without(({ m }) => m === 5 || m === 7);
  const end = without(({ m, k }) => m === 11 && k === eleven.k);
  const split = {
    train: Int32Array.of(0),
    validation: Int32Array.from({ length: 100 }, (_, i) => i + 1),
    test: Int32Array.of(150),
  };
  const input = {
    ...(await inputOver([
      [0, untrained],
      [10, early],
      [20, written.parameters],
      [30, end],
    ])),
    split,
  };
  const result = await course.run(input, {});
  assert.deepEqual(
    [result.epochs, result.tasks],
    [
      [0, 10, 20, 30],
      [2, 3, 5, 7, 11],
    ],
  );
  const pairsOf = (wanted: (neuron: { readonly m: number }) => boolean) =>
    new Set(written.neurons.filter(wanted).map(({ m, k }) => `${m} ${k}`)).size;
  const [all, missing] = [pairsOf(() => true), pairsOf(({ m }) => m === 5 || m === 7)];
  assert.deepEqual(result.in_use.slice(1), [all - missing, all, all - 1]);
  assert.equal(result.born[2], missing);
  assert.deepEqual([result.gone[2], result.gone[3]], [0, 1]);
  assert.deepEqual(
    result.temporary.filter(({ epoch }) => epoch > 0).map(({ m, k }) => [m, k]),
    [[11, eleven.k]],
  );
  assert.deepEqual(result.circuit_epoch.slice(0, 4), [10, 10, 20, 20]);
  assert.deepEqual(result.validation_epoch?.slice(0, 4), [10, 10, 20, 20]);
  assert.ok(result.accuracy.circuit.every((row) => row[2] === 1));
  assert.ok(at(result.additive_share, 2) > 1 - 1e-9 && at(result.R2, 2) > 1 - 1e-9 && at(result.R2, 0) < 0.95);
  assert.ok(at(result.null.circuit_permuted, 2) < 0.6);
});

test("a temporary pair that a task computes with is needed at its peak; one that nothing reads is not", async () => {
  // One frequency a task: the others of a task would do without it.
  const single = construct({ task: "miiii", p: 13, d_model: 64, frequencies: 1 });
  assert.deepEqual(single.config, config);
  const [eleven] = single.neurons.filter(({ m }) => m === 11);
  assert.ok(eleven !== undefined);
  const isOne = ({ m, k }: { readonly m: number; readonly k: number }) => m === 11 && k === eleven.k;
  const order = Int32Array.from({ length: 169 }, (_, i) => i);
  const split = { train: order.slice(0, 80), validation: order.slice(80, 120), test: order.slice(120) };
  const size = single.neurons.filter(isOne).length;
  const over = async (peak: Parameters) => {
    const series = await inputOver([
      [0, without(isOne, true, single)],
      [10, peak],
      [20, without(isOne, true, single)],
    ]);
    const result = await course.run({ ...series, split }, {});
    assert.deepEqual(result.temporary, [{ m: 11, k: eleven.k, neurons: size, epoch: 10 }]);
    const { pairs, samples, left_out } = result.ablation;
    assert.deepEqual([pairs.length, samples, left_out], [1, { train: 80, held_out: 89 }, 0]);
    return { pair: pairs[0] ?? assert.fail(), metrics: course.metrics(result), summary: course.summary(result) };
  };
  const used = await over(single.parameters);
  for (const cost of [used.pair.train ?? assert.fail(), used.pair.held_out]) {
    assert.ok(cost.own > 0.2 && cost.own > cost.random_own, JSON.stringify(cost));
    assert.deepEqual([cost.worst_q, cost.worst], [11, cost.own]);
  }
  assert.deepEqual([used.metrics.temporary_ablated, used.metrics.temporary_needed], [1, 1]);
  assertAllClose([used.metrics.temporary_needed_by_chance ?? 0], [4 / 21]);
  assert.match(used.summary, /some task suffers more than without any random group in 1 of 1/);

  const unread = await over(without(isOne, false, single));
  assert.deepEqual([unread.pair.train?.own, unread.pair.held_out.own, unread.pair.held_out.worst], [0, 0, 0]);
  assert.equal(unread.metrics.temporary_needed, 0);
});

test("the cost of an ablation stands beside the most that any random group costs; a draw as large is not exceeded", () => {
  const heads = [{ q: 2 }, { q: 3 }, { q: 5 }];
  const random = [
    [0.01, 0.04, 0],
    [0.02, 0, 0.3],
    [0, 0.1, 0.05],
  ];
  const cost = costOf({ own: [0.02, 0.1, 0.2], random }, 1, heads);
  assert.deepEqual(cost, { own: 0.1, worst: 0.2, worst_q: 5, random_own: 0.1, random_worst: 0.3 });
  const pair = { m: 3, k: 1, neurons: 4, epoch: 10, train: null, held_out: cost };
  const needs = (held_out: Partial<typeof cost>, train: typeof cost | null = null) =>
    isNeeded({ ...pair, train, held_out: { ...cost, ...held_out } });
  assert.deepEqual([needs({}), needs({ own: 0.101 }), needs({ worst: 0.301 })], [false, true, true]);
  assert.ok(needs({}, { ...cost, own: 0.101 }));
});

test("an ablation replaces each neuron by its mean over the grid after the ReLU", async () => {
  const single = construct({ task: "miiii", p: 13, d_model: 64, frequencies: 1 });
  const group = single.neurons.flatMap(({ m }, j) => (m === 7 ? [j] : []));
  const isSeven = ({ m }: { readonly m: number }) => m === 7;
  const order = Int32Array.from({ length: 169 }, (_, i) => i);
  const split = { train: order.slice(0, 80), validation: order.slice(80, 120), test: order.slice(120) };
  const series = await inputOver([
    [10, single.parameters],
    [20, without(isSeven, true, single)],
  ]);
  const { ablation } = await course.run({ ...series, split }, {});
  const { activations, heads } = await inputOfModel(config, single.parameters, NAMES);
  const [pre, logits] = [activations["blocks.0.mlp.hook_pre"], activations.logits];
  assert.ok(pre !== undefined && logits !== undefined);
  const [width, classes] = [config.d_mlp, at(logits.shape, 1)];
  const [W_out, W_U] = [single.parameters["blocks.0.mlp.W_out"].data, single.parameters["unembed.W_U"].data];
  const relu = (i: number, j: number) => Math.max(0, at(pre.data, i * width + j));
  const ablated = Float64Array.from(logits.data);
  for (const j of group) {
    const mean = order.reduce((sum, i) => sum + relu(i, j) / 169, 0);
    for (let c = 0; c < classes; c++) {
      let row = 0;
      for (let d = 0; d < config.d_model; d++) row += at(W_out, j * config.d_model + d) * at(W_U, d * classes + c);
      for (const i of order) ablated[i * classes + c] = at(ablated, i * classes + c) + (mean - relu(i, j)) * row;
    }
  }
  const seven = heads.find(({ q }) => q === 7) ?? assert.fail();
  const isRight = (i: number) => {
    const own = ablated.subarray(i * classes + seven.offset, i * classes + seven.offset + 7);
    return own.indexOf(Math.max(...own)) === (Math.floor(i / 13) + (i % 13) * 13) % 7;
  };
  const cost = (samples: Int32Array) => 1 - samples.filter(isRight).length / samples.length;
  const [pair] = ablation.pairs;
  assert.deepEqual([ablation.pairs.length, pair?.m], [1, 7]);
  assertAllClose([pair?.train?.own ?? 0, pair?.held_out.own ?? 0], [cost(split.train), cost(order.slice(80))], { atol: 1e-4 });
});

test("most of it: from where an accuracy stays at nine tenths of its last", () => {
  const epochs = [0, 10, 20, 30, 40];
  assert.equal(mostOfItEpoch(epochs, [0.1, 0.73, 0.71, 0.721, 0.8]), 30);
  assert.equal(mostOfItEpoch(epochs, [0.1, 0.73, 0.719, 0.7201, 0.8]), 30);
  assert.equal(mostOfItEpoch(epochs, [0.1, 0.73, 0.721, 0.719, 0.8]), 40);
});

test("the last model with another's attention: its own gives its logits, an even one loses the digits, an early one is found early", async () => {
  const last = await inputOfModel(config, written.parameters, NAMES);
  const samples = Int32Array.from({ length: 40 }, (_, i) => 4 * i);
  const pattern = last.activations["blocks.0.attn.hook_pattern"] ?? assert.fail();
  const model = await transplant(last, samples, matmulOf(last));
  const logits = last.activations.logits ?? assert.fail();
  assertAllClose((await model.logits(patternAt(pattern, samples))).data, rowsAt(logits, samples).data, {
    rtol: 1e-9,
    atol: 1e-9,
  });

  // The attention heads read one digit on every input, so that the average is as good as their own.
  const result = await course.run(
    await inputOver([
      [0, untrained],
      [10, without(({ m }) => m > 2)],
      [20, written.parameters],
    ]),
    {},
  );
  const { accuracy, own, averaged, even, epoch, model_epoch } = result.attention ?? assert.fail();
  assert.deepEqual([accuracy.slice(1), own, averaged], [[1, 1], 1, 1]);
  assert.ok(at(accuracy, 0) < 0.9 && even < 0.9, `${accuracy[0]} ${even}`);
  assert.deepEqual([epoch, model_epoch], [10, 20]);
  assert.match(
    course.summary(result),
    /attention does 0\.9 of what it does in the end from epoch 10 on, the model from epoch 20 on/,
  );
});

test("the contract holds, with one checkpoint and without a known split; a lone file is refused", async () => {
  const two = await inputOver([
    [0, untrained],
    [5, written.parameters],
  ]);
  const result = await checkContract(course, two);
  assert.deepEqual([result.validation_epoch, result.left_out], [null, ["accuracy.validation", "validation_epoch"]]);
  await checkContract(course, await inputOver([[5, written.parameters]]));
  const divisibility = { ...two, config: { ...two.config, labels: "divisibility" as const } };
  assert.throws(() => course.run(divisibility, {}), /^MiiiiError: course: needs output heads with a class for each residue/);
  const { series: _, ...lone } = two;
  await assert.rejects(async () => course.run(lone, {}), /^MiiiiError: series: /);
});
