import assert from "node:assert/strict";
import type { AnalyzedRun, Verdict } from "../../src/claims/index.ts";
import { judgeClaim } from "../../src/claims/judge.ts";
import { CLAIMS } from "../../src/claims/registry.ts";
import type { RunConfig } from "../../src/model/index.ts";
import { type Preset, presetConfig } from "../../src/train/presets.ts";

export type Metrics = Readonly<Record<string, number>>;

/** A run of a preset with metrics by analysis, and whole results where a claim reads them. */
export function runOf(
  preset: Preset,
  metrics: Readonly<Record<string, Metrics>>,
  results: Readonly<Record<string, object>> = {},
  change: Partial<RunConfig> = {},
): AnalyzedRun {
  const ids = [...new Set([...Object.keys(metrics), ...Object.keys(results)])];
  return {
    label: preset,
    config: presetConfig(preset, change),
    results: Object.fromEntries(ids.map((id) => [id, { metrics: metrics[id] ?? {}, result: (results[id] ?? {}) as never }])),
    missing: {},
  };
}

export function judge(id: string, runs: readonly AnalyzedRun[]) {
  const claim = CLAIMS.find((one) => one.id === id) ?? assert.fail(`no claim ${id}`);
  return judgeClaim(claim, runs);
}

export const PRIMES = [
  2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
];

/**
 * A run whose heads groked at the given epochs (null: never), having memorised at 10; its last epoch as given. As in `curves`,
 * heads that are not in the loss are no part of it.
 */
export function trained(
  preset: Preset,
  grok: (q: number) => number | null,
  epochs: number,
  change: Partial<RunConfig> = {},
  trainAccuracy = 1,
): AnalyzedRun {
  const q = PRIMES.filter((prime) => preset !== "masked" || prime > 7);
  const groks = q.map(grok);
  const final = {
    train_accuracy: q.map(() => trainAccuracy),
    validation_accuracy: groks.map((epoch) => (epoch === null ? 0.1 : 1)),
  };
  const ticks = [...new Set([0, ...groks.flatMap((epoch) => epoch ?? []), epochs])].sort((a, b) => a - b);
  const validation = {
    accuracy: groks.map((epoch, h) =>
      ticks.map((tick) => (epoch !== null && tick >= epoch ? 1 : tick === epochs ? (final.validation_accuracy[h] ?? 0) : 0.01)),
    ),
  };
  const result = {
    q,
    grok_epoch: groks,
    first_epoch: groks,
    stays90_epoch: groks,
    memorised_epoch: q.map(() => 10),
    final,
    epochs: ticks,
    validation,
  };
  const validation_accuracy = final.validation_accuracy.reduce((a, b) => a + b, 0) / q.length;
  const heads_grokked = groks.filter((epoch) => epoch !== null).length;
  return runOf(preset, { curves: { validation_accuracy, epochs, heads: q.length, heads_grokked } }, { curves: result }, change);
}

/** Epochs of the tasks as the paper has them: the simple ones first and in order, the rest together. */
export const inPaper = (q: number) => (q <= 7 ? 100 * q : 40_000 + 10 * ((q * 37) % 100));

/** A run as the paper has it. */
export const miiii = trained("miiii", inPaper, 65_536);

/** A run whose tasks are the primes up to `most`. */
export function few(preset: Preset, most: number, p: number): AnalyzedRun {
  const run = trained(preset, inPaper, 65_536, { p });
  const curves = run.results.curves;
  const q = PRIMES.filter((prime) => prime <= most);
  return { ...run, results: { curves: { ...curves, result: { ...(curves?.result as object), q } as never } } } as AnalyzedRun;
}

/** Claims decided by metrics of one run: [claim, preset, analysis, metrics, verdict]. */
export type ByMetrics = readonly (readonly [string, Preset, string, Metrics, Verdict])[];

/** Verdicts follow from the numbers by the stated rules. */
export function assertVerdicts(rows: ByMetrics): void {
  for (const [id, preset, analysis, metrics, expected] of rows) {
    // What shuffled runs are asked for beside: that they have learned their labels.
    const learned = preset === "basis" ? { curves: { train_accuracy: 0.97 } } : {};
    const { verdict, ours, none } = judge(id, [runOf(preset, { [analysis]: metrics, ...learned })]);
    assert.equal(verdict, expected, `${id} of ${JSON.stringify(metrics)}: ${ours}`);
    assert.ok(expected === "not tested" || (ours.length > 0 && none.length > 0), id);
  }
}
