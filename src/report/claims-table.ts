import { type Claim, type ClaimRun, caveatOf, type Judgement, roleOf } from "./claim.ts";
import { escapeHtml, slug } from "./html.ts";
import type { Verdict } from "./types.ts";

/** A claim with what came of it. */
export interface JudgedClaim {
  readonly claim: Claim;
  readonly judgement: Judgement;
}

const ORDER: readonly Verdict[] = ["reproduced", "partly", "not reproduced", "not tested"];

/** `12 reproduced, 3 partly, …`: how many claims ended how. */
export function countVerdicts(judged: readonly JudgedClaim[]): string {
  const counts = ORDER.map((verdict) => ({
    verdict,
    count: judged.filter(({ judgement }) => judgement.verdict === verdict).length,
  }));
  return counts
    .filter(({ count }) => count > 0)
    .map(({ verdict, count }) => `${count} ${verdict}`)
    .join(", ");
}

function row({ claim, judgement }: JudgedClaim, sections: ReadonlySet<string>): string {
  const { verdict, ours, none, why } = judgement;
  const target = `figure-${slug(claim.analysis)}`;
  const link = sections.has(claim.analysis)
    ? `<a href="#${target}">${escapeHtml(claim.analysis)}</a>`
    : escapeHtml(claim.analysis);
  // A run that is not there is missing; one that is there but cannot speak about the claim has no value.
  const absent = why?.startsWith("no ") ? "missing" : "no value";
  const value = verdict === "not tested" ? `<span class="missing">${absent}</span>` : escapeHtml(ours);
  const reason = why === undefined || why === "" ? "" : `<span class="why">${escapeHtml(why)}</span>`;
  return `<tr id="claim-${slug(claim.id)}">
<td>${escapeHtml(claim.statement)} <details><summary><span class="source">${escapeHtml(claim.source)}</span> · rule</summary>${escapeHtml(claim.rule)}</details></td>
<td data-name="paper">${escapeHtml(claim.paper)}</td>
<td data-name="ours">${value}</td>
<td data-name="null">${none === "" ? '<span class="missing">–</span>' : escapeHtml(none)}</td>
<td data-name="verdict"><span class="verdict ${slug(verdict)}">${verdict}</span>${reason}</td>
<td data-name="figure">${link}</td>
</tr>`;
}

/** In which settings the runs differ from the paper's; those that differ alike are named together. */
export function caveats(runs: readonly ClaimRun[]): string {
  const byCaveat = new Map<string, string[]>();
  for (const run of runs) {
    const caveat = caveatOf(run);
    if (caveat !== undefined && roleOf(run.run) !== undefined) byCaveat.set(caveat, [...(byCaveat.get(caveat) ?? []), run.label]);
  }
  const notes = [...byCaveat].map(
    ([caveat, labels]) => `${labels.map(escapeHtml).join(", ")} ${labels.length > 1 ? "have" : "has"} ${escapeHtml(caveat)}`,
  );
  if (notes.length === 0) return "";
  const several = new Set(runs.map(({ run }) => run.config.p)).size > 1;
  const smaller = several ? " Where a run of p = 113 can speak to a claim, those of another p are left out of it." : "";
  return `<p class="lead">Not the paper's settings: ${notes.join("; ")}.${smaller}</p>`;
}

/** The claims table; `sections` are the analyses that have a figure on the page. */
export function claimsTable(judged: readonly JudgedClaim[], sections: ReadonlySet<string>): string {
  const head = ["Claim", "Paper", "Ours", "Null", "Verdict", "Figure"].map((name) => `<th scope="col">${name}</th>`).join("");
  return `<div class="claims"><table><thead><tr>${head}</tr></thead><tbody>
${judged.map((entry) => row(entry, sections)).join("\n")}
</tbody></table></div>`;
}
