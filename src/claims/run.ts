import type { AnalysisInput } from "../analyses/kit/define.ts";
import type { Json } from "../core/index.ts";
import type { AnalysisId, MetricName, Result } from "./metrics.ts";

/** What one analysis found in one run. */
export interface AnalysisOutcome {
  readonly result: Json;
  readonly metrics: Readonly<Record<string, number>>;
}

/** A run with what was found in it. */
export interface AnalyzedRun {
  /** Unique among the runs judged together. */
  readonly label: string;
  readonly config: AnalysisInput["config"];
  /** By analysis id. */
  readonly results: Readonly<Record<string, AnalysisOutcome>>;
  /** Why an analysis has no result for this run, by analysis id. */
  readonly missing: Readonly<Record<string, string>>;
}

/** A metric of an analysis; undefined where the analysis has no result for this run, or the result no such number. */
export function metricOf<A extends AnalysisId>(run: AnalyzedRun, analysis: A, name: MetricName<A>): number | undefined {
  return run.results[analysis]?.metrics[name];
}

/** A whole result; undefined where the analysis has none for this run. The analysis of that id is trusted to have made it. */
export function resultOf<A extends AnalysisId>(run: AnalyzedRun, analysis: A): Result<A> | undefined {
  return run.results[analysis]?.result as Result<A> | undefined;
}
