import { mean } from "../math/index.ts";
import { type Absence, isAbsence, noResult } from "./absence.ts";
import type { Unit, Verdict } from "./judged.ts";
import type { AnalysisId, MetricName } from "./metrics.ts";
import type { Rule } from "./rule.ts";
import { type AnalyzedRun, metricOf } from "./run.ts";
import type { Spoken } from "./sentence.ts";
import type { Subject } from "./subject.ts";

/** What a value may look at beside its run. */
export interface Context {
  /** All runs judged together. */
  readonly runs: readonly AnalyzedRun[];
  /** Those that the claim compares with; none where it compares with none. */
  readonly others: readonly AnalyzedRun[];
}

/** A named number of a claim: what it is, and how it is read off a run. */
export interface Measure extends Spoken {
  /** Whether it is a null: what is expected without the structure. */
  readonly isNull: boolean;
  readonly read: (run: AnalyzedRun, context: Context) => number | Absence;
}

/** A metric of an analysis as a value of a claim. */
export function metric<A extends AnalysisId>(analysis: A, name: MetricName<A>, words: string, unit: Unit = "number"): Measure {
  const read = (run: AnalyzedRun): number | Absence => {
    const value = metricOf(run, analysis, name);
    if (value !== undefined) return value;
    const known = run.results[analysis] !== undefined;
    return known ? { kind: "no value", label: run.label, analysis, words } : noResult(run, analysis);
  };
  return { words, unit, isNull: false, read };
}

/** A value computed from results of a run and of those beside it. */
export function derived(words: string, unit: Unit, read: Measure["read"]): Measure {
  return { words, unit, isNull: false, read };
}

/** The same value as a null. */
export const asNull = (measure: Measure): Measure => ({ ...measure, isNull: true });

/** The mean of a value over the runs beside. */
export function overOthers(measure: Measure, words: string): Measure {
  const read: Measure["read"] = (_, context) => {
    const values: number[] = [];
    for (const other of context.others) {
      const value = measure.read(other, context);
      if (isAbsence(value)) return value;
      values.push(value);
    }
    return values.length === 0 ? Number.NaN : mean(values);
  };
  return { ...measure, words, read };
}

/** Words around values: `{name}` stands for the value of that name with its unit. */
export type Template = string;

/** A statement in print, and how it is tested on runs. */
export interface Claim<V extends string = string> {
  readonly id: string;
  /** Where it is printed. */
  readonly paper: string;
  /** The statement, a sentence. */
  readonly claim: string;
  /** The value in print. */
  readonly printed: string;
  /** The analysis whose figure shows it. */
  readonly analysis: AnalysisId;
  readonly subject: Subject;
  readonly values: { readonly [name in V]: Measure };
  /** What to say of a run that is not a number: lists of tasks and epochs. */
  readonly texts?: Readonly<Record<string, (run: AnalyzedRun, context: Context) => string>>;
  readonly rule: Rule<V>;
  /** Our values. */
  readonly ours: Template;
  /** The null. */
  readonly none: Template;
  /** The same values of runs on shuffled labels, shown beside the null. */
  readonly twin?: Template;
  /** What to add to a verdict, or to every one. */
  readonly notes?: { readonly [verdict in Verdict | "always"]?: Template };
}

/** Checks that a claim's rule speaks of its values alone. */
export function defineClaim<V extends string>(claim: Omit<Claim<V>, "rule"> & { readonly rule: Rule<NoInfer<V>> }): Claim {
  return claim as unknown as Claim;
}
