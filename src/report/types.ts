import type { Analysis } from "../analyses/kit/define.ts";
import type { AnalyzedRun } from "../claims/index.ts";
import type { Json } from "../core/index.ts";
import type { Parameters } from "../model/index.ts";
import type { Draw } from "./drawing.ts";

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
  /** How the weights came about, where not by training. */
  readonly weights?: string;
  /** Of the training series: ticks, first and last epoch. */
  readonly series?: Json;
  readonly [key: string]: Json | undefined;
}

/** Why a result is missing from a page that is written before it is there. */
export const PENDING = "is being computed";

/** One labelled run of a report. */
export interface ReportRun extends AnalyzedRun {
  /** Runs that differ only in seed share a group. */
  readonly group?: string;
  readonly path: string;
  /** Of the checkpoint. */
  readonly sha256: string;
  readonly provenance: Provenance;
  /** The checkpoint's weights, where the page may run the model. */
  readonly parameters?: Parameters;
}

/** The JavaScript that makes figures live, inlined into the page; see `loadBundles`. */
export interface Bundles {
  readonly vega: string;
  readonly vegaLite: string;
  readonly vegaEmbed: string;
  /** The page's own script. */
  readonly page: string;
}

/** What a page is made from. The page is a function of this alone. */
export interface ReportInput {
  readonly title?: string;
  readonly runs: readonly ReportRun[];
  /** Labels of the runs that figures show at first; all where left out. */
  readonly selected?: readonly string[];
  /** Labels of runs that stand beside the others to compare with: no claim is tested on them. */
  readonly beside?: readonly string[];
  /** Whether the reader chose the runs: then the page is about the first of them. */
  readonly chosen?: boolean;
  /** In the order of their sections. */
  readonly analyses: readonly Analysis[];
  readonly bundles: Bundles;
  /** What made the page. */
  readonly generator: { readonly version: string; readonly command: string; readonly commit?: string };
  /** When the page was made; stands outside the compared body. */
  readonly stamp?: string;
  /** Which report it is, hexadecimal: a later one is known to be of the same runs. */
  readonly identity?: string;
  /** Results that are there and all that there will be, of a page that is written before the rest of them. */
  readonly unfinished?: { readonly results: number; readonly of: number };
  /** What draws the figures: Vega, where left out. */
  readonly draw?: Draw;
}
