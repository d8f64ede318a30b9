import { isObject } from "../checkpoint/formats/strict-json.ts";
import type { Json } from "../core/index.ts";
import { variance } from "../math/index.ts";
import type { SeedResult } from "./objective.ts";
import { type SweepSpec, trialCommand } from "./spec.ts";
import type { Params, StoredStudy, StoredTrial } from "./study.ts";
import { trialFolder } from "./trial.ts";

/** A trial as `miiii sweep show` gives it. */
export type TrialView = {
  number: number;
  state: StoredTrial["state"];
  /** The objective, mean over the seeds; of a pruned trial the last report. */
  value: number | null;
  /** Sample standard deviation of the objective over the seeds; null for fewer than two. */
  sd: number | null;
  params: Params;
  seeds: SeedResult[];
  /** Seconds of training, all seeds together; null where it is not complete. */
  seconds: number | null;
  /** Why it failed. */
  reason: string | null;
  /** Where its runs are, within the sweep's folder. */
  folder: string;
  /** The command that trains its first seed alone. */
  command: string;
};

/** What `miiii sweep show --json` prints. */
export type SweepView = {
  miiii: string;
  study: string;
  storage: string;
  objective: SweepSpec["objective"];
  direction: "minimize" | "maximize";
  seeds: number[];
  /** Trials within the budget, by number. */
  trials: TrialView[];
  importances: Record<string, number>;
  importances_missing?: string;
};

const isResult = (value: Json): boolean =>
  isObject(value) && ["seed", "value", "mean", "solved", "tasks"].every((name) => typeof value[name] === "number");

function seedsOf(attrs: StoredTrial["attrs"]): SeedResult[] {
  const { seeds } = attrs;
  return Array.isArray(seeds) ? (seeds.filter(isResult) as unknown as SeedResult[]) : [];
}

function spreadOf(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  return Math.sqrt((variance(values) * values.length) / (values.length - 1));
}

function trialView(spec: SweepSpec, { number, state, value, params, attrs }: StoredTrial): TrialView {
  const seeds = seedsOf(attrs);
  const complete = spec.space.every(({ name }) => params[name] !== undefined);
  return {
    number,
    state,
    value,
    sd: spreadOf(seeds.map((result) => result.value)),
    params,
    seeds,
    seconds: typeof attrs.seconds === "number" ? attrs.seconds : null,
    reason: typeof attrs.reason === "string" ? attrs.reason : null,
    folder: trialFolder(number),
    command: complete ? trialCommand(spec, params, spec.seeds[0] ?? 0) : "",
  };
}

/** A stored study in the words of its specification. */
export function sweepView(
  spec: SweepSpec,
  stored: StoredStudy,
  of: { readonly version: string; readonly storage: string },
): SweepView {
  return {
    miiii: of.version,
    study: spec.study,
    storage: of.storage,
    objective: spec.objective,
    direction: stored.direction,
    seeds: [...spec.seeds],
    trials: stored.trials.filter(({ number }) => number < spec.budget.trials).map((trial) => trialView(spec, trial)),
    importances: { ...stored.importances },
    ...(stored.importances_missing === undefined ? {} : { importances_missing: stored.importances_missing }),
  };
}

/** Complete trials, the best first; of equal ones the earlier. */
export function rankedTrials({ trials, direction }: Pick<SweepView, "trials" | "direction">): (TrialView & { value: number })[] {
  const sign = direction === "maximize" ? -1 : 1;
  return trials
    .filter((trial): trial is TrialView & { value: number } => trial.state === "complete" && trial.value !== null)
    .sort((a, b) => sign * (a.value - b.value) || a.number - b.number);
}

/** What an objective is, in words. */
export function objectiveText({ goal, measure, threshold }: SweepSpec["objective"]): string {
  const what = {
    mean: "mean validation accuracy of all tasks",
    mean_trained: "mean validation accuracy of the trained tasks",
    mean_above_7: "mean validation accuracy of tasks q > 7",
    worst: "lowest validation accuracy of any task",
    solved: `share of tasks at ${threshold} or above`,
  }[measure];
  return goal === "final" ? `${what} at the end` : `epoch from which the ${what} stays at ${threshold} or above`;
}
