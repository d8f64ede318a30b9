import type { MechanismResult } from "../analyses/mechanism/compute.ts";
import { mean } from "../math/index.ts";
import type { JudgedRun, Verdict } from "./judged.ts";
import { type Role, roleOf } from "./roles.ts";
import type { ClaimRun } from "./run.ts";
import { PAPER_P } from "./settings.ts";

/** The outcome of a claim, or of one run's part in it. */
export interface Judgement {
  readonly verdict: Verdict;
  /** Our value, as text; empty where not tested. */
  readonly ours: string;
  /** What an object without the structure gives, as text. */
  readonly none: string;
  /** Why it was not tested, or not reproduced. */
  readonly why?: string;
  /** Whether no run of the kind that it needs is among these. */
  readonly missing?: true;
  /** Each run's part. */
  readonly runs?: readonly JudgedRun[];
}

/** A statement of the paper, or of Nanda et al., and how these runs are held against it. */
export interface Claim {
  readonly id: string;
  readonly source: string;
  readonly statement: string;
  /** The value in print. */
  readonly paper: string;
  /** The rule of the verdict, with its numbers. */
  readonly rule: string;
  /** The analysis whose figure shows it. */
  readonly analysis: string;
  judge(runs: readonly ClaimRun[]): Judgement;
}

/** A judgement of something that could not be looked at. */
export function notTested(why: string): Judgement {
  return { verdict: "not tested", ours: "", none: "", why };
}

/** As {@link notTested}, where no run of the kind that a claim needs is among these. */
export function noRun(kind: string): Judgement {
  return { ...notTested(`no run of ${kind} is among these`), missing: true };
}

/** `reproduced` where all hold, `partly` where some do, else `not reproduced`. */
export function verdictOf(conditions: readonly boolean[]): Verdict {
  const held = conditions.filter(Boolean).length;
  if (held === conditions.length) return "reproduced";
  return held === 0 ? "not reproduced" : "partly";
}

/** Runs of a role among these. */
export function runsOf(runs: readonly ClaimRun[], role: Role): ClaimRun[] {
  return runs.filter(({ run }) => roleOf(run) === role);
}

/**
 * Several judgements of one claim as one: alike, or `partly`; those not tested say nothing unless all are. Ours is given by label
 * (an empty label is not shown), the null and the reason only where they differ.
 */
export function combined(parts: readonly { readonly label: string; readonly judgement: Judgement }[]): Judgement {
  const tested = parts.filter(({ judgement }) => judgement.verdict !== "not tested");
  const first = (tested[0] ?? parts[0])?.judgement;
  if (first === undefined) return notTested("no run");
  const runs = parts.flatMap(({ judgement }) => judgement.runs ?? []);
  if (tested.length === 0) return { ...first, runs };
  const verdicts = new Set(tested.map(({ judgement }) => judgement.verdict));
  const joined = (pick: (judgement: Judgement) => string | undefined, named: boolean) => {
    const texts = tested
      .map(({ label, judgement }) => ({ label, text: pick(judgement) ?? "" }))
      .filter(({ text }) => text !== "");
    if (!named && new Set(texts.map(({ text }) => text)).size === 1) return texts[0]?.text ?? "";
    return texts.map(({ label, text }) => (label === "" ? text : `${label}: ${text}`)).join("; ");
  };
  const why = joined((judgement) => judgement.why, false);
  return {
    verdict: verdicts.size === 1 ? first.verdict : "partly",
    ours: joined((judgement) => judgement.ours, true),
    none: joined((judgement) => judgement.none, false),
    ...(why === "" ? {} : { why }),
    runs,
  };
}

function judgedRun({ label, run: { config } }: ClaimRun, { verdict, ours, none, why }: Judgement): JudgedRun {
  const { p, seed } = config;
  const known = { ...(seed === undefined ? {} : { seed }), ...(why === undefined ? {} : { why }) };
  return { label, p, verdict, values: [], ours, none, ...known };
}

/**
 * Judges every run of a role by itself; a claim without such a run is not tested. Where a run of the papers' p can speak, smaller ones are
 * left out: their counts of frequencies, dimensions and heads are others.
 */
export function eachRun(role: Role, judge: (run: ClaimRun, runs: readonly ClaimRun[]) => Judgement): Claim["judge"] {
  return (runs) => {
    const own = runsOf(runs, role);
    if (own.length === 0) return noRun(role);
    const parts = own.map((run) => ({ label: run.label, run, judgement: judge(run, runs) }));
    const fullSize = parts.filter(({ run, judgement }) => run.run.config.p === PAPER_P && judgement.verdict !== "not tested");
    const judged = parts.map(({ run, judgement }) => judgedRun(run, judgement));
    return { ...combined(fullSize.length > 0 ? fullSize : parts), runs: judged };
  };
}

/** Mean validation accuracy from which a model counts as having found a solution. */
const SOLVED = 0.9;

/** Mean loss over the heads on samples that were not trained on; undefined where these are not known. */
function heldOutLoss(run: ClaimRun): number | undefined {
  const result = run.result("mechanism") as MechanismResult | undefined;
  const losses = result?.kind === "heads" ? result.heads.map(({ loss }) => loss.test) : [result?.loss?.test];
  const known = losses.flatMap((loss) => loss ?? []);
  return known.length === 0 ? undefined : mean(known);
}

/**
 * Why a run cannot speak about solutions; undefined where it can, or where nothing is known against it. Accuracy comes from
 * `curves`; a lone checkpoint has only the loss of `mechanism`, held against that of a uniform guess.
 */
export function unsolvedWhy(run: ClaimRun): string | undefined {
  const accuracy = run.metric("curves", "validation_accuracy");
  if (accuracy !== undefined) {
    if (accuracy >= SOLVED) return undefined;
    return `${run.label} has not generalised: mean validation accuracy ${accuracy.toFixed(2)} at epoch ${run.metric("curves", "epochs") ?? "unknown"}`;
  }
  const loss = heldOutLoss(run) ?? run.metric("mechanism", "loss");
  const chance = run.metric("mechanism", "chance_loss") ?? Math.log(run.run.config.p);
  if (loss === undefined || loss < chance / 2) return undefined;
  return `${run.label} has not generalised: mean loss ${loss.toFixed(2)}, ${chance.toFixed(2)} for a uniform guess`;
}

/** As {@link eachRun}, for claims about what a trained model has become: runs that have not generalised are not tested. */
export function eachSolved(role: Role, judge: (run: ClaimRun, runs: readonly ClaimRun[]) => Judgement): Claim["judge"] {
  return eachRun(role, (run, runs) => {
    const why = unsolvedWhy(run);
    return why === undefined ? judge(run, runs) : notTested(why);
  });
}

/**
 * As {@link eachRun}, for what runs on shuffled labels must not have: one that has not learned its labels has had no time to form
 * anything, and is not tested. Training accuracy is shown with what was found.
 */
export function eachShuffled(judge: (run: ClaimRun) => Judgement): Claim["judge"] {
  return (runs) => {
    const parts = (["basis", "nanda-shuffled"] as const).flatMap((role) => {
      if (runsOf(runs, role).length === 0) return [];
      const judged = eachRun(role, (run) => {
        const m = metricsOf(run, "curves", ["train_accuracy"]);
        if (isJudgement(m)) return m;
        const learned = `${(100 * m.train_accuracy).toFixed(0)} % of its labels memorised`;
        if (m.train_accuracy < SOLVED) return notTested(`${run.label}: only ${learned}`);
        const judgement = judge(run);
        return judgement.verdict === "not tested" ? judgement : { ...judgement, ours: `${judgement.ours} (${learned})` };
      });
      return [{ label: "", judgement: judged(runs) }];
    });
    return parts.length === 0 ? noRun("basis or nanda-shuffled") : combined(parts);
  };
}

/** Frequencies from which "a handful" of them is few: ten is half of them. */
const MANY_FREQUENCIES = 20;

/** As {@link eachSolved}, for claims that few of many frequencies are used: not tested where p has few. */
export function eachSpectral(role: Role, judge: (run: ClaimRun, runs: readonly ClaimRun[]) => Judgement): Claim["judge"] {
  return eachSolved(role, (run, runs) => {
    const { p } = run.run.config;
    const frequencies = (p - 1) / 2;
    return frequencies < MANY_FREQUENCIES
      ? notTested(`${run.label}: p = ${p} has but ${frequencies} frequencies`)
      : judge(run, runs);
  });
}

/**
 * What the runs of the same p on shuffled labels have, to stand behind a null: structure that they share says nothing of the task. Empty
 * where there is none.
 */
export function onShuffled(runs: readonly ClaimRun[], { run }: ClaimRun, value: (twin: ClaimRun) => string | undefined): string {
  const twins = runsOf(runs, "basis").filter((twin) => twin.run.config.p === run.config.p);
  const parts = twins.flatMap((twin) => {
    const text = value(twin);
    return text === undefined ? [] : [`${text} (${twin.label})`];
  });
  return parts.length === 0 ? "" : `; on shuffled labels ${parts.join(", ")}`;
}

/** Reads named metrics of one analysis, or tells which is not there. */
export function metricsOf<N extends string>(run: ClaimRun, analysis: string, names: readonly N[]): Record<N, number> | Judgement {
  const values: Partial<Record<N, number>> = {};
  for (const name of names) {
    const value = run.metric(analysis, name);
    if (value === undefined) {
      const why = run.run.missing[analysis] ?? (run.result(analysis) === undefined ? "was not run" : `has no ${name}`);
      return notTested(`${run.label}: ${analysis} ${why}`);
    }
    values[name] = value;
  }
  return values as Record<N, number>;
}

/** Whether {@link metricsOf} came back with a judgement. */
export function isJudgement(value: object): value is Judgement {
  return "verdict" in value;
}
