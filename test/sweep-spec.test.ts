import assert from "node:assert/strict";
import { test } from "node:test";
import { measureOf, type Objective, objectiveOf, seedResult, staysFrom, trialValue } from "../src/sweep/objective.ts";
import { gridSize, overridesOf, parseSpace } from "../src/sweep/space.ts";
import { firstDifference, parseSpec, readSpec, trialCommand, trialConfig } from "../src/sweep/spec.ts";
import { Reports, reportEvery } from "../src/sweep/trial.ts";
import { headsOf } from "../src/tasks/index.ts";
import { presetConfig, ticksOf } from "../src/train/index.ts";

const yaml = `
study: lambda
base: { preset: miiii, set: { p: 13, d_model: 16, n_heads: 2 } }
space:
  lr: { low: 0.001, high: 0.01, log: true }
  warmup: { low: 0, high: 20, step: 10 }
  grokfast_lambda: [0, 0.5, 2]
  shape:
    sets:
      small: { d_mlp: 32 }
      square: { d_mlp: 16, dropout: 0 }
seeds: [3, 4]
objective: { goal: epochs_to, measure: mean_above_7, threshold: 0.9 }
pruner: median
budget: { trials: 12, epochs: 200 }
`;
const spec = parseSpec(readSpec(yaml, "x.yaml"));
const spoiled = (change: object) => parseSpec({ ...(readSpec(yaml, "x.yaml") as object), ...change });

test("a specification in YAML, or the same in JSON, with its defaults", () => {
  assert.deepEqual(parseSpec(readSpec(JSON.stringify(readSpec(yaml, "x.yaml")), "x.json")), spec);
  assert.deepEqual(spec.budget, { trials: 12, epochs: 200 });
  assert.deepEqual([spec.sampler, spec.pruner, spec.keep, spec.heartbeat], ["tpe", "median", "ends", 30]);
  assert.deepEqual(
    spec.space.map(({ kind, name }) => `${kind} ${name}`),
    ["float lr", "int warmup", "categorical grokfast_lambda", "categorical shape"],
  );
  // What is kept with a study gives the same sweep again.
  const again = parseSpec(spec.document);
  assert.deepEqual(again, spec);
});

test("a trial's parameters become a run's settings and a command that trains it", () => {
  const params = { lr: 0.002, warmup: 10, grokfast_lambda: 2, shape: "square" };
  const config = trialConfig(spec, overridesOf(spec.space, params), 4);
  const { lr, warmup, grokfast_lambda, d_mlp, dropout, seed, epochs, p, d_head } = config;
  assert.deepEqual([lr, warmup, grokfast_lambda, d_mlp, dropout, seed, epochs, p, d_head], [0.002, 10, 2, 16, 0, 4, 200, 13, 8]);
  const command = trialCommand(spec, params, 4);
  for (const words of ["--preset miiii", "--grokfast-lambda 2", "--d-mlp 16", "--seed 4", "--epochs 200", "--p 13"])
    assert.ok(command.includes(words), command);
  assert.throws(() => overridesOf(spec.space, { ...params, shape: "round" }), /none of the study's choices/);
});

test("the paper's space is its Table 1", () => {
  const space = parseSpace("paper");
  assert.equal(gridSize(space), 4 * 3 * 4 * 2 * 2 * 2);
  const { d_model, d_head, d_mlp, n_heads } = presetConfig("miiii", { d_model: 128, n_heads: 8 });
  assert.deepEqual([d_model, d_head, d_mlp, n_heads], [128, 16, 512, 8]);
  assert.equal(parseSpec({ study: "a", base: { preset: "miiii" }, space: "paper", sampler: "grid" }).budget.trials, 384);
});

test("what is wrong in a specification is one line that names it", () => {
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ space: { grokfast_lamda: [1] } }, /unknown setting in space "grokfast_lamda"; did you mean grokfast_lambda\?/],
    [{ space: { lr: { low: 0.1, hgih: 1 } } }, /unknown key in space\.lr "hgih"; did you mean high\?/],
    [{ space: { lr: { low: 0, high: 1 } } }, /space\.lr\.low: must be a positive number, got 0/],
    [{ space: { dropout: { low: 0, high: 1 } } }, /space\.dropout\.high: must be in \[0, 1\), got 1/],
    [{ space: { lr: { low: 0.1, high: 0.1 } } }, /low must be below high/],
    [{ space: { dropout: { low: 0, high: 0.5, log: true } } }, /low must be positive on a log scale/],
    [{ space: { lr: { low: 0.1, high: 0.5, log: true, step: 0.1 } } }, /takes log or step, got both/],
    [{ space: { init: { low: 0, high: 1 } } }, /has no range.*list its values/],
    [{ space: { init: ["he", "hee"] } }, /space\.init\[1\]: must be one of nanda, he, he-jax, got "hee"/],
    [{ space: { seed: [1] } }, /seed is the sweep's own/],
    [{ space: { a: { sets: { x: { lr: -1 } } } } }, /space\.a\.sets\.x\.lr: must be a positive number/],
    [{ space: { lr: [0.1], a: { sets: { x: { lr: 0.2 } } } } }, /lr must be set by one parameter, is by lr and a/],
    [{ space: {} }, /at least one parameter/],
    [{ space: { n_heads: [2, 3] } }, /d_model: must be a multiple of n_heads = 3/],
    [{ base: { preset: "miii" } }, /unknown base\.preset "miii"; did you mean miiii\?/],
    [{ sampler: "tpee" }, /unknown sampler "tpee"; did you mean tpe\?/],
    [{ sampler: "grid" }, /sampler grid: needs lists of values, space\.lr is a range/],
    [{ sampler: "cmaes", space: { lr: { low: 0.1, high: 1 } } }, /needs at least two ranges/],
    [{ seeds: [1, 1] }, /seeds: must be distinct/],
    [{ seeds: [] }, /seeds: must be a list/],
    [{ budget: { trials: 0 } }, /budget\.trials: must be an integer of at least 1/],
    [{ objective: { threshold: 1.5 } }, /objective\.threshold: must be a share/],
    [{ study: "a b" }, /study: must be a name/],
    [{ bugdet: {} }, /unknown key in the specification "bugdet"; did you mean budget\?/],
    [{ base: { preset: "miiii", set: { p: 5 } } }, /mean_above_7 needs a task with q > 7/],
  ];
  for (const [change, message] of cases) assert.throws(() => spoiled(change), message);
  assert.throws(() => readSpec("a: [1", "x.yaml"), /x\.yaml: must be YAML or JSON/);
  assert.throws(() => readSpec("a: 1\na: 2", "x.yaml"), /x\.yaml: must be YAML or JSON/);
});

test("the number of trials may change in mid-study, and nothing else", () => {
  assert.equal(spoiled({ budget: { trials: 99, epochs: 200 } }).hash, spec.hash);
  const other = spoiled({ space: { lr: { low: 0.001, high: 0.02, log: true } }, budget: { trials: 12, epochs: 200 } });
  assert.notEqual(other.hash, spec.hash);
  assert.equal(firstDifference(spec.document, other.document), "space.lr.high: was 0.01, is 0.02");
  assert.equal(firstDifference(spec.document, spoiled({ budget: { trials: 99, epochs: 200 } }).document), undefined);
});

const heads = headsOf({ task: "miiii", p: 13, labels: "remainder", shuffle_labels: false });
const final: Objective = { goal: "final", measure: "mean", threshold: 0.99 };

test("measures by hand: q = 2, 3, 5, 7, 11", () => {
  const accuracy = [1, 0.995, 0.98, 0.5, 0.4];
  const of = (measure: Objective["measure"]) => measureOf({ ...final, measure }, heads, accuracy);
  assert.ok(Math.abs(of("mean") - 0.775) < 1e-12);
  assert.equal(of("mean_above_7"), 0.4);
  assert.equal(of("worst"), 0.4);
  assert.equal(of("solved"), 0.4);
  const masked = headsOf({ task: "masked", p: 13, labels: "remainder", shuffle_labels: false });
  assert.equal(measureOf({ ...final, measure: "mean_trained" }, masked, accuracy), 0.4);
});

const tick = (epoch: number, value: number) => ({ epoch, accuracy: heads.map(() => value) });

test("the epoch from which a measure stays: a dip begins anew, a run that is below at the end never got there", () => {
  const values = [0.5, 0.99, 0.98, 0.99, 1].map((value, i) => ({ epoch: 10 * i, value }));
  assert.equal(staysFrom(values, 0.99), 30);
  assert.equal(staysFrom(values.slice(0, 3), 0.99), undefined);
  const objective: Objective = { ...final, goal: "epochs_to" };
  const reached = [tick(0, 0.5), tick(50, 0.99), tick(100, 1)];
  assert.equal(objectiveOf(objective, heads, reached, 100), 50);
  // Worse than any that got there, and the better the nearer.
  const near = objectiveOf(objective, heads, [tick(100, 0.98)], 100);
  const far = objectiveOf(objective, heads, [tick(100, 0.5)], 100);
  assert.ok(100 < near && near < far, `${near}, ${far}`);
  assert.ok(Math.abs(near - 101) < 1e-9);
  const result = seedResult(objective, heads, reached, 100, 7);
  assert.deepEqual(result, { seed: 7, value: 50, mean: 1, mean_above_7: 1, solved: 5, tasks: 5, grok_epoch: 50 });
});

test("a seed's result: solved at 0.99 and above, and 7 is not above 7", () => {
  const accuracy = [1, 0.99, 0.9899, 0.2, 0.5]; // q = 2, 3, 5, 7, 11
  const result = seedResult(final, heads, [{ epoch: 100, accuracy }], 100, 1);
  assert.deepEqual([result.solved, result.tasks, result.mean_above_7, result.grok_epoch], [2, 5, 0.5, null]);
});

test("reports: epochs counted on over the seeds, the mean over the seeds so far, each step once", () => {
  const short = { ...spec, objective: final, budget: { trials: 1, epochs: 200 } };
  for (const epochs of [7, 100, 150, 4000]) {
    const { metrics } = ticksOf(epochs);
    for (let epoch = reportEvery(epochs); epoch <= epochs; epoch += reportEvery(epochs)) assert.ok(metrics.has(epoch));
  }
  const reports = new Reports(short, null);
  assert.deepEqual(reports.add(heads, tick(0, 0.1)), []);
  assert.deepEqual(reports.add(heads, tick(2, 0.2)), []);
  assert.deepEqual(reports.add(heads, tick(4, 0.25)), [[4, 0.25]]);
  assert.deepEqual(reports.add(heads, tick(4, 0.25)), [], "a resumed run goes over a tick again");
  assert.deepEqual(reports.add(heads, tick(200, 0.5)), [[200, 0.5]]);
  reports.next(0.5);
  assert.deepEqual(reports.add(heads, tick(4, 0.25)), [[204, 0.375]]);
  assert.equal(trialValue([0.5, 0.25]), 0.375);
  const resumed = new Reports(short, 104);
  assert.deepEqual(resumed.add(heads, tick(104, 1)), []);
  assert.deepEqual(resumed.add(heads, tick(108, 1)), [[108, 1]]);
});
