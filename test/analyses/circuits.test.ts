import assert from "node:assert/strict";
import { test } from "node:test";
import { activationsOf } from "../../src/activations/index.ts";
import { circuits } from "../../src/analyses/circuits/index.ts";
import { bestOf, groupsByBest } from "../../src/analyses/circuits/parts.ts";
import { sufficiencyOf } from "../../src/analyses/circuits/sufficiency.ts";
import type { AnalysisInput, Edits, Forward } from "../../src/analyses/kit/define.ts";
import { at, dim, float64, MiiiiError, type NdArray, randomStream } from "../../src/core/index.ts";
import { headMetrics, mean } from "../../src/math/index.ts";
import { construct } from "../../src/model/index.ts";
import { onnxRuntime } from "../../src/runtimes/index.ts";
import { headsOf, logitsOf, makeSplit, numberOf } from "../../src/tasks/index.ts";
import { assertAllClose } from "../helpers/assert.ts";
import { checkContract, fieldsOf, inputWith } from "../helpers/spectral-input.ts";

const p = 13;
const samplesOf = (samples: Int32Array | undefined) => samples ?? Int32Array.from({ length: p * p }, (_, i) => i);

// A model of remainders by hand: one neuron for each residue of each prime, read out by its own head alone; and one dead neuron.
const moduli = headsOf({ task: "miiii", p, labels: "remainder", shuffle_labels: false });
const width = logitsOf(moduli);
const residueNeurons = fieldsOf(p, [
  ...moduli.flatMap(({ q }) =>
    Array.from({ length: q }, (_, r) => (x0: number, x1: number) => Number(numberOf(x0, x1, p) % q === r)),
  ),
  () => 3,
]);

/** Logits = 10 · neurons, with ablated neurons at their means. */
const readResidues: Forward = async (edits, named) => {
  const samples = samplesOf(named);
  const neurons = dim(residueNeurons, 1);
  const ablated = new Map(
    (edits.meanAblateNeurons ?? []).map((j) => [
      j,
      mean(Array.from({ length: p * p }, (_, i) => at(residueNeurons.data, i * neurons + j))),
    ]),
  );
  const data = new Float64Array(samples.length * width);
  samples.forEach((sample, i) => {
    for (let c = 0; c < width; c++) data[i * width + c] = 10 * (ablated.get(c) ?? at(residueNeurons.data, sample * neurons + c));
  });
  return float64(data, [samples.length, width]);
};

/** Activations around planted neurons; logits that say nothing, where only ablations are looked at. */
function recorded(neurons: NdArray<"float64">, classes: number): AnalysisInput["activations"] {
  const logits = float64(new Float64Array(p * p * classes), [p * p, classes]);
  return { "blocks.0.mlp.hook_pre": neurons, "blocks.0.mlp.hook_post": neurons, logits };
}

function remainders(more: Partial<AnalysisInput> = {}): AnalysisInput {
  const plain = inputWith({ p, task: "miiii", activations: recorded(residueNeurons, width) });
  return { ...plain, forward: readResidues, ...more };
}

// A model of addition by hand: W_E holds cos and sin of k = 2 and of k = 4; the logits multiply those of k = 2 out and ignore the
// rest.
const wave = (k: number, x: number) => (2 * Math.PI * k * x) / p;
const tokens = float64(
  Array.from({ length: p + 1 }, (_, x) =>
    x === p ? [9, 9, 9, 9] : [Math.cos(wave(2, x)), Math.sin(wave(2, x)), Math.cos(wave(4, x)), Math.sin(wave(4, x))],
  ).flat(),
  [p + 1, 4],
);
const additionNeurons = fieldsOf(p, [
  (x0, x1) => Math.max(0, Math.cos(wave(2, x0)) + Math.cos(wave(2, x1))),
  (x0, x1) => Math.max(0, Math.cos(wave(2, x0)) + Math.sin(wave(2, x1))),
  (x0, x1) => Math.max(0, Math.cos(wave(4, x0)) + Math.cos(wave(4, x1))),
]);
const multiplyOut: Forward = async (edits: Edits, named) => {
  const samples = samplesOf(named);
  const W_E: NdArray = edits.W_E ?? tokens;
  const code = (x: number) => [at(W_E.data, 4 * x), at(W_E.data, 4 * x + 1)] as const;
  const broken = (edits.meanAblateNeurons ?? []).includes(0) || (edits.meanAblateHeads ?? []).includes(1);
  const data = Array.from(samples, (sample) => {
    const [[a, b], [c, d]] = [code(Math.floor(sample / p)), code(sample % p)];
    const [re, im] = broken ? [0, 0] : [a * c - b * d, a * d + b * c];
    return Array.from({ length: p }, (_, y) => 20 * (re * Math.cos(wave(2, y)) + im * Math.sin(wave(2, y))));
  });
  return float64(data.flat(), [samples.length, p]);
};
const addition = (): AnalysisInput => {
  const plain = inputWith({ p, d_model: 4, W_E: tokens, activations: recorded(additionNeurons, p) });
  return { ...plain, forward: multiplyOut };
};

test("neurons are grouped by their best prime or frequency; dead ones are in no group", () => {
  const byPrime = bestOf(residueNeurons, p, "prime");
  assert.deepEqual(byPrime, [...moduli.flatMap(({ q }) => new Array<number>(q).fill(q)), 0]);
  assert.deepEqual(
    groupsByBest(byPrime).map(({ label, neurons }) => [label, neurons.length]),
    moduli.map(({ q }) => [q, q]),
  );
  assert.deepEqual(bestOf(additionNeurons, p, "frequency"), [2, 2, 4]);
});

test("each prime's neurons break that prime's head and no other; random groups break less of it", async () => {
  const result = await circuits.run(remainders(), { draws: 20 });
  const { groups } = result;
  assert.deepEqual([result.parts, result.samples, result.dead], ["prime", p * p, 1]);
  assert.deepEqual(groups.labels, [2, 3, 5, 7, 11]);
  assert.deepEqual(groups.sizes, [2, 3, 5, 7, 11]);
  assert.deepEqual(result.baseline.accuracy, [1, 1, 1, 1, 1]);
  groups.accuracy_lost.forEach((lost, i) => {
    lost.forEach((value, h) => {
      if (h !== i) assert.equal(value, 0);
    });
    // What is left is one guess for all samples.
    const q = at(groups.labels, i);
    assert.ok(at(lost, i) >= 1 - (Math.ceil((p * p) / q) + 1) / (p * p) - 1e-9, `q = ${q} loses ${lost[i]}`);
    assertAllClose([at(groups.loss_gained[i] ?? [], i)], [Math.log(q)], { rtol: 0.01 });
  });
  const metrics = circuits.metrics(result);
  assert.deepEqual([metrics.groups, metrics.groups_own_head_worst, metrics.other_accuracy_lost], [5, 5, 0]);
  assert.ok((metrics.own_accuracy_lost ?? 0) > (metrics.null_accuracy_lost ?? 1));
  // Sizes 11, 7 share a class, as do 5, 3; random groups have the largest size of theirs.
  assert.deepEqual(
    groups.null.map(({ size, draws }) => [size, draws]),
    [
      [11, 20],
      [5, 20],
      [2, 20],
    ],
  );
  assert.deepEqual(groups.null_of, [2, 1, 1, 0, 0]);
  for (const { accuracy_lost } of groups.null) {
    accuracy_lost.mean.forEach((value, h) => {
      assert.ok(value <= at(accuracy_lost.largest, h) && value > -1e-9);
    });
  }
});

test("what random groups cost the heads but one is kept, draw by draw, and how many groups drawn at random would exceed them is said", async () => {
  const draws = 4;
  const seen: number[][] = [];
  const input = remainders({
    forward: async (edits, samples) => {
      const logits = await readResidues(edits, samples);
      seen.push(headMetrics(logits, remainders().targets, moduli).accuracy.map((value) => 1 - value));
      return logits;
    },
  });
  const result = await circuits.run(input, { draws, all: true });
  const { groups } = result;
  // Passes: the baseline, five groups, then the draws of each of three size classes.
  groups.null.forEach(({ others_accuracy_lost: others }, size) => {
    const lost = seen.slice(1 + 5 + draws * size, 1 + 5 + draws * (size + 1));
    moduli.forEach((_, own) => {
      const means = lost.map((row) => mean(row.filter((_value, h) => h !== own)));
      assertAllClose([at(others?.mean ?? [], own)], [mean(means)], { rtol: 1e-4, atol: 1e-9 });
      assertAllClose([at(others?.smallest ?? [], own)], [Math.min(...means)], { rtol: 1e-4, atol: 1e-9 });
      assertAllClose([at(others?.largest ?? [], own)], [Math.max(...means)], { rtol: 1e-4, atol: 1e-9 });
    });
  });
  const metrics = circuits.metrics(result);
  const expected = groups.null_of.map((none, i) => at(groups.null[none]?.others_accuracy_lost?.mean ?? [], i));
  assertAllClose([metrics.null_other_accuracy_lost ?? -1], [mean(expected)]);
  // Here a prime's own neurons cost the others nothing, and random ones of that number do.
  assert.equal(metrics.other_accuracy_lost, 0);
  assert.ok((metrics.null_other_accuracy_lost ?? 0) > 0.05, `${metrics.null_other_accuracy_lost}`);
  assertAllClose([metrics.groups_above_null_expected ?? -1], [5 / (draws + 1)]);
  const text = circuits.summary(result) + circuits.headline([{ label: "x", result, config: input.config }]);
  assert.match(text, /neurons .*others 0 %, random ones cost them \d+(\.\d)? %.*\(groups drawn at random: at most 1\)/);
  assert.match(text, /embedding .*\(by chance at most \d/);
  assert.match(text, /x: .*\(groups drawn at random: at most 1\)/);
  // One head has no others.
  const alone = await circuits.run(addition(), { draws });
  assert.deepEqual(
    [...alone.groups.null, ...alone.embedding.null].map((none) => none.others_accuracy_lost),
    [...alone.groups.null, ...alone.embedding.null].map(() => null),
  );
  assert.ok(!("null_other_accuracy_lost" in circuits.metrics(alone)));
  assertAllClose([circuits.metrics(alone).groups_above_null_expected ?? -1], [2 / (draws + 1)]);
});

test("of groups drawn at random about as many exceed the others as is said", async () => {
  // Groups of eight neurons each, of which every one costs each head some accuracy that has nothing to do with its group.
  const labels = Array.from({ length: 40 }, (_, j) => at(moduli, j % 5).q);
  const neurons = fieldsOf(
    p,
    labels.map((q) => (x0: number, x1: number) => Number(numberOf(x0, x1, p) % q === 0)),
  );
  let [above, expected] = [0, 0];
  for (let seed = 0; seed < 40; seed++) {
    const random = randomStream(seed, "test/harm");
    const harm = labels.map(() => moduli.map(() => random.uniform() / labels.length));
    const order = random.permutation(p * p);
    const forward: Forward = async ({ meanAblateNeurons = [] }, named) => {
      const samples = samplesOf(named);
      const costs = moduli.map((_, h) => meanAblateNeurons.reduce((total, j) => total + at(harm[j] ?? [], h), 0));
      const data = new Float64Array(samples.length * width);
      samples.forEach((sample, i) => {
        moduli.forEach(({ q, offset }, h) => {
          const wrong = Number(at(order, sample) < at(costs, h) * p * p);
          data[i * width + offset + ((numberOf(Math.floor(sample / p), sample % p, p) + wrong) % q)] = 1;
        });
      });
      return float64(data, [samples.length, width]);
    };
    const input = remainders({ activations: recorded(neurons, width), forward, seed });
    const metrics = circuits.metrics(await circuits.run(input, { draws: 1, all: true }));
    above += metrics.groups_above_null ?? 0;
    expected += metrics.groups_above_null_expected ?? 0;
  }
  // Each of 200 groups exceeds its one random group every second time, ties apart.
  assert.equal(expected, 100);
  assert.ok(above > 65 && above < 125, `${above} above, ${expected} expected at most`);
});

test("a frequency of the embedding that the logits use breaks them, one that they ignore does not; so too for neurons and heads", async () => {
  const { embedding, groups, attention, baseline, chance_accuracy } = await circuits.run(addition(), { draws: 5 });
  assert.deepEqual(baseline.accuracy, [1]);
  assertAllClose(chance_accuracy, [1 / p]);
  assert.deepEqual(embedding.labels, [1, 2, 3, 4, 5, 6]);
  embedding.accuracy_lost.forEach(([lost = -1], i) => {
    // What rounding leaves of the wave still makes guesses: about chance.
    assert.ok(embedding.labels[i] === 2 ? lost > 0.8 : Math.abs(lost) < 1e-9, `k = ${embedding.labels[i]} costs ${lost}`);
  });
  // Two random directions of thirteen: what is left of the waves still adds.
  assert.ok((embedding.null[0]?.accuracy_lost.mean[0] ?? 1) < 0.6);
  assert.deepEqual(groups.labels, [2, 4]);
  assert.ok((groups.accuracy_lost[0]?.[0] ?? 0) > 0.9 && groups.accuracy_lost[1]?.[0] === 0);
  assert.deepEqual([attention.labels, attention.null], [[0, 1], []]);
  assert.ok(at(baseline.loss, 0) > 0.01 && attention.loss_gained[0]?.[0] === 0);
  assert.ok(attention.accuracy_lost[0]?.[0] === 0 && (attention.accuracy_lost[1]?.[0] ?? 0) > 0.9);
});

test("samples are seeded, progress runs to its total, and the same samples serve every pass", async () => {
  const seen: (Int32Array | undefined)[] = [];
  const steps: [number, number][] = [];
  const watched = remainders({
    forward: (edits, samples) => {
      seen.push(samples);
      return readResidues(edits, samples);
    },
    onProgress: (done, total) => steps.push([done, total]),
  });
  const result = await circuits.run(watched, { samples: 40, draws: 2 });
  assert.equal(result.samples, 40);
  assert.equal(new Set(seen).size, 1);
  assert.deepEqual(steps[steps.length - 1], [seen.length, seen.length]);
  assert.deepEqual(await circuits.run(remainders(), { samples: 40, draws: 2 }), result);
  const { samples } = await circuits.run(remainders(), { samples: 40, all: true, draws: 1 });
  assert.equal(samples, p * p);
});

test("draws alone are scored in single precision, by double precision where that has nothing to say", async () => {
  const passes = { single: 0, double: 0 };
  const counted = (answers: boolean) =>
    remainders({
      forward: (edits, samples) => {
        passes.double++;
        return readResidues(edits, samples);
      },
      scoreDraw: async (edits, { samples, targets }) => {
        passes.single++;
        return answers ? headMetrics(await readResidues(edits, samples), targets, moduli, samples) : undefined;
      },
    });
  const options = { samples: 40, draws: 2 };
  const expected = await circuits.run(remainders(), options);
  assert.deepEqual(await circuits.run(counted(true), options), expected);
  const drawn = 2 * (expected.groups.null.length + expected.embedding.null.length);
  const parts = 1 + expected.groups.labels.length + expected.embedding.labels.length + expected.attention.labels.length;
  assert.deepEqual(passes, { single: drawn, double: parts });
  assert.deepEqual(await circuits.run(counted(false), options), expected);
  assert.deepEqual(passes, { single: 2 * drawn, double: 2 * parts + drawn });
});

test("the contract holds; options and a missing forward pass are named", async () => {
  await checkContract(circuits, remainders(), { options: { draws: 2 } });
  await checkContract(circuits, addition(), { options: { draws: 2 } });
  const dead = { ...remainders(), activations: recorded(fieldsOf(p, [() => 0]), width) };
  await checkContract(circuits, dead, { options: { draws: 1 } });
  const fails = (input: AnalysisInput, options: Record<string, number>, pattern: RegExp) =>
    assert.rejects(
      async () => circuits.run(input, options),
      (error: unknown) => error instanceof MiiiiError && pattern.test(error.message),
    );
  await fails(inputWith({ p }), {}, /forward pass/);
  await fails(remainders(), { samples: 0 }, /samples must be an integer from 1 to 63001, got 0/);
  await fails(remainders(), { draws: 1.5 }, /draws must be an integer from 1 to 1000, got 1\.5/);
});

test("a written model: each task's own neurons suffice, everything else does not, on samples that were not trained on", async () => {
  const written = construct({ task: "miiii", p });
  const activations = await activationsOf(onnxRuntime({ threads: 1 }), written.config, written.parameters, [
    "blocks.0.mlp.hook_pre",
    "blocks.0.mlp.hook_post",
    "logits",
  ]);
  const split = makeSplit(p, 0.5, 1);
  const input = { ...remainders(), ...written, parameters: written.parameters, activations, split };
  const found = await sufficiencyOf(input, 2048, 10);
  assert.ok(found);
  assert.deepEqual([found.labels, found.held_out, found.samples], [[2, 3, 5, 7, 11], true, p * p - split.train.length]);
  found.labels.forEach((q, g) => {
    const { own, others, other_group, random, model } = found.accuracy;
    assert.ok(at(own, g) > 0.97 && at(model, g) > 0.97, `q = ${q}: ${own[g]}, ${model[g]}`);
    assert.ok(at(others, g) < 1 / q + 0.25 && at(other_group, g) < 1 / q + 0.25, `q = ${q}: ${others[g]}, ${other_group[g]}`);
    // Random groups hold some of the task's own neurons, each of which is exact here.
    assert.ok(at(own, g) >= at(random.mean, g));
  });
  const few = await sufficiencyOf(input, 20, 1);
  assert.equal(few?.samples, 20);
  // A sample from the training set is never among those looked at: labels of the others alone decide.
  const wrong = input.targets.data.slice();
  for (const sample of split.train) wrong.fill(0, sample * 5, sample * 5 + 5);
  assert.deepEqual(await sufficiencyOf({ ...input, targets: { ...input.targets, data: wrong } }, 2048, 10), found);
  const two = { ...input, config: { ...input.config, labels: "divisibility" as const } };
  assert.equal(await sufficiencyOf(two, 2048, 1), null);
});

test("the figure leaves out runs whose bars nobody could see and names them; where all are, it shows that", async () => {
  const input = addition();
  const result = await circuits.run(input, { draws: 2 });
  const silent = (ablations: typeof result.groups) => ({
    ...ablations,
    accuracy_lost: ablations.accuracy_lost.map((row) => row.map(() => 0.001)),
    null: ablations.null.map((none) => ({ ...none, accuracy_lost: { mean: [0], largest: [0.001] } })),
  });
  const nothing = {
    ...result,
    groups: silent(result.groups),
    embedding: silent(result.embedding),
    attention: silent(result.attention),
    sufficiency: null,
  };
  const { config } = input;
  // Lines of a subtitle are parts of a list, and a number is tied to its unit.
  const said = (spec: object) => JSON.stringify(spec).replace(/\u00a0|","/g, " ");
  const both = said(
    circuits.figure([
      { label: "adds", result, config },
      { label: "idle", result: nothing, config },
    ]),
  );
  assert.match(both, /not drawn: idle, below 3 % everywhere/);
  assert.doesNotMatch(both, /"run":"idle/);
  const alone = said(circuits.figure([{ label: "idle", result: nothing, config }]));
  assert.match(alone, /"run":"idle/);
  assert.doesNotMatch(alone, /not drawn/);
});
