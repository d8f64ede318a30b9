import { formatNumber, formatPercent } from "../core/index.ts";
import type { Role } from "./roles.ts";
import type { AnalyzedRun } from "./run.ts";

/** Why a claim, or a run's part in it, was not tested. */
export type Absence =
  /** No run of the roles asked for is among those judged; `like` says in what it had to agree. */
  | { readonly kind: "no run"; readonly roles: readonly Role[]; readonly like?: string }
  | { readonly kind: "no result"; readonly label: string; readonly analysis: string; readonly why?: string }
  | { readonly kind: "no value"; readonly label: string; readonly analysis: string; readonly words: string }
  /** `accuracy` is the mean over the trained tasks on validation samples; `loss` in nats, `chance` that of a uniform guess. */
  | {
      readonly kind: "not generalised";
      readonly label: string;
      readonly accuracy: number;
      readonly epoch?: number;
      readonly planned?: number;
    }
  | { readonly kind: "high loss"; readonly label: string; readonly loss: number; readonly chance: number }
  | { readonly kind: "not memorised"; readonly label: string; readonly accuracy: number }
  | { readonly kind: "few frequencies"; readonly label: string; readonly p: number }
  | { readonly kind: "other p"; readonly label: string; readonly p: number; readonly wanted: number }
  | { readonly kind: "other settings"; readonly label: string; readonly settings: string }
  /** The schedule of training, not the model, decides when these tasks come. */
  | { readonly kind: "late tasks"; readonly label: string; readonly q: readonly number[] }
  /** A requirement of the rule that these values do not meet. */
  | { readonly kind: "unmet"; readonly label: string; readonly requirement: string; readonly found: string };

/** Why `analysis` gave nothing for a run. */
export function noResult(run: AnalyzedRun, analysis: string): Absence {
  const why = run.missing[analysis];
  return { kind: "no result", label: run.label, analysis, ...(why === undefined ? {} : { why }) };
}

/** An absence in words. */
export function absenceText(absence: Absence): string {
  switch (absence.kind) {
    case "no run":
      return `no run of ${absence.roles.join(" or ")}${absence.like === undefined ? "" : ` ${absence.like}`} is among these`;
    case "no result":
      return `${absence.label}: ${absence.analysis} ${absence.why ?? "was not run"}`;
    case "no value":
      return `${absence.label}: ${absence.analysis} has no ${absence.words}`;
    case "not generalised": {
      const { label, accuracy, epoch, planned } = absence;
      const when = epoch === undefined ? "" : ` at epoch ${formatNumber(epoch)}`;
      const stopped = planned === undefined ? "" : ` of ${formatNumber(planned)} planned`;
      return `${label} has not generalised: mean validation accuracy ${accuracy.toFixed(2)}${when}${stopped}`;
    }
    case "high loss":
      return `${absence.label} has not generalised: mean loss ${absence.loss.toFixed(2)}, ${absence.chance.toFixed(2)} for a uniform guess`;
    case "not memorised":
      return `${absence.label}: only ${formatPercent(Number(absence.accuracy.toPrecision(2)))} of its labels memorised`;
    case "few frequencies":
      return `${absence.label}: p = ${absence.p} has but ${(absence.p - 1) / 2} frequencies`;
    case "other p":
      return `${absence.label}: values at p = ${absence.p} are not those of p = ${absence.wanted}`;
    case "other settings":
      return `${absence.label} is on another schedule than the paper's: ${absence.settings}`;
    case "late tasks":
      return `${absence.label}: its schedule, not the model, decides when q = ${absence.q.join(", ")} come into the loss`;
    case "unmet":
      return `${absence.label}: the rule requires ${absence.requirement}; got ${absence.found}`;
    default:
      return absence satisfies never;
  }
}

/** Whether a value is an absence. */
export function isAbsence(value: number | Absence): value is Absence {
  return typeof value === "object";
}
