import type { AnalysisInput } from "../analyses/kit/define.ts";
import type { Json } from "../core/index.ts";

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

/** A run as claims read it. */
export interface ClaimRun {
  readonly label: string;
  readonly run: AnalyzedRun;
  /** A metric of an analysis; undefined where the analysis has no result for this run. */
  metric(analysis: string, name: string): number | undefined;
  /** A whole result. */
  result(analysis: string): Json | undefined;
}

/** A run as claims read it. */
export function claimRun(run: AnalyzedRun): ClaimRun {
  return {
    label: run.label,
    run,
    metric: (analysis, name) => run.results[analysis]?.metrics[name],
    result: (analysis) => run.results[analysis]?.result,
  };
}
