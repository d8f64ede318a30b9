import { type Spread, spread } from "../analyses/kit/spread.ts";
import type { ImportRecord, StoredConfig } from "../checkpoint/index.ts";
import type { Json } from "../core/index.ts";
import type { Model } from "./models.ts";
import { VERSION } from "./version.ts";

/** What an analysis, or an inspection, found in one model. */
export interface Outcome {
  readonly model: Model;
  readonly metrics: Readonly<Record<string, number>>;
  readonly result: Json;
}

/** Runs that differ in their seed alone. */
export type Group = {
  label: string;
  /** The runs' labels. */
  members: string[];
  metrics: Record<string, Spread>;
};

/** What every analysis prints with `--json`. */
export type Envelope = {
  /** Version of this package. */
  miiii: string;
  /** Which analysis; `all` where each run's result holds one for each analysis. */
  analysis: string;
  runs: {
    label: string;
    /** The checkpoint that was read. */
    path: string;
    /** Of the checkpoint's bytes. */
    sha256: string;
    /** What is known of the run; imported models know only their task and sizes. */
    config: StoredConfig;
    /** How the file was read, for a model from elsewhere. */
    reading?: ImportRecord;
    /** Named numbers for tables. */
    metrics: Record<string, number>;
    result: Json;
  }[];
  /** Present where runs were grouped. */
  groups?: Group[];
};

/** The groups among the outcomes, each with the mean and spread of every metric over those members that have it. */
export function groupsOf(outcomes: readonly Outcome[]): Group[] {
  const labels = [...new Set(outcomes.flatMap(({ model }) => (model.group === undefined ? [] : [model.group])))];
  return labels.map((label) => {
    const members = outcomes.filter(({ model }) => model.group === label);
    const names = [...new Set(members.flatMap(({ metrics }) => Object.keys(metrics)))];
    const metrics = names.map((name) => [name, spread(members.flatMap(({ metrics }) => metrics[name] ?? []))] as const);
    return { label, members: members.map(({ model }) => model.label), metrics: Object.fromEntries(metrics) };
  });
}

/** The one object that `--json` prints; `groups` is there where runs were grouped. */
export function envelope(analysis: string, outcomes: readonly Outcome[]): Envelope {
  const groups = groupsOf(outcomes);
  return {
    miiii: VERSION,
    analysis,
    runs: outcomes.map(({ model: { label, checkpoint }, metrics, result }) => ({
      label,
      path: checkpoint.path,
      sha256: checkpoint.sha256,
      config: { ...checkpoint.config },
      ...(checkpoint.reading === undefined ? {} : { reading: checkpoint.reading }),
      metrics: { ...metrics },
      result,
    })),
    ...(groups.length === 0 ? {} : { groups }),
  };
}
