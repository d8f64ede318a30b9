import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeOf } from "../src/analyses/logits/score.ts";
import { splitText } from "../src/api/split-file.ts";
import { counterHash, mix32, randomStream } from "../src/core/index.ts";
import { initParameters, PARAMETER_NAMES, parameterShapes } from "../src/model/index.ts";
import { saidOf } from "../src/report/cast.ts";
import {
  hasShuffledLabels,
  headsOf,
  headWeights,
  isPrime,
  logitsOf,
  makeDataset,
  makeSplit,
  numberOf,
  primesBelow,
  TASK_NAMES,
  type TaskConfig,
} from "../src/tasks/index.ts";
import { checkConfig, PRESETS, presetConfig } from "../src/train/index.ts";
import { assertAllClose } from "./helpers/assert.ts";

const task = (overrides: Partial<TaskConfig> = {}): TaskConfig => ({
  task: "miiii",
  p: 11,
  labels: "remainder",
  shuffle_labels: false,
  ...overrides,
});
const targetsOf = (config: TaskConfig, index: number, seed = 0) => {
  const { targets, heads } = makeDataset(config, seed);
  return Array.from(targets.data.subarray(index * heads.length, (index + 1) * heads.length));
};

test("primes: 29 below 113, 1,480 classes in all", () => {
  assert.deepEqual(primesBelow(12), [2, 3, 5, 7, 11]);
  const heads = headsOf(task({ p: 113 }));
  assert.equal(heads.length, 29);
  assert.equal(logitsOf(heads), 1480);
  assert.deepEqual([heads[0]?.q, heads.at(-1)?.q, heads.at(-1)?.offset], [2, 109, 1371]);
  assert.deepEqual([1, 2, 9, 113, 115].map(isPrime), [false, true, false, true, false]);
});

test("x0 is the low digit: the sample (1, 0) has index p and stands for n = 1", () => {
  const data = makeDataset(task(), 0);
  assert.deepEqual([data.x0[11], data.x1[11]], [1, 0]);
  assert.equal(numberOf(1, 0, 11), 1);
  assert.equal(numberOf(0, 1, 11), 11);
  assert.deepEqual(targetsOf(task(), 11), [1, 1, 1, 1]); // 1 mod 2, 3, 5, 7
  assert.deepEqual(targetsOf(task(), 1), [1, 2, 1, 4]); // 11 mod 2, 3, 5, 7
  assert.deepEqual(targetsOf(task({ task: "nanda" }), 10 * 11 + 4), [3]); // (10 + 4) mod 11
  assert.deepEqual(targetsOf(task({ labels: "divisibility" }), 11 * 10), [1, 0, 1, 0]); // n = 10
});

test("whether labels are shuffled is one answer: of the dataset, the written split and what rungs are scored against", () => {
  for (const [name, shuffle_labels] of TASK_NAMES.flatMap((one) => [false, true].map((own) => [one, own] as const))) {
    const config = presetConfig(name, { p: 13, shuffle_labels });
    const said = hasShuffledLabels(config);
    assert.equal(said, shuffle_labels || name === "basis", `${name} ${shuffle_labels}`);
    const straight = makeDataset({ ...config, task: name === "basis" ? "miiii" : name, shuffle_labels: false }, 3);
    const { targets, heads } = makeDataset(config, 3);
    assert.equal(
      said,
      targets.data.some((value, i) => value !== straight.targets.data[i]),
      name,
    );
    const split = makeSplit(13, 0.5, 3);
    const written = JSON.parse(splitText({ checkpoint: { config, path: "model" }, split })) as { targets?: unknown };
    assert.equal(said, written.targets !== undefined);
    const numbered = heads.map((head, number) => ({ ...head, number }));
    assert.equal(said, judgeOf({ config, targets, split }, numbered).answers !== undefined);
    assert.equal(saidOf({ config }), said ? "labels shuffled" : "trained");
  }
  // A config from elsewhere may not say.
  assert.deepEqual([hasShuffledLabels({ task: "nanda" }), hasShuffledLabels({ task: "basis" })], [false, true]);
});

test("basis permutes whole label rows: the same rows, elsewhere; other seeds, other places", () => {
  const rows = (config: TaskConfig, seed: number) => Array.from({ length: 121 }, (_, i) => targetsOf(config, i, seed).join());
  const [plain, shuffled, again, other] = [
    rows(task(), 0),
    rows(task({ task: "basis" }), 0),
    rows(task({ task: "basis" }), 0),
    rows(task({ task: "basis" }), 1),
  ];
  assert.deepEqual([...shuffled].sort(), [...plain].sort());
  assert.deepEqual(shuffled, again);
  assert.notDeepEqual(shuffled, plain);
  assert.notDeepEqual(shuffled, other);
  assert.deepEqual(rows(task({ shuffle_labels: true }), 0), shuffled);
});

test("masked leaves 2, 3, 5, 7 out of the loss; the others weigh 1 / (heads · ln q)", () => {
  const heads = headsOf(task({ task: "masked", p: 17 }));
  assert.deepEqual(
    heads.map((head) => head.active),
    [false, false, false, false, true, true],
  );
  assertAllClose(headWeights(heads).data, [0, 0, 0, 0, 1 / (2 * Math.log(11)), 1 / (2 * Math.log(13))]);
  assertAllClose(headWeights(headsOf(task({ task: "nanda" }))).data, [1]);
  assert.throws(
    () => headsOf(task({ task: "masked", p: 11 })),
    /mask_primes: a task must remain beside q = 2, 3, 5, 7; at p = 11 there are 2, 3, 5, 7/,
  );
});

test("moduli that are no primes from 5 to 251 are refused", () => {
  for (const p of [3, 4, 9, 112, 257, 7.5]) assert.throws(() => headsOf(task({ p })), /p: must be a prime from 5 to 251/);
});

test("split: seeded, disjoint, exhaustive, ⌊fraction·p²⌋ to train, at most 1,000 to validate", () => {
  const { train, validation, test: rest } = makeSplit(113, 0.3, 7);
  assert.deepEqual([train.length, validation.length, rest.length], [3830, 1000, 12769 - 4830]);
  assert.equal(new Set([...train, ...validation, ...rest]).size, 12769);
  assert.deepEqual(makeSplit(113, 0.3, 7).train, train);
  assert.notDeepEqual(makeSplit(113, 0.3, 8).train, train);
  assert.deepEqual(makeSplit(5, 0.5, 0).validation.length, 6);
  assert.throws(() => makeSplit(5, 0.99, 0), /train fraction/);
});

test("streams: seeded, apart from each other; uniform and normal moments; permutations", () => {
  const stream = randomStream(1, "a");
  const same = randomStream(1, "a");
  const others = [randomStream(1, "b"), randomStream(2, "a")];
  const first = stream.uniform();
  assert.equal(first, same.uniform());
  for (const other of others) assert.notEqual(first, other.uniform());
  const n = 20_000;
  const uniform = Array.from({ length: n }, stream.uniform);
  const normal = Array.from({ length: n }, stream.normal);
  const mean = (x: number[]) => x.reduce((a, b) => a + b) / x.length;
  assert.ok(Math.abs(mean(uniform) - 0.5) < 0.01 && Math.abs(mean(uniform.map((x) => x * x)) - 1 / 3) < 0.01);
  assert.ok(Math.abs(mean(normal)) < 0.03 && Math.abs(mean(normal.map((x) => x * x)) - 1) < 0.05);
  assert.ok(Math.abs(mean(normal.map((x) => x ** 4)) - 3) < 0.3);
  assert.deepEqual(
    [...stream.permutation(50)].sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => i),
  );
});

test("the counter hash is 32-bit, and each counter matters", () => {
  const base = counterHash(1, 2, 3, 4);
  assert.ok(Number.isInteger(base) && base >= 0 && base < 2 ** 32);
  for (const other of [counterHash(2, 2, 3, 4), counterHash(1, 3, 3, 4), counterHash(1, 2, 4, 4), counterHash(1, 2, 3, 5)]) {
    assert.notEqual(base, other);
  }
  assert.equal(mix32(0), 0);
  const below = Array.from({ length: 50_000 }, (_, i) => counterHash(9, 100, 0, i)).filter((h) => h < 0.1 * 2 ** 32).length;
  assert.ok(Math.abs(below / 50_000 - 0.1) < 0.006, `${below}`);
});

test("initial weights: the standard deviations of each scheme, and the truncation of he-jax", () => {
  const sizes = { p: 113, d_model: 64, n_heads: 4 };
  const std = (data: ArrayLike<number>) => Math.sqrt(Array.from(data).reduce((sum, x) => sum + x * x, 0) / data.length);
  const expected = {
    nanda: { "embed.W_E": 1 / 8, "blocks.0.mlp.W_out": 1 / 8, "unembed.W_U": 1 / Math.sqrt(114) },
    he: {
      "embed.W_E": Math.sqrt(2 / 114),
      "blocks.0.attn.W_Q": Math.sqrt(2 / 64),
      "blocks.0.attn.W_O": Math.sqrt(2 / 64),
      "blocks.0.mlp.W_out": Math.sqrt(2 / 256),
      "unembed.W_U": Math.sqrt(2 / 64),
    },
    "he-jax": {
      "embed.W_E": Math.sqrt(2 / 114),
      "blocks.0.attn.W_K": Math.sqrt(2 / 256),
      "blocks.0.mlp.W_in": Math.sqrt(2 / 64),
      "unembed.W_U": Math.sqrt(2 / (29 * 64)),
    },
  } as const;
  for (const [init, stds] of Object.entries(expected)) {
    const config = presetConfig("miiii", { ...sizes, init: init as keyof typeof expected });
    const parameters = initParameters(config, 0);
    for (const [name, value] of Object.entries(stds)) {
      const data = parameters[name as (typeof PARAMETER_NAMES)[number]].data;
      assertAllClose([std(data)], [value], { rtol: 0.04 });
      const largest = Math.max(...Array.from(data, Math.abs)) / value;
      assert.ok(init === "he-jax" ? largest < 2 / 0.8796 + 1e-6 : largest > 2.5, `${init} ${name}: ${largest}`);
    }
    const shapes = parameterShapes(config);
    for (const name of PARAMETER_NAMES) assert.deepEqual(parameters[name].shape, shapes[name]);
  }
});

test("presets are as published, and every field is checked", () => {
  for (const preset of PRESETS) checkConfig(presetConfig(preset));
  const miiii = presetConfig("miiii");
  assert.deepEqual(
    [
      miiii.d_model,
      miiii.lr,
      miiii.weight_decay,
      miiii.dropout,
      miiii.grokfast_lambda,
      miiii.epochs,
      miiii.init,
      miiii.train_fraction,
    ],
    [256, 3e-4, 1 / 3, 0.1, 0.5, 65_536, "he-jax", 0.5],
  );
  const fast = presetConfig("basis", {}, true);
  assert.deepEqual([fast.preset, fast.task, fast.lr, fast.weight_decay, fast.init], ["basis-fast", "basis", 1e-3, 0.5, "he"]);
  assert.deepEqual(presetConfig("miiii-fast", {}, true).preset, "miiii-fast");
  assert.deepEqual([presetConfig("no-grokfast").grokfast_lambda, presetConfig("no-dropout").dropout], [0, 0]);
  const resized = presetConfig("nanda", { d_model: 64 });
  assert.deepEqual([resized.d_head, resized.d_mlp], [16, 256]);
  assert.throws(() => presetConfig("nanda", {}, true), /no fast variant/);
  assert.throws(() => presetConfig("nanda", { dropout: 1 }), /dropout: must be in \[0, 1\), got 1/);
  assert.throws(
    () => presetConfig("nanda", { d_model: 130 }),
    /d_model: must be a multiple of n_heads = 4 where d_head is not given, got 130/,
  );
});
