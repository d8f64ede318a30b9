import type { Absence } from "./absence.ts";

/** What became of a claim. */
export type Verdict = "reproduced" | "partly" | "not reproduced" | "not tested";

/** Every verdict, best first. */
export const VERDICTS = ["reproduced", "partly", "not reproduced", "not tested"] as const satisfies readonly Verdict[];

/** How a value is counted: `share` in [0, 1], `epochs`, `r` a correlation, `count` of things, `number` anything else. */
export type Unit = "number" | "count" | "share" | "epochs" | "r";

/** One number that a rule looked at, in one run. */
export interface JudgedValue {
  /** Its name in the rule. */
  readonly name: string;
  /** What it is, in words. */
  readonly words: string;
  readonly unit: Unit;
  readonly value: number;
  /** The value with its unit, as a reader wants it. */
  readonly text: string;
  /** Whether it is a null: what is expected without the structure. */
  readonly isNull: boolean;
}

/** One run's part in a claim. */
export interface JudgedRun {
  readonly label: string;
  readonly p: number;
  /** Absent for imported models. */
  readonly seed?: number;
  readonly verdict: Verdict;
  readonly values: readonly JudgedValue[];
  /** Our value as text; empty where not tested. */
  readonly ours: string;
  /** The null as text. */
  readonly none: string;
  /** Why it was not tested, or what to add to the verdict. */
  readonly why?: string;
  /** The kind of reason where it was not tested. */
  readonly absence?: Absence["kind"];
}

/** How many runs a verdict rests on. */
export interface Count {
  readonly p: number;
  readonly runs: number;
  /** Seeds among them. */
  readonly seeds: number;
}

/** A statement in print with what these runs say of it. */
export interface JudgedClaim {
  readonly id: string;
  /** Where it is printed. */
  readonly paper: string;
  /** The statement, a sentence. */
  readonly claim: string;
  /** The value in print. */
  readonly printed: string;
  /** The rule of the verdict, a sentence with its numbers. */
  readonly rule: string;
  /** The analysis whose figure shows it. */
  readonly analysis: string;
  readonly verdict: Verdict;
  /** What the verdict rests on; absent where nothing was tested. */
  readonly n?: Count;
  /** Runs of another p than the verdict's, judged by the same rule. */
  readonly replications: readonly { readonly verdict: Verdict; readonly n: Count }[];
  /** Whether no run of the kind that it needs is among these. */
  readonly missing: boolean;
  /** Our value as text; empty where not tested. */
  readonly ours: string;
  /** The null as text. */
  readonly none: string;
  /** Why it was not tested, or not reproduced. */
  readonly why?: string;
  /** Every run's part, those not tested with their reason. */
  readonly runs: readonly JudgedRun[];
}

/** `12 reproduced, 3 partly, …`: how many claims ended how. */
export function countVerdicts(judged: readonly Pick<JudgedClaim, "verdict">[]): string {
  return VERDICTS.map((verdict) => ({ verdict, count: judged.filter((claim) => claim.verdict === verdict).length }))
    .filter(({ count }) => count > 0)
    .map(({ verdict, count }) => `${count} ${verdict}`)
    .join(", ");
}
