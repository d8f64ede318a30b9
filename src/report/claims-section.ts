import { type JudgedClaim, roleOf, settingsApart, type Verdict } from "../claims/index.ts";
import type { SourceCount } from "./answer.ts";
import { escapeHtml, slug } from "./html.ts";
import type { ReportRun } from "./types.ts";

/** Not reproduced first: what a sceptic looks for. */
const ORDER: readonly Verdict[] = ["not reproduced", "partly", "reproduced", "not tested"];

/** How many claims ended how, in the order of a sentence. */
export function verdictCounts(claims: readonly JudgedClaim[]): { verdict: Verdict; count: number }[] {
  return (["reproduced", "partly", "not reproduced", "not tested"] as const).map((verdict) => ({
    verdict,
    count: claims.filter((claim) => claim.verdict === verdict).length,
  }));
}

/** The bar of the first screen: one button a verdict, with how many claims ended in it. */
export function verdictBar(claims: readonly JudgedClaim[]): string {
  const parts = verdictCounts(claims).filter(({ count }) => count > 0);
  const buttons = parts.map(
    ({ verdict, count }) =>
      `<button type="button" class="bar ${slug(verdict)}" data-filter-verdict="${verdict}" aria-pressed="false"><b>${count}</b> ${verdict}</button>`,
  );
  return `<div class="verdicts" role="group" aria-label="claims by verdict: choose one to see them"><span>Claims:</span>${buttons.join("")}</div>`;
}

/** Whose a claim is, of a source such as "Nanda et al. 2023, section 4". */
function sourceOf(paper: string): string {
  return paper.split(",")[0] ?? paper;
}

/** How many claims of each paper were tested, and how many of neither, the largest first. */
export function testedSources(claims: readonly JudgedClaim[]): SourceCount[] {
  const counts = new Map<string, number>();
  for (const { paper, verdict } of claims) {
    if (verdict === "not tested") continue;
    const source = sourceOf(paper);
    const said = /\d{4}$/.test(source) ? `of ${source}` : "beyond the papers";
    counts.set(said, (counts.get(said) ?? 0) + 1);
  }
  return [...counts].map(([source, count]) => ({ source, count })).sort((a, b) => b.count - a.count);
}

/** Labels of the runs that a claim was tested on. */
const testedOn = ({ runs }: JudgedClaim) => runs.filter(({ verdict }) => verdict !== "not tested").map(({ label }) => label);

/** What else there is than the verdict: smaller models, other seeds. */
function replications({ replications: others }: JudgedClaim): string {
  return others.map(({ verdict, n }) => `${verdict} at p = ${n.p} (${n.runs} ${n.runs === 1 ? "run" : "runs"})`).join("; ");
}

const attributes = (claim: JudgedClaim) =>
  `id="claim-${slug(claim.id)}" data-claim data-verdict="${claim.verdict}" data-paper="${escapeHtml(sourceOf(claim.paper))}" data-runs="${escapeHtml(testedOn(claim).join("\n"))}"`;

function claimItem(claim: JudgedClaim, sections: ReadonlySet<string>): string {
  const { id, claim: statement, paper, printed, rule, analysis, verdict, ours, none, why } = claim;
  const link = sections.has(analysis) ? `<a href="#figure-${slug(analysis)}">${escapeHtml(analysis)}</a>` : escapeHtml(analysis);
  const line = (name: string, text: string) => (text === "" ? "" : `<div><dt>${name}</dt><dd>${escapeHtml(text)}</dd></div>`);
  return `<li ${attributes(claim)}>
<span class="verdict ${slug(verdict)}">${verdict}</span>
<div><p>${escapeHtml(statement)} <a class="anchor" href="#claim-${slug(id)}" aria-label="link to this claim">#</a></p>
<dl>${line("paper", printed)}${line("ours", ours)}${line("null", none)}${line("why", why ?? "")}${line("also", replications(claim))}</dl>
<details><summary>${escapeHtml(paper)}: rule and figure</summary><p>${escapeHtml(rule)} Shown in ${link}.</p></details></div></li>`;
}

function untestedItem(claim: JudgedClaim): string {
  return `<li ${attributes(claim)}>${escapeHtml(claim.claim)} <span class="why">${escapeHtml(claim.why ?? "no run of its kind")}</span></li>`;
}

function chooser(name: string, title: string, options: readonly string[]): string {
  if (options.length < 2) return "";
  const list = options.map((option) => `<option value="${escapeHtml(option)}">${escapeHtml(option)}</option>`);
  return `<label>${title} <select data-filter="${name}"><option value="">all</option>${list.join("")}</select></label>`;
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
  return notes.length === 0 ? "" : `<p class="lead">Not the paper's settings: ${notes.join("; ")}.</p>`;
}

/** All claims, folded: by verdict, those not tested in a line each; filters by verdict, paper and run. */
export function claimsSection(claims: readonly JudgedClaim[], sections: ReadonlySet<string>, note: string): string {
  const groups = ORDER.flatMap((verdict) => {
    const own = claims.filter((claim) => claim.verdict === verdict);
    if (own.length === 0) return [];
    const items = own.map((claim) => (verdict === "not tested" ? untestedItem(claim) : claimItem(claim, sections)));
    return [
      `<div data-claims-group><h3 class="verdict ${slug(verdict)}">${own.length} ${verdict}</h3><ul class="${verdict === "not tested" ? "untested" : "tested"}">${items.join("\n")}</ul></div>`,
    ];
  });
  const papers = [...new Set(claims.map(({ paper }) => sourceOf(paper)))].sort();
  const runs = [...new Set(claims.flatMap(testedOn))];
  const filters = ORDER.filter((verdict) => claims.some((claim) => claim.verdict === verdict)).map(
    (verdict) => `<button type="button" data-filter-verdict="${verdict}" aria-pressed="false">${verdict}</button>`,
  );
  return `<section id="claims"><h2>Claims</h2>${note}
<details class="claims" data-print><summary>${claims.length} claims, each with its source's value, ours, the null and the rule of its verdict</summary>
<div class="filters needs-js">${filters.join("")}${chooser("paper", "paper", papers)}${chooser("run", "run", runs)}<span id="claims-shown" aria-live="polite"></span></div>
${groups.join("\n")}
</details></section>`;
}
