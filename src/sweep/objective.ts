import { grokEpoch } from "../analyses/kit/epochs.ts";
import { ensure } from "../core/index.ts";
import { mean } from "../math/index.ts";
import type { Head } from "../tasks/index.ts";

/**
 * What is read off the validation accuracies of a tick: their mean over all tasks, over the trained ones or over those with q >
 * 7, the lowest of them, or the share of tasks that are solved (at the threshold or above).
 */
export const MEASURES = ["mean", "mean_trained", "mean_above_7", "worst", "solved"] as const;
export type Measure = (typeof MEASURES)[number];

/**
 * `final`: the measure at the last epoch, to be large. `epochs_to`: the epoch from which it stays at the threshold, to be small.
 */
export const GOALS = ["final", "epochs_to"] as const;
export type Goal = (typeof GOALS)[number];

/** What a sweep optimizes. */
export interface Objective {
  readonly goal: Goal;
  readonly measure: Measure;
  readonly threshold: number;
}

/** A tick, as far as a sweep reads it. */
export interface Tick {
  readonly epoch: number;
  /** Validation accuracy by task, in order of q. */
  readonly accuracy: readonly number[];
}

/** Optuna's direction for an objective. */
export function directionOf(objective: Objective): "minimize" | "maximize" {
  return objective.goal === "final" ? "maximize" : "minimize";
}

/** Throws where a measure is over no task of a run. */
export function ensureMeasurable({ measure }: Objective, heads: readonly Head[]): void {
  ensure(
    measure !== "mean_above_7" || heads.some(({ q }) => q > 7),
    "usage",
    () => "objective.measure: mean_above_7 needs a task with q > 7, there is none",
  );
}

/** A measure of one tick. */
export function measureOf(objective: Objective, heads: readonly Head[], accuracy: readonly number[]): number {
  const over = (of: (head: Head) => boolean) => accuracy.filter((_, i) => heads[i] !== undefined && of(heads[i]));
  const { measure, threshold } = objective;
  switch (measure) {
    case "mean":
      return mean(accuracy);
    case "mean_trained":
      return mean(over(({ active }) => active));
    case "mean_above_7":
      return mean(over(({ q }) => q > 7));
    case "worst":
      return Math.min(...accuracy);
    case "solved":
      return accuracy.filter((value) => value >= threshold).length / accuracy.length;
    default:
      return measure satisfies never;
  }
}

/**
 * The first tick from which a measure is at the threshold or above at every tick to the last; undefined where it is not at the
 * last.
 */
export function staysFrom(values: readonly { readonly epoch: number; readonly value: number }[], threshold: number) {
  const from = grokEpoch(
    values.map(({ epoch }) => epoch),
    values.map(({ value }) => value),
    threshold,
  );
  return from ?? undefined;
}

/**
 * The objective of one run from its ticks so far, epochs ascending; `epochs` is the run's full length.
 *
 * `epochs_to` of a run that is below the threshold t at its last tick is epochs·(1 + t − measure): worse than that of any run
 * that got there, and smaller the nearer it is, so that a sampler has something to follow.
 */
export function objectiveOf(objective: Objective, heads: readonly Head[], ticks: readonly Tick[], epochs: number): number {
  const values = ticks.map(({ epoch, accuracy }) => ({ epoch, value: measureOf(objective, heads, accuracy) }));
  const last = values.at(-1);
  ensure(last !== undefined, "input", () => "objective: a run must have a tick");
  const { goal, threshold } = objective;
  switch (goal) {
    case "final":
      return last.value;
    case "epochs_to":
      return staysFrom(values, threshold) ?? epochs * (1 + threshold - last.value);
    default:
      return goal satisfies never;
  }
}

/** What is kept of one seed's run beside its objective. */
export interface SeedResult {
  readonly seed: number;
  /** The objective. */
  readonly value: number;
  /** Mean validation accuracy over all tasks and over q > 7 (null where there is none), at the end. */
  readonly mean: number;
  readonly mean_above_7: number | null;
  /** Tasks at 0.99 or above at the end, of so many. */
  readonly solved: number;
  readonly tasks: number;
  /** The epoch from which the mean over all tasks stays at 0.99; null where it does not at the end. */
  readonly grok_epoch: number | null;
}

/** The accuracy at which a task counts as solved in tables. */
const SOLVED = 0.99;

/** Summarizes a finished run. */
export function seedResult(objective: Objective, heads: readonly Head[], ticks: readonly Tick[], epochs: number, seed: number) {
  const last = ticks.at(-1)?.accuracy ?? [];
  const above = last.filter((_, i) => (heads[i]?.q ?? 0) > 7);
  const means = ticks.map(({ epoch, accuracy }) => ({ epoch, value: mean(accuracy) }));
  const result: SeedResult = {
    seed,
    value: objectiveOf(objective, heads, ticks, epochs),
    mean: mean(last),
    mean_above_7: above.length === 0 ? null : mean(above),
    solved: last.filter((value) => value >= SOLVED).length,
    tasks: last.length,
    grok_epoch: staysFrom(means, SOLVED) ?? null,
  };
  return result;
}

/**
 * What a trial of several seeds is worth: the mean over the seeds' objectives. While the seeds are trained one after the other,
 * it is the mean over those that are finished and the one in training, at its last tick.
 */
export function trialValue(finished: readonly number[], current?: number): number {
  return mean(current === undefined ? finished : [...finished, current]);
}
