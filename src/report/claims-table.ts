import { type JudgedClaim, roleOf, settingsApart } from "../claims/index.ts";
import { escapeHtml, slug } from "./html.ts";
import type { ReportRun } from "./types.ts";

function row(judged: JudgedClaim, sections: ReadonlySet<string>): string {
  const { id, claim, paper, printed, rule, analysis, verdict, ours, none, why, missing } = judged;
  const target = `figure-${slug(analysis)}`;
  const link = sections.has(analysis) ? `<a href="#${target}">${escapeHtml(analysis)}</a>` : escapeHtml(analysis);
  // A run that is not there is missing; one that is there but is no evidence about the claim has no value.
  const absent = missing ? "missing" : "no value";
  const value = verdict === "not tested" ? `<span class="missing">${absent}</span>` : escapeHtml(ours);
  const reason = why === undefined ? "" : `<span class="why">${escapeHtml(why)}</span>`;
  return `<tr id="claim-${slug(id)}">
<td>${escapeHtml(claim)} <details><summary><span class="source">${escapeHtml(paper)}</span> · rule</summary>${escapeHtml(rule)}</details></td>
<td data-name="paper">${escapeHtml(printed)}</td>
<td data-name="ours">${value}</td>
<td data-name="null">${none === "" ? '<span class="missing">–</span>' : escapeHtml(none)}</td>
<td data-name="verdict"><span class="verdict ${slug(verdict)}">${verdict}</span>${reason}</td>
<td data-name="figure">${link}</td>
</tr>`;
}

/** In which settings the runs differ from the paper's; those that differ alike are named together. */
export function caveats(runs: readonly ReportRun[]): string {
  const byCaveat = new Map<string, string[]>();
  for (const run of runs) {
    const caveat = settingsApart(run.config);
    if (caveat !== undefined && roleOf(run) !== undefined) byCaveat.set(caveat, [...(byCaveat.get(caveat) ?? []), run.label]);
  }
  const notes = [...byCaveat].map(
    ([caveat, labels]) => `${labels.map(escapeHtml).join(", ")} ${labels.length > 1 ? "have" : "has"} ${escapeHtml(caveat)}`,
  );
  if (notes.length === 0) return "";
  const several = new Set(runs.map(({ config }) => config.p)).size > 1;
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
