import assert from "node:assert/strict";
import { test } from "node:test";
import { answerSentences, circuitScore, questionOf } from "../src/report/answer.ts";
import { castOf } from "../src/report/cast.ts";
import { plainPercent } from "../src/report/html.ts";
import type { ReportRun } from "../src/report/index.ts";
import { presetConfig } from "../src/train/presets.ts";
import { madeRun } from "./helpers/report.ts";

const COUNTS = [
  { verdict: "reproduced", count: 3 },
  { verdict: "partly", count: 1 },
  { verdict: "not reproduced", count: 0 },
  { verdict: "not tested", count: 2 },
];

interface Measured {
  readonly accuracy: number;
  readonly R2: number;
  readonly circuit: number;
}

/** A run with what the first screen reads of its results. */
function run(label: string, preset: "miiii" | "basis" | "nanda", { accuracy, R2, circuit }: Measured): ReportRun {
  const ladder = { circuit: { accuracy: [circuit] }, circuit_permuted: { accuracy: [0.08] }, model: { accuracy: [accuracy] } };
  const results: Record<string, { result: never; metrics: object }> = {};
  const add = (id: string, result: object) => {
    results[id] = { result: result as never, metrics: {} };
  };
  add("curves", {
    final: { validation_accuracy: [accuracy, 1] },
    chance_accuracy: [0.1, 0.1],
    epochs: [0, 5000],
    grok_epoch: [null, 400],
  });
  add("neurons", { median: { R2, phase_error: R2 > 0.5 ? 0.05 : 1.5 }, null: { R2: 0.12, phase_error: 1.57 } });
  add("algorithm", { ladder });
  return madeRun(label, { config: presetConfig(preset), results: results as never });
}

const SOURCES = [
  { source: "of Nanda et al. 2023", count: 3 },
  { source: "beyond the papers", count: 1 },
];

const said = (...runs: ReportRun[]) =>
  answerSentences(castOf(runs, false) ?? assert.fail("no cast"), { counts: COUNTS, sources: SOURCES });

test("the answer is three sentences: what was learned beside the twin, how, and what of the claims holds", () => {
  const [first, second, third, ...rest] = said(
    run("mine", "miiii", { accuracy: 0.972, R2: 0.93, circuit: 0.995 }),
    run("twin", "basis", { accuracy: 0.1, R2: 0.07, circuit: 0.06 }),
  );
  assert.equal(
    first,
    "Given a number n below 12,769 by its two digits in base 113, <b>mine</b> has learned n mod q for every prime q < 113: it is right on 99 % of new inputs (not trained on; 2 tasks, 1 of them at 99 % or above); its twin, trained on shuffled labels, on 55 %, guessing on 10 %.",
  );
  assert.match(
    second ?? "",
    /^It computes with clocks: each neuron follows one wave .* \(it explains 93 % of the typical neuron, by chance below 12 %, in the twin 7 %\); formulas of these waves, in the network's place, are right on 99\.5 % of all inputs \(with outputs swapped among neurons on 8 %\)\.$/,
  );
  assert.match(
    third ?? "",
    /^Of 4 claims tested \(3 of Nanda et al\. 2023, 1 beyond the papers\), 3 are reproduced, 1 partly, 0 not; 2 more are not tested \(they need other runs\)\.$/,
  );
  assert.deepEqual(rest, []);
});

test("of a run that has not learned, it says what the run was to learn, and that no clocks are found", () => {
  const [first, second] = said(run("mine", "miiii", { accuracy: 0.1, R2: 0.07, circuit: 0.06 }));
  assert.match(first ?? "", /<b>mine<\/b> was to learn n mod q .* right on 55 % of new inputs .*; guessing on 10 %\.$/);
  assert.match(second ?? "", /^It does not compute with clocks/);
});

/** A model without a training series, with what it answers. */
function lone(accuracy: number, validation: number | undefined, weights?: string): ReportRun {
  const model = {
    accuracy: [accuracy, accuracy],
    ...(validation === undefined ? {} : { validation: { accuracy: [validation] } }),
  };
  const ladder = { circuit: { accuracy: [0.5] }, circuit_permuted: { accuracy: [0.08] }, model };
  const results = { algorithm: { result: { ladder, tasks: [2, 5] } as never, metrics: {} } };
  const provenance = weights === undefined ? {} : { weights };
  return madeRun("theirs", { config: presetConfig("miiii"), results: results as never, provenance });
}

test("network and formulas are compared on the same inputs: new ones where it is known which those are", () => {
  const rung = (accuracy: number, validation?: number) => ({
    accuracy: [accuracy],
    ...(validation === undefined ? {} : { validation: { accuracy: [validation] } }),
  });
  const of = (circuit: object, model: object) =>
    circuitScore({ ladder: { circuit, model, circuit_permuted: { accuracy: [0.08] } } } as never);
  assert.deepEqual(of(rung(0.9, 0.8), rung(1, 0.95)), { circuit: 0.8, model: 0.95, permuted: 0.08, inputs: "new inputs" });
  assert.deepEqual(of(rung(0.9), rung(1, 0.95)), { circuit: 0.9, model: 1, permuted: 0.08, inputs: "all inputs" });
});

test("of a model without a training series it says how much it gets right, and of one written by hand that it is", () => {
  const first = (run: ReportRun) => said(run)[0] ?? "";
  assert.match(
    first(lone(0.96, undefined)),
    /<b>theirs<\/b> has learned n mod q .*: it is right on 96 % of all inputs \(which of them it was trained on is not known\); guessing on 35 %\.$/,
  );
  assert.match(first(lone(0.2, undefined)), /was to learn .* right on 20 % of all inputs/);
  assert.match(first(lone(0.96, 0.91)), /right on 91 % of inputs that it was not trained on; guessing on 35 %\.$/);
  const written = lone(1, undefined, "written by hand");
  assert.match(
    first(written),
    /computes n mod q .* with weights that were written by hand, not trained: it is right on 100 % of all inputs/,
  );
  assert.match(questionOf(castOf([written], true), true), /^What does theirs compute/);
});

test("of a run on shuffled labels it says so, and what it was trained in the place of", () => {
  const [first] = said(run("twin", "basis", { accuracy: 0.1, R2: 0.07, circuit: 0.06 }));
  assert.match(
    first ?? "",
    /^<b>twin<\/b> was trained on shuffled labels in the place of n mod q .* learned by heart: it is right on 55 % /,
  );
});

test("the run beside is named with what it is right on, and no claim is tested on it", () => {
  const [mine, shipped] = [0.972, 1].map((accuracy, i) =>
    run(i === 0 ? "mine" : "shipped", "nanda", { accuracy, R2: 0.93, circuit: 1 }),
  );
  if (mine === undefined || shipped === undefined) assert.fail();
  const cast = castOf([mine, shipped], true, shipped) ?? assert.fail("no cast");
  const [first] = answerSentences(cast, { counts: COUNTS, sources: SOURCES });
  assert.match(first ?? "", /; the nearest shipped run, <b>shipped<\/b> \(p = 113\), on 100 %, guessing on 10 %\.$/);
});

test("percents are whole, but never round to nothing or to all", () => {
  assert.deepEqual([0, 0.004, 0.0644, 0.5, 0.987, 0.9949, 0.99979, 0.999999, 1].map(plainPercent), [
    "0 %",
    "0.4 %",
    "6 %",
    "50 %",
    "99 %",
    "99.5 %",
    "99.97 %",
    "99.99 %",
    "100 %",
  ]);
});
