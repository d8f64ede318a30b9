import assert from "node:assert/strict";
import { test } from "node:test";
import { type AnalyzedRun, judgeClaims } from "../../src/claims/index.ts";
import { judgeClaim } from "../../src/claims/judge.ts";
import { CLAIMS } from "../../src/claims/registry.ts";
import { type Preset, presetConfig } from "../../src/train/presets.ts";

/** The limits that stand inside a value or a subject rather than in a rule, each from both sides. */

type Outcomes = Readonly<Record<string, { readonly metrics?: Readonly<Record<string, number>>; readonly result?: object }>>;

function run(preset: Preset, outcomes: Outcomes, change: Parameters<typeof presetConfig>[1] = {}): AnalyzedRun {
  const results = Object.entries(outcomes).map(
    ([id, { metrics = {}, result = {} }]) => [id, { metrics, result: result as never }] as const,
  );
  return { label: preset, config: presetConfig(preset, change), results: Object.fromEntries(results), missing: {} };
}

function judge(id: string, runs: readonly AnalyzedRun[]) {
  return judgeClaim(CLAIMS.find((claim) => claim.id === id) ?? assert.fail(id), runs);
}

const fourier = { metrics: { key_frequencies: 5, key_share: 0.9, null_share: 0.03 } };

test("a run counts as solved from a mean validation accuracy of 0.9, a lone checkpoint below half of a guess's loss", () => {
  const by = (validation_accuracy: number) =>
    judge("fourier-nanda", [run("nanda", { fourier, curves: { metrics: { validation_accuracy } } })]).verdict;
  assert.deepEqual([0.899, 0.9, 0.901].map(by), ["not tested", "reproduced", "reproduced"]);
  const loss = (share: number) =>
    judge("fourier-nanda", [run("nanda", { fourier, mechanism: { metrics: { loss: share * Math.log(113) } } })]).verdict;
  assert.deepEqual([0.499, 0.5, 0.501].map(loss), ["reproduced", "not tested", "not tested"]);
});

test("shuffled labels count as memorised from a training accuracy of 0.9", () => {
  const none = { metrics: { key_frequencies: 0, null_share: 0.03 } };
  const by = (train_accuracy: number) =>
    judge("fourier-shuffled", [run("basis", { fourier: none, curves: { metrics: { train_accuracy } } })]).verdict;
  assert.deepEqual([0.899, 0.9, 0.901].map(by), ["not tested", "reproduced", "reproduced"]);
});

test("few of the frequencies is said from twenty frequencies on", () => {
  const by = (p: number) => judge("fourier-nanda", [run("nanda", { fourier }, { p })]).verdict;
  assert.deepEqual([37, 41, 43].map(by), ["not tested", "reproduced", "reproduced"]);
});

/** A run of one task with the given curves. */
function curves(preset: Preset, change: object, epochs = 65_536): AnalyzedRun {
  const result = {
    q: [11],
    grok_epoch: [null],
    first_epoch: [null],
    stays90_epoch: [null],
    memorised_epoch: [10],
    final: { train_accuracy: [1], validation_accuracy: [1] },
    epochs: [0, epochs],
    validation: { accuracy: [[0, 1]] },
    ...change,
  };
  return run(preset, { curves: { metrics: { validation_accuracy: 0.95, epochs }, result } });
}

test("a task is learned from 0.99 on, and grokked from twice the epoch of memorising", () => {
  const learned = (accuracy: number) =>
    judge("all-heads", [curves("miiii", { final: { train_accuracy: [1], validation_accuracy: [accuracy] } })]).verdict;
  assert.deepEqual([0.989, 0.99, 0.999, 1].map(learned), ["not reproduced", "partly", "partly", "reproduced"]);
  const late = (grok: number) => judge("grokking-miiii", [curves("miiii", { grok_epoch: [grok] })]).verdict;
  assert.deepEqual([20, 21, 22].map(late), ["not reproduced", "reproduced", "reproduced"]);
});

test("training arrives where the mean accuracy is 0.8", () => {
  const ticks = { epochs: [0, 1000, 2000, 4000], validation: { accuracy: [[0, 0.799, 0.8, 1]] } };
  const miiii = curves("miiii", { ...ticks, epochs: [0, 10, 1000, 4000] }, 4000);
  assert.match(judge("masked-delay", [miiii, curves("masked", ticks, 4000)]).ours, /^masked: 2000, 2\.00 times miiii's 1000$/);
  const slow = judge("no-grokfast", [miiii, curves("no-grokfast", ticks, 4000)]);
  assert.match(slow.why ?? "", /^it converges, 2\.00 times slower$/);
});

test("a task relies on an attention head from a tenth of its accuracy on", () => {
  const by = (loss: number) => {
    const metrics = {
      own_accuracy_lost: 0.4,
      other_accuracy_lost: 0,
      null_accuracy_lost: 0.02,
      null_other_accuracy_lost: 0.01,
      embedding_own_accuracy_lost: 0.5,
      embedding_other_accuracy_lost: 0,
    };
    return judge("circuits-reused", [run("miiii", { circuits: { metrics, result: { attention: { accuracy_lost: [[loss]] } } } })])
      .verdict;
  };
  assert.deepEqual([0.099, 0.1, 0.101].map(by), ["not reproduced", "partly", "partly"]);
});

test("r of the positions counts where validation accuracy is at least 0.99", () => {
  const by = (accuracy: number) => {
    const base = curves("nanda", { epochs: [0, 2000, 10_000], validation: { accuracy: [[0, accuracy, 1]] } }, 10_000);
    const results = {
      ...base.results,
      positional: { metrics: { pearson: 0.95, null_limit: 0.17, distance: 0.1 }, result: {} },
      progress: { metrics: {}, result: { epochs: [2000, 10_000], W_pos_pearson: [-0.9, 0.95] } },
    };
    return judge("positional-nanda", [{ ...base, results }]).verdict;
  };
  assert.deepEqual([0.989, 0.99, 0.991].map(by), ["reproduced", "not reproduced", "not reproduced"]);
});

test("all claims are judged together, in the order of the registry", () => {
  assert.deepEqual(
    judgeClaims([]).map(({ id }) => id),
    CLAIMS.map(({ id }) => id),
  );
});
