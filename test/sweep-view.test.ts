import assert from "node:assert/strict";
import { test } from "node:test";
import { renderSvg } from "../src/figures/render.ts";
import { parameterAxis, sweepFigure } from "../src/sweep/figures.ts";
import { parseSpec } from "../src/sweep/spec.ts";
import type { StoredStudy, StoredTrial } from "../src/sweep/study.ts";
import { rankedTrials, sweepView } from "../src/sweep/view.ts";

const spec = parseSpec({
  study: "stored",
  base: { preset: "miiii", set: { p: 13 } },
  space: { lr: { low: 0.0001, high: 0.01, log: true }, grokfast_lambda: { low: 0, high: 4 }, init: ["he", "nanda"] },
  seeds: [0, 1],
  objective: { goal: "epochs_to", measure: "mean", threshold: 0.99 },
  budget: { trials: 5, epochs: 1000 },
});

const seed = (number: number, value: number, grok: number | null) => ({
  seed: number,
  value,
  mean: grok === null ? 0.8 : 1,
  mean_above_7: grok === null ? 0.5 : 1,
  solved: grok === null ? 3 : 5,
  tasks: 5,
  grok_epoch: grok,
});

const trial = (number: number, state: StoredTrial["state"], values: readonly [number, number] | null, more: object = {}) => ({
  number,
  state,
  value: values === null ? null : (values[0] + values[1]) / 2,
  params: { lr: 0.0001 * 10 ** (number / 2), grokfast_lambda: number, init: number % 2 === 0 ? "he" : "nanda" },
  attrs: values === null ? {} : { seeds: values.map((value, i) => seed(i, value, value < 1000 ? value : null)), seconds: 60 },
  started: "2024-01-01T00:00:00",
  ended: null,
  step: null,
  ...more,
});

const stored: StoredStudy = {
  direction: "minimize",
  trials: [
    trial(0, "complete", [800, 1190]),
    trial(1, "complete", [300, 500]),
    trial(2, "fail", null, { attrs: { reason: "loss and gradients must be finite" } }),
    trial(3, "pruned", null, { value: 100 }),
    trial(4, "complete", [400, 400]),
    trial(5, "waiting", null, { params: {} }),
  ],
  importances: { lr: 0.7, init: 0.2, grokfast_lambda: 0.1 },
};
const view = sweepView(spec, stored, { version: "0", storage: "sqlite:///x" });

test("trials in order of the objective: equal ones by number, and neither failed, pruned nor beyond the budget", () => {
  assert.deepEqual(
    rankedTrials(view).map(({ number, value }) => [number, value]),
    [
      [1, 400],
      [4, 400],
      [0, 995],
    ],
  );
  assert.deepEqual(
    rankedTrials({ ...view, direction: "maximize" }).map(({ number }) => number),
    [0, 1, 4],
  );
  assert.equal(view.trials.length, 5, "a row beyond the budget is none of the sweep's");
  const [first, second] = view.trials;
  assert.equal(second?.sd, Math.sqrt(2) * 100);
  assert.equal(first?.folder.replaceAll("\\", "/"), "trials/000000");
  assert.match(
    first?.command ?? "",
    /^miiii train --preset miiii --p 13 --lr 0\.0001 --grokfast-lambda 0 --init he --epochs 1000 --seed 0$/,
  );
  assert.equal(view.trials[2]?.reason, "loss and gradients must be finite");
});

test("a parameter's axis: numbers by size, over decades by their logarithm, words in order", () => {
  const log = parameterAxis("lr", [0.001, 0.1, 0.01]);
  assert.equal(log.kind, "log");
  assert.ok(Math.abs(log.place(0.01) - 0.5) < 1e-12);
  const linear = parameterAxis("d", [1, 3, 2]);
  assert.deepEqual([linear.kind, linear.place(1), linear.place(2), linear.place(3)], ["linear", 0, 0.5, 1]);
  const names = parameterAxis("init", ["nanda", "he"]);
  assert.deepEqual([names.kind, names.place("he"), names.place("nanda")], ["names", 0, 1]);
  assert.equal(parameterAxis("one", [5]).place(5), 0.5);
});

test("the figure draws: history, importance, every parameter, and the epochs of those seeds that got there", async () => {
  const spec = JSON.stringify(sweepFigure(view));
  for (const words of ["History", "best so far", "Importance", "Parallel coordinates", "5 of 6 runs got there"])
    assert.ok(spec.includes(words), words);
  const svg = await renderSvg(sweepFigure(view));
  for (const words of ["lr", "grokfast_lambda", "init", "nanda"]) assert.ok(svg.includes(words), words);
  const none = sweepView(
    parseSpec(viewSpec),
    { ...stored, importances: {}, trials: [trial(0, "complete", [1100, 1200])] },
    { version: "0", storage: "x" },
  );
  assert.match(JSON.stringify(sweepFigure(none)), /Objective of each seed.*no run's mean validation accuracy stays at 0\.99/);
  assert.ok((await renderSvg(sweepFigure(none))).startsWith("<svg"));
});

const viewSpec = spec.document;
