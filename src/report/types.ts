import type { Analysis, AnalysisInput } from "../analyses/kit/define.ts";
import type { Json } from "../core/index.ts";

/** What one analysis found in one run. */
export interface AnalysisOutcome {
  readonly result: Json;
  readonly metrics: Readonly<Record<string, number>>;
}

/**
 * Where a run comes from, as far as it is known. Every field given is shown; what is left out is shown as "not recorded". Other
 * fields are shown under their own names.
 */
export interface Provenance {
  /** The command that trained it, or that would. */
  readonly command?: string;
  /** Completed epochs of the checkpoint analyzed. */
  readonly epochs?: number;
  readonly wall_time_s?: number;
  readonly runtime?: string;
  readonly device?: string;
  /** Package and runtime versions, with the commit where known. */
  readonly versions?: Readonly<Record<string, string>>;
  readonly split_hash?: string;
  /** Of the training series: ticks, first and last epoch. */
  readonly series?: Json;
  readonly [key: string]: Json | undefined;
}

/** One labelled run of a report. */
export interface ReportRun {
  /** Unique in the report. */
  readonly label: string;
  /** Runs that differ only in seed share a group. */
  readonly group?: string;
  readonly path: string;
  /** Of the checkpoint. */
  readonly sha256: string;
  readonly config: AnalysisInput["config"];
  readonly provenance: Provenance;
  /** By analysis id. */
  readonly results: Readonly<Record<string, AnalysisOutcome>>;
  /** Why an analysis has no result for this run, by analysis id. */
  readonly missing: Readonly<Record<string, string>>;
}

/** The JavaScript that makes figures live, inlined into the page; see `loadBundles`. */
export interface Bundles {
  readonly vega: string;
  readonly vegaLite: string;
  readonly vegaEmbed: string;
}

/** What a page is made from. The page is a function of this alone. */
export interface ReportInput {
  readonly title?: string;
  readonly runs: readonly ReportRun[];
  /** In the order of their sections. */
  readonly analyses: readonly Analysis[];
  readonly bundles: Bundles;
  /** What made the page. */
  readonly generator: { readonly version: string; readonly command: string; readonly commit?: string };
  /** When the page was made; stands outside the compared body. */
  readonly stamp?: string;
}

/** What became of a claim. */
export type Verdict = "reproduced" | "partly" | "not reproduced" | "not tested";
