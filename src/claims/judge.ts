import { type Absence, absenceText, isAbsence } from "./absence.ts";
import type { Claim, Context, Template } from "./claim.ts";
import type { Count, JudgedClaim, JudgedRun, JudgedValue, Verdict } from "./judged.ts";
import { CLAIMS } from "./registry.ts";
import { roleOf } from "./roles.ts";
import { type Values, verdictOf } from "./rule.ts";
import type { AnalyzedRun } from "./run.ts";
import { conditionText, foundText, ruleText, valueText } from "./sentence.ts";
import { PAPER_P } from "./settings.ts";
import { excluded, othersBeside, shuffledTwins, stoppedBefore } from "./subject.ts";

const entriesOf = (claim: Claim) => Object.entries(claim.values);

/** A claim's values for a run, or the first that is not there. */
function valuesOf(claim: Claim, run: AnalyzedRun, context: Context): Values | Absence {
  const values: Record<string, number> = {};
  for (const [name, measure] of entriesOf(claim)) {
    const value = measure.read(run, context);
    if (isAbsence(value)) return value;
    values[name] = value;
  }
  return values;
}

const isMissing = (values: Values | Absence): values is Absence => typeof values.kind === "string";

/** A template with the values and texts of a run in the places of their names. */
function filled(template: Template, claim: Claim, run: AnalyzedRun, context: Context, known?: Values): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const measure = claim.values[name];
    if (measure === undefined) return claim.texts?.[name]?.(run, context) ?? whole;
    const value = known?.[name] ?? measure.read(run, context);
    return isAbsence(value) ? "unknown" : valueText(value, measure.unit);
  });
}

/** The values that a template names, of the runs on shuffled labels that have them. */
function twinText(claim: Claim, run: AnalyzedRun, context: Context): string {
  const { twin } = claim;
  if (twin === undefined) return "";
  const parts = shuffledTwins(run, context.runs).map((other) => ({
    label: other.label,
    text: filled(twin, claim, other, context),
  }));
  const known = parts.filter(({ text }) => !text.includes("unknown"));
  return known.length === 0 ? "" : `; on shuffled labels ${known.map(({ label, text }) => `${text} (${label})`).join(", ")}`;
}

function notesOf(claim: Claim, verdict: Verdict, run: AnalyzedRun, context: Context, values: Values): string | undefined {
  const stopped = claim.subject.finished && verdict !== "reproduced" ? stoppedBefore(run) : undefined;
  const notes = [claim.notes?.[verdict], claim.notes?.always].flatMap((note) =>
    note === undefined ? [] : [filled(note, claim, run, context, values)].filter((text) => text !== ""),
  );
  if (stopped !== undefined)
    notes.push(`stopped at epoch ${valueText(stopped.epoch, "epochs")} of ${valueText(stopped.planned, "epochs")} planned`);
  return notes.length === 0 ? undefined : notes.join("; ");
}

/** One run's part in a claim. */
function judgeRun(claim: Claim, run: AnalyzedRun, runs: readonly AnalyzedRun[]): JudgedRun {
  const { label, config } = run;
  const known = { label, p: config.p, ...(config.seed === undefined ? {} : { seed: config.seed }) };
  const untested = (absence: Absence): JudgedRun => ({
    ...known,
    verdict: "not tested",
    values: [],
    ours: "",
    none: "",
    absence: absence.kind,
    why: absenceText(absence),
  });
  const reason = excluded(run, claim.subject);
  if (reason !== undefined) return untested(reason);
  const { beside } = claim.subject;
  const others = beside === undefined ? [] : othersBeside(run, runs, beside);
  if ("kind" in others) return untested(others);
  const context: Context = { runs, others };
  const values = valuesOf(claim, run, context);
  if (isMissing(values)) return untested(values);
  const { verdict, unmet } = verdictOf(claim.rule, values);
  if (unmet !== undefined) {
    const [requirement, found] = [conditionText(unmet, claim.values), foundText(unmet, values, claim.values)];
    return untested({ kind: "unmet", label, requirement, found });
  }
  const why = notesOf(claim, verdict, run, context, values);
  return {
    ...known,
    verdict,
    values: entriesOf(claim).map(([name, { words, unit, isNull }]): JudgedValue => {
      const value = values[name] ?? Number.NaN;
      return { name, words, unit, value, text: valueText(value, unit), isNull };
    }),
    ours: filled(claim.ours, claim, run, context, values),
    none: filled(claim.none, claim, run, context, values) + twinText(claim, run, context),
    ...(why === undefined ? {} : { why }),
  };
}

function countOf(p: number, runs: readonly JudgedRun[]): Count {
  return { p, runs: runs.length, seeds: new Set(runs.map(({ seed }) => seed)).size };
}

/** Alike, or partly. */
function together(runs: readonly JudgedRun[]): Verdict {
  const [first] = runs;
  if (first === undefined) return "not tested";
  return runs.every(({ verdict }) => verdict === first.verdict) ? first.verdict : "partly";
}

/** Texts of several runs: one alone, equal ones once, others by label. */
function told(runs: readonly JudgedRun[], text: (run: JudgedRun) => string | undefined, always = false): string {
  const parts = runs.flatMap((run) => {
    const said = text(run) ?? "";
    return said === "" ? [] : [{ label: run.label, said }];
  });
  const [first] = parts;
  if (first === undefined) return "";
  if (!always && parts.every(({ said }) => said === first.said)) return first.said;
  return parts.map(({ label, said }) => `${label}: ${said}`).join("; ");
}

/** Judges one claim by these runs: the verdict is that of the papers' p where it was tested there, others stand beside it. */
export function judgeClaim(claim: Claim, runs: readonly AnalyzedRun[]): JudgedClaim {
  const { roles } = claim.subject;
  const judged = runs.flatMap((run) => {
    const role = roleOf(run);
    return role !== undefined && roles.includes(role) ? [judgeRun(claim, run, runs)] : [];
  });
  const tested = judged.filter(({ verdict }) => verdict !== "not tested");
  const moduli = [...new Set(tested.map(({ p }) => p))].sort((a, b) => Number(b === PAPER_P) - Number(a === PAPER_P) || b - a);
  const [counted, ...others] = moduli.map((p) => ({ p, runs: tested.filter((run) => run.p === p) }));
  const shown = counted?.runs ?? [];
  const why = counted === undefined ? (judged[0]?.why ?? absenceText({ kind: "no run", roles })) : told(shown, (run) => run.why);
  return {
    id: claim.id,
    paper: claim.paper,
    claim: claim.claim,
    printed: claim.printed,
    rule: ruleText(claim.rule, claim.values),
    analysis: claim.analysis,
    verdict: together(shown),
    ...(counted === undefined ? {} : { n: countOf(counted.p, shown) }),
    replications: others.map((other) => ({ verdict: together(other.runs), n: countOf(other.p, other.runs) })),
    missing: tested.length === 0 && judged.every(({ absence }) => absence === "no run"),
    ours: told(shown, (run) => run.ours, true),
    none: told(shown, (run) => run.none),
    ...(why === "" ? {} : { why }),
    runs: judged,
  };
}

/** Judges every claim by these runs, in the order of the registry. */
export function judgeClaims(runs: readonly AnalyzedRun[]): JudgedClaim[] {
  return CLAIMS.map((claim) => judgeClaim(claim, runs));
}
