import type { Claim, Judgement } from "./claim.ts";
import type { Count, JudgedClaim, JudgedRun, Verdict } from "./judged.ts";
import { CLAIMS } from "./registry.ts";
import { type AnalyzedRun, claimRun } from "./run.ts";
import { PAPER_P } from "./settings.ts";

function countOf(p: number, runs: readonly JudgedRun[]): Count {
  return { p, runs: runs.length, seeds: new Set(runs.map(({ seed }) => seed)).size };
}

function together(runs: readonly JudgedRun[]): Verdict {
  const [first] = runs;
  return first !== undefined && runs.every(({ verdict }) => verdict === first.verdict) ? first.verdict : "partly";
}

/** A claim with its judgement: the verdict of the papers' p where it was tested there, with those of other p beside it. */
function judged({ id, source, statement, paper, rule, analysis }: Claim, judgement: Judgement): JudgedClaim {
  const { verdict, ours, none, why, missing = false, runs = [] } = judgement;
  const tested = runs.filter((run) => run.verdict !== "not tested");
  const moduli = [...new Set(tested.map(({ p }) => p))].sort((a, b) => Number(b === PAPER_P) - Number(a === PAPER_P) || b - a);
  const [counted, ...others] = moduli.map((p) => ({ p, runs: tested.filter((run) => run.p === p) }));
  return {
    id,
    paper: source,
    claim: statement,
    printed: paper,
    rule,
    analysis,
    verdict,
    ...(counted === undefined ? {} : { n: countOf(counted.p, counted.runs) }),
    replications: others.map((other) => ({ verdict: together(other.runs), n: countOf(other.p, other.runs) })),
    missing,
    ours,
    none,
    ...(why === undefined || why === "" ? {} : { why }),
    runs,
  };
}

/** Judges every claim by these runs, in the order of the registry. */
export function judgeClaims(runs: readonly AnalyzedRun[]): JudgedClaim[] {
  const known = runs.map(claimRun);
  return CLAIMS.map((claim) => judged(claim, claim.judge(known)));
}
