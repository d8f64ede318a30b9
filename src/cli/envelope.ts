import type { Json } from "../core/index.ts";
import type { Model } from "./models.ts";
import { VERSION } from "./version.ts";

/** What an analysis, or an inspection, found in one model. */
export interface Outcome {
  readonly model: Model;
  readonly metrics: Readonly<Record<string, number>>;
  readonly result: Json;
}

/** Mean, standard deviation (n − 1), least and greatest of a metric over a group of seeds. */
function spread(values: readonly number[]): Json {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return { mean, sd: Math.sqrt(variance), min: Math.min(...values), max: Math.max(...values), n: values.length };
}

/** The groups among the outcomes: members by label, and each metric's mean and spread over those members that have it. */
export function groupsOf(outcomes: readonly Outcome[]): { label: string; members: string[]; metrics: Record<string, Json> }[] {
  const labels = [...new Set(outcomes.flatMap(({ model }) => (model.group === undefined ? [] : [model.group])))];
  return labels.map((label) => {
    const members = outcomes.filter(({ model }) => model.group === label);
    const names = [...new Set(members.flatMap(({ metrics }) => Object.keys(metrics)))];
    const metrics = names.map((name) => [name, spread(members.flatMap(({ metrics }) => metrics[name] ?? []))] as const);
    return { label, members: members.map(({ model }) => model.label), metrics: Object.fromEntries(metrics) };
  });
}

/** The one object that `--json` prints; `groups` is there where runs were grouped. */
export function envelope(analysis: string, outcomes: readonly Outcome[]): Json {
  const groups = groupsOf(outcomes);
  return {
    miiii: VERSION,
    analysis,
    runs: outcomes.map(({ model: { label, checkpoint }, metrics, result }) => ({
      label,
      path: checkpoint.path,
      sha256: checkpoint.sha256,
      config: { ...checkpoint.config },
      metrics: { ...metrics },
      result,
    })),
    ...(groups.length === 0 ? {} : { groups }),
  };
}
