import assert from "node:assert/strict";
import { test } from "node:test";
import { curves } from "../../src/analyses/curves/index.ts";
import { binomialQuantile, chanceOf, limitOfChance } from "../../src/analyses/kit/chance.ts";
import type { AnalysisInput, MetricsRow, OmegaRow, Series } from "../../src/analyses/kit/define.ts";
import { MiiiiError, randomStream } from "../../src/core/index.ts";
import { makeSplit } from "../../src/tasks/index.ts";
import { assertAllClose } from "../helpers/assert.ts";
import { checkContract, inputWith } from "../helpers/spectral-input.ts";

const p = 13;
const moduli = [2, 3, 5, 7, 11];

/** A tick: accuracy of each head on both parts; the loss is −ln of it. */
function row(epoch: number, train: readonly number[], validation: readonly number[]): MetricsRow {
  const part = (accuracy: readonly number[]) => ({ accuracy, loss: accuracy.map((value) => -Math.log(Math.max(value, 1e-6))) });
  return { epoch, train: part(train), validation: part(validation), objective: 1, weight_norms: {} };
}

const active = (epoch: number, sound_mean: number, nominal_mean = 1): OmegaRow => ({
  epoch,
  sound_mean,
  nominal_mean,
  sound_by_omega0: [],
  sound_by_omega1: [],
  nominal_by_omega0: [],
  nominal_by_omega1: [],
  paper_bins: [],
});

function input(
  metrics: readonly MetricsRow[],
  more: Partial<AnalysisInput> = {},
  omega: readonly OmegaRow[] = [],
): AnalysisInput {
  const series: Series = { metrics, omega, checkpoints: [], models: async function* () {} };
  return { ...inputWith({ p, task: "miiii", series }), ...more };
}

const all = (value: number) => moduli.map(() => value);

// q = 2 at 10; 3 at 30 for good after a slip at 20; 5 at 20; 7 never (0.98); 11 at 40.
const METRICS = [
  row(0, all(0.1), all(0.1)),
  row(10, all(0.5), [0.995, 0.99, 0.2, 0.1, 0.1]),
  row(20, all(1), [0.99, 0.5, 1, 0.3, 0.1]),
  row(30, all(1), [1, 1, 0.999, 0.9, 0.4]),
  row(40, all(1), [1, 1, 1, 0.98, 0.99]),
];

test("grok and memorised epochs: the first from which accuracy stays at 0.99; the order by them", async () => {
  const result = await curves.run(input(METRICS), {});
  assert.deepEqual(result.q, moduli);
  assert.deepEqual(result.grok_epoch, [10, 30, 20, null, 40]);
  // By first arrival 3 comes at 10, before its slip; staying at 0.9 takes 7 in, from its 0.9 at 30 on.
  assert.deepEqual(result.first_epoch, [10, 10, 20, null, 40]);
  assert.deepEqual(result.stays90_epoch, [10, 30, 20, 30, 40]);
  assert.deepEqual(result.memorised_epoch, [20, 20, 20, 20, 20]);
  assert.deepEqual(result.order, [2, 5, 3, 11]);
  assert.deepEqual(result.final.validation_accuracy, [1, 1, 1, 0.98, 0.99]);
  const metrics = curves.metrics(result);
  assert.deepEqual(
    [metrics.heads, metrics.heads_grokked, metrics.heads_memorised, metrics.first_grok_epoch, metrics.last_grok_epoch],
    [5, 4, 5, 10, 40],
  );
});

test("accuracy beyond chance is 0 at 1/q and 1 at 1; loss is in units of ln q", async () => {
  const guess = moduli.map((q) => 1 / q);
  const { validation, chance_accuracy, chance_loss } = await curves.run(
    input([row(0, guess, guess), row(1, all(1), all(1))]),
    {},
  );
  assertAllClose(chance_accuracy, guess);
  assertAllClose(chance_loss, moduli.map(Math.log));
  for (const [h] of moduli.entries()) {
    assertAllClose(validation.corrected_accuracy[h] ?? [], [0, 1], { atol: 1e-12 });
    assertAllClose(validation.relative_loss[h] ?? [], [1, 0], { rtol: 1e-6 });
  }
});

test("for divisibility chance is the larger class's share and the entropy of the two", () => {
  assertAllClose([chanceOf({ q: 7 }, "divisibility").accuracy], [6 / 7]);
  assertAllClose([chanceOf({ q: 2 }, "divisibility").loss], [Math.LN2]);
  assertAllClose([chanceOf({ q: 5 }, "divisibility").loss], [-0.2 * Math.log(0.2) - 0.8 * Math.log(0.8)]);
});

test("the limit of chance is the exact binomial quantile, for all heads together", () => {
  // P(X ≤ k) for X ~ B(4, 1/2): 1, 5, 11, 15, 16 sixteenths.
  assert.deepEqual(
    [0.05, 0.3, 0.5, 0.9, 0.99].map((level) => binomialQuantile(4, 0.5, level)),
    [0, 0.25, 0.5, 0.75, 1],
  );
  const random = randomStream(3, "coins");
  const shares = Array.from({ length: 4000 }, () => {
    let hits = 0;
    for (let i = 0; i < 50; i++) hits += Number(random.uniform() < 0.2);
    return hits / 50;
  });
  const limit = binomialQuantile(50, 0.2, 0.9);
  const below = shares.filter((share) => share <= limit).length / shares.length;
  const short = shares.filter((share) => share < limit - 0.01).length / shares.length;
  assert.ok(below > 0.89 && short < 0.9, `${below}, ${short}`);
  assert.ok(Math.abs(binomialQuantile(1000, 0.99, 0.5) - 0.99) < 0.002); // (1 − 0.99)^1000 is below the smallest float
  const [alone, together] = [limitOfChance([0.2], 50), limitOfChance([0.2, 0.2, 0.2, 0.2], 50)];
  assert.ok((together[0] ?? 0) > (alone[0] ?? 0));
});

test("without a split there is no limit; with one it belongs to the validation set's size", async () => {
  const split = makeSplit(p, 0.5, 1);
  assert.equal((await curves.run(input(METRICS), {})).chance_limit, null);
  const { chance_limit, chance_accuracy } = await curves.run(input(METRICS, { split }), {});
  assert.deepEqual(chance_limit, limitOfChance(chance_accuracy, split.validation.length));
});

test("phases of ω lie between the first head to grok, the first of q > 7 and the last", async () => {
  const omega = [active(0, 1), active(5, 2), active(15, 4), active(25, 6), active(39, 8), active(40, 3), active(45, 5)];
  const { phases } = await curves.run(input([...METRICS, row(50, all(1), [1, 1, 1, 0.98, 1])], {}, omega), {});
  assert.deepEqual(
    phases.map(({ from, to, ticks, sound }) => [from, to, ticks, sound]),
    [
      [0, 10, 2, 1.5],
      [10, 40, 3, 6],
      [40, 50, 2, 4],
    ],
  );
  assert.deepEqual((await curves.run(input([row(0, all(0), all(0))], {}, omega), {})).phases, []);
});

test("7 is none of the harder tasks; 0.9 for good is 0.9, not less", async () => {
  const ticks = [
    row(0, all(0.1), all(0.1)),
    row(10, all(1), [1, 0.1, 0.1, 0.1, 0.1]),
    row(20, all(1), [1, 1, 1, 1, 0.85]),
    row(30, all(1), [1, 1, 1, 1, 0.9]),
    row(40, all(1), [1, 1, 1, 1, 1]),
    row(50, all(1), [1, 1, 1, 1, 1]),
  ];
  const { phases, grok_epoch, stays90_epoch } = await curves.run(input(ticks), {});
  assert.deepEqual(grok_epoch, [10, 20, 20, 20, 40]);
  assert.deepEqual(stays90_epoch, [10, 20, 20, 20, 30]);
  assert.deepEqual(
    phases.map(({ from, to }) => [from, to]),
    [
      [0, 10],
      [10, 40],
      [40, 50],
    ],
  );
});

test("without tasks of q > 7 that grok no phase is called theirs", async () => {
  const omega = [active(0, 1), active(15, 4), active(25, 6), active(45, 5)];
  const named = async (curvesInput: AnalysisInput) =>
    (await curves.run(curvesInput, {})).phases.map(({ phase, from, to }) => [phase, from, to]);
  // At p = 13 q = 11 does not grok; at p = 11 there is none.
  const upTo7 = [
    ["before any task groks", 0, 10],
    ["tasks of q ≤ 7 grok", 10, 30],
    ["after the last task to grok", 30, 50],
  ];
  const ticks = [...METRICS.slice(0, 4), row(50, all(1), [1, 1, 1, 0.98, 0.9])];
  assert.deepEqual(await named(input(ticks, {}, omega)), upTo7);
  const four = ticks.map(({ epoch, train, validation }) =>
    row(epoch, train.accuracy.slice(0, 4), validation.accuracy.slice(0, 4)),
  );
  const series: Series = { metrics: four, omega, checkpoints: [], models: async function* () {} };
  assert.deepEqual(await named(inputWith({ p: 11, task: "miiii", series })), upTo7);
  // With q = 11 the phases have their names.
  assert.deepEqual(
    (await named(input([...METRICS, row(50, all(1), [1, 1, 1, 0.98, 1])], {}, omega))).map(([phase]) => phase),
    ["before any task groks", "the first tasks grok", "after the last task to grok"],
  );
  // A single head has no order: at p = 5 too.
  const one: Series = { ...series, metrics: [row(0, [0.1], [0.1]), row(20, [1], [1]), row(50, [1], [1])] };
  assert.deepEqual(await named(inputWith({ p: 5, series: one })), [
    ["before any task groks", 0, 20],
    ["after the last task to grok", 20, 50],
  ]);
});

test("a split without validation samples has no limit of chance, and that is said", async () => {
  const split = makeSplit(p, 0.5, 1);
  const empty = { ...split, validation: new Int32Array(), test: Int32Array.from([...split.validation, ...split.test]).sort() };
  const result = await checkContract(curves, input(METRICS, { split: empty }));
  assert.equal(result.chance_limit, null);
  assert.match(curves.summary(result), /limit of chance left out: no validation samples are known/);
  assert.match(curves.summary(await curves.run(input(METRICS), {})), /limit of chance left out: no validation samples are known/);
  assert.doesNotMatch(curves.summary(await curves.run(input(METRICS, { split }), {})), /left out/);
  assert.throws(
    () => binomialQuantile(0, 0.5, 0.99),
    (error: unknown) => error instanceof MiiiiError && /chance: trials must be at least 1, got 0/.test(error.message),
  );
});

test("long runs are thinned, their grok epochs are not; the last tick stays", async () => {
  const long = Array.from({ length: 1001 }, (_, i) => row(i, all(1), all(i >= 777 ? 1 : 0)));
  const { epochs, validation, grok_epoch } = await curves.run(input(long), {});
  assert.ok(epochs.length <= 401 && epochs[epochs.length - 1] === 1000);
  assert.equal(validation.loss[0]?.length, epochs.length);
  assert.deepEqual(grok_epoch, [777, 777, 777, 777, 777]);
});

test("the contract holds for many heads and for one; metrics that do not fit and missing ones are named", async () => {
  await checkContract(curves, input(METRICS, { split: makeSplit(p, 0.5, 1) }, [active(0, 1), active(30, 2)]));
  const series: Series = {
    metrics: [row(0, [0.1], [0.1]), row(5, [1], [1])],
    omega: [],
    checkpoints: [],
    models: async function* () {},
  };
  const result = await checkContract(curves, inputWith({ p, series }));
  assert.deepEqual(result.grok_epoch, [5]);
  const failure = (metrics: readonly MetricsRow[], pattern: RegExp) =>
    assert.throws(
      () => curves.run(input(metrics), {}),
      (error: unknown) => error instanceof MiiiiError && pattern.test(error.message),
    );
  failure([], /must hold metrics, got none/);
  failure([row(3, [1], [1])], /epoch 3 must have 5 tasks, got 1/);
  assert.throws(
    () => curves.run(inputWith({ p }), {}),
    (error: unknown) => error instanceof MiiiiError && error.code === "usage",
  );
});
