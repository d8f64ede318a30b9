import type { Analysis, Labelled } from "../analyses/kit/define.ts";
import { spread } from "../analyses/kit/spread.ts";
import { type Json, messageOf } from "../core/index.ts";
import { type RunStyle, styleRuns } from "../figures/index.ts";
import type { BackgroundFigure } from "./background.ts";
import type { Draw, Drawing } from "./drawing.ts";
import { escapeHtml, formatNumber, slug } from "./html.ts";
import { figureLabel, givenLabel } from "./labels.ts";
import { inlineMarkdown, renderMarkdown } from "./markdown.ts";
import { saysHtml } from "./says.ts";
import { prefixIds } from "./svg.ts";
import { swatchSvg } from "./swatch.ts";
import { PENDING, type ReportRun } from "./types.ts";

/** A figure's parts as they stand in the page. */
export interface FigureParts {
  readonly id: string;
  /** In the order of the page, from 1. */
  readonly number: number;
  /** What it states in a sentence without a full stop, or what it shows. */
  readonly title: string;
  /** What it states of each run, Markdown. */
  readonly says: string;
  /** The text alternative. */
  readonly alternative: string;
  readonly drawing: Drawing;
  /** Runs that it shows, for the legend. */
  readonly labels: readonly string[];
  readonly styles: ReadonlyMap<string, RunStyle>;
}

/** A description's first sentence, without what it says of the runs. */
function firstSentence(text: string): string {
  return /^.*?[.](?=\s|$)/.exec(text)?.[0] ?? text;
}

/** A figure as it stands in the page: its drawing with caption, legend, controls, downloads and data. */
export function figureBlock(parts: FigureParts): string {
  const { id, number, title, says, alternative, drawing, labels, styles } = parts;
  const describes = firstSentence(drawing.description);
  const svg = prefixIds(drawing.svg, `${id}-`);
  const get = (what: string, text: string, name: string) =>
    `<button type="button" data-get="${what}" aria-label="${name} of figure ${number}">${text}</button>`;
  const legend = labels.map((label) => `<span>${swatchSvg(styles.get(figureLabel(label)))}${escapeHtml(label)}</span>`);
  return `<figure id="${id}" data-figure aria-labelledby="${id}-caption">
<figcaption id="${id}-caption"><b>Figure ${number}. <span class="title">${escapeHtml(title)}</span>.</b> ${escapeHtml(describes)}</figcaption>
<div class="says">${saysHtml(says, labels)}</div>
<div class="legend" role="group" aria-label="runs of figure ${number}: choose one to bring it into focus">${legend.join("")}</div>
<div class="controls"></div>
<div class="drawing" role="region" tabindex="0" aria-label="${escapeHtml(alternative)}">${svg}</div>
<div class="tools needs-js">${get("csv", "CSV", "data as CSV")}${get("spec", "Vega-Lite", "Vega-Lite spec with its data")}${get("svg", "SVG", "drawing as SVG")}${get("png", "PNG", "drawing as PNG")}</div>
<details class="data needs-js"><summary>data as a table</summary><p class="count"></p><div class="scroll" role="region" tabindex="0" aria-label="data of figure ${number}"><table></table></div></details>
</figure>`;
}

/** Mean and standard deviation of a metric over the runs of a group that have it. */
function groupCell(analysis: Analysis, members: readonly ReportRun[], name: string): string {
  const values = members.flatMap((run) => run.results[analysis.id]?.metrics[name] ?? []);
  if (values.length === 0) return '<td class="number missing">–</td>';
  const { mean, sd } = spread(values);
  return `<td class="number">${formatNumber(mean)} ± ${formatNumber(sd)}</td>`;
}

function numbersTable(analysis: Analysis, runs: readonly ReportRun[]): string {
  const able = runs.filter((run) => run.results[analysis.id] !== undefined);
  const groups = [...new Set(able.flatMap(({ group }) => group ?? []))].map((group) => ({
    group,
    members: able.filter((run) => run.group === group),
  }));
  const names = [...new Set(able.flatMap((run) => Object.keys(run.results[analysis.id]?.metrics ?? {})))];
  if (names.length === 0) return "";
  const value = (run: ReportRun, name: string) => {
    const number = run.results[analysis.id]?.metrics[name];
    return number === undefined ? '<td class="number missing">–</td>' : `<td class="number">${formatNumber(number)}</td>`;
  };
  const head = able.map(({ label }) => `<th scope="col" class="number">${escapeHtml(label)}</th>`).join("");
  const groupHead = groups
    .map(({ group, members }) => `<th scope="col" class="number">${escapeHtml(group)}: mean ± sd of ${members.length} seeds</th>`)
    .join("");
  const named = (name: string) => {
    const remark = analysis.remarks?.[name];
    return `<code>${escapeHtml(name)}</code>${remark === undefined ? "" : ` (${escapeHtml(remark)})`}`;
  };
  const lines = names.map(
    (name) =>
      `<tr><th scope="row">${named(name)}</th>${able.map((run) => value(run, name)).join("")}${groups
        .map(({ members }) => groupCell(analysis, members, name))
        .join("")}</tr>`,
  );
  return `<details><summary>numbers: ${names.length} metrics of ${able.length} ${able.length === 1 ? "run" : "runs"}</summary><div class="scroll" role="region" tabindex="0" aria-label="metrics of ${escapeHtml(analysis.title)}"><table><thead><tr><th scope="col">metric</th>${head}${groupHead}</tr></thead><tbody>${lines.join("")}</tbody></table></div></details>`;
}

/** Runs with the same reason together, folded. */
function reasonsNote(summary: string, reasons: readonly { readonly label: string; readonly why: string }[]): string {
  if (reasons.length === 0) return "";
  const rows = [...new Set(reasons.map(({ why }) => why))].map((why) => {
    const labels = reasons.filter((one) => one.why === why).map(({ label }) => escapeHtml(label));
    return `<tr><td>${labels.join(", ")}</td><td>${escapeHtml(why)}</td></tr>`;
  });
  return `<details class="missing"><summary>${summary}</summary><table><thead><tr><th scope="col">run</th><th scope="col">why</th></tr></thead><tbody>${rows.join("")}</tbody></table></details>`;
}

/** Runs without a result, and those whose results have nothing to draw, with the reasons. */
function missingNote(analysis: Analysis, runs: readonly ReportRun[]): string {
  const without = runs.filter(({ results }) => results[analysis.id] === undefined);
  const missing = without.map(({ label, missing: why }) => ({ label, why: why[analysis.id] ?? "was not run" }));
  const idle = runs.flatMap((run) => {
    const why = without.includes(run) ? undefined : idleReason(analysis, run);
    return why === undefined ? [] : [{ label: run.label, why }];
  });
  return (
    reasonsNote(`no result for ${missing.length} of ${runs.length} runs`, missing) +
    reasonsNote(`nothing to draw of ${idle.length} of ${runs.length} runs`, idle)
  );
}

/** Why a run has nothing of an analysis to draw; undefined where it has, or will have. */
function idleReason(analysis: Analysis, { results, missing }: ReportRun): string | undefined {
  const outcome = results[analysis.id];
  if (outcome !== undefined) return analysis.idle?.(outcome.result);
  const why = missing[analysis.id] ?? "was not run";
  return why === PENDING ? undefined : why;
}

/** Whether no run has anything of an analysis to draw, nor will have: a section of its own would be empty. */
export function isAbsent(analysis: Analysis, runs: readonly ReportRun[]): boolean {
  return runs.every((run) => idleReason(analysis, run) !== undefined);
}

/** Analyses of which no run has a result, in a line each, with the reason. */
export function absentSection(analyses: readonly Analysis[], runs: readonly ReportRun[]): string {
  if (analyses.length === 0) return "";
  const lines = analyses.map((analysis) => {
    const { id, title } = analysis;
    const why = [...new Set(runs.flatMap((run) => idleReason(analysis, run) ?? []))].join("; ");
    return `<tr id="analysis-${slug(id)}"><th scope="row">${escapeHtml(title)}</th><td>${escapeHtml(why)}</td></tr>`;
  });
  return `<section id="absent"><h3>Nothing to draw here</h3><table><tbody>${lines.join("")}</tbody></table></section>`;
}

/** Runs that a figure shows unless its analysis says otherwise. */
const DRAWN = 6;

/** The results of the given runs that an analysis's figure shows, with labels that can stand in one. */
export function drawnEntries(analysis: Analysis, runs: readonly ReportRun[]): Labelled<Json>[] {
  const entries = runs.flatMap((run): Labelled<Json>[] => {
    const outcome = run.results[analysis.id];
    return outcome === undefined || analysis.idle?.(outcome.result) !== undefined
      ? []
      : [{ label: figureLabel(run.label), result: outcome.result, config: run.config }];
  });
  return entries.slice(0, analysis.drawn ?? DRAWN);
}

/** How sections are made. */
export interface SectionOptions {
  readonly draw: Draw;
  readonly styles: ReadonlyMap<string, RunStyle>;
  readonly number: number;
}

/** The section of an analysis: the figure with what it states, the numbers, definition, null and source. */
export async function analysisSection(
  analysis: Analysis,
  runs: readonly ReportRun[],
  selected: readonly ReportRun[],
  { draw, styles, number }: SectionOptions,
): Promise<{ readonly html: string; readonly drawn: boolean }> {
  const id = `figure-${slug(analysis.id)}`;
  const entries = drawnEntries(analysis, selected);
  const labels = entries.map(({ label }) => givenLabel(label));
  let figure = "";
  if (entries.length > 0) {
    try {
      const given = entries.map((entry) => ({ ...entry, label: givenLabel(entry.label) }));
      const says = analysis.headline(given);
      const title = analysis.finding?.(given) ?? analysis.title;
      const drawing = await draw({ id: analysis.id, entries, styles, spec: () => styleRuns(analysis.figure(entries), styles) });
      const alternative = `${analysis.title}. ${drawing.description}`.slice(0, 400);
      figure = figureBlock({ id, number, title, says, alternative, drawing, labels, styles });
    } catch (error) {
      // One figure that cannot be drawn must not cost the reader all others; the page says so in its place.
      figure = `<p class="problem">This figure could not be drawn: ${escapeHtml(messageOf(error))}</p>`;
    }
  }
  const html = `<section id="analysis-${slug(analysis.id)}">
<h3>${escapeHtml(analysis.title)} <a class="anchor" href="#analysis-${slug(analysis.id)}" aria-label="link to ${escapeHtml(analysis.title)}">#</a></h3>
${figure}
<noscript><p class="lead">Without JavaScript the figure stays still; its numbers stand below, and <code>miiii analyze ${escapeHtml(analysis.id)} --csv FILE</code> writes all its data.</p></noscript>
${numbersTable(analysis, runs)}
<details class="text"><summary>definition, null and source</summary>
<h4>Definition</h4>
${renderMarkdown(analysis.definition)}
<h4>Null</h4>
${renderMarkdown(analysis.null)}
<h4>Source</h4>
<p>${inlineMarkdown(analysis.citation)}. The command: <code>miiii analyze ${escapeHtml(analysis.id)}</code>.</p>
</details>
${missingNote(analysis, runs)}
</section>`;
  return { html, drawn: figure.startsWith("<figure") };
}

/** The section of a figure that shows no run. */
export async function backgroundSection(background: BackgroundFigure, { draw, styles, number }: SectionOptions): Promise<string> {
  const { title, finding, headline, citation, spec } = background;
  const id = `figure-${background.id}`;
  const drawing = await draw({ id: background.id, entries: [], styles: new Map(), spec: () => spec });
  const figure = figureBlock({
    id,
    number,
    title: finding,
    says: headline,
    alternative: drawing.description || title,
    drawing,
    labels: [],
    styles,
  });
  return `<section id="background-${background.id}">
<h3>${escapeHtml(title)} <a class="anchor" href="#background-${background.id}" aria-label="link to ${escapeHtml(title)}">#</a></h3>
${figure}
<p class="lead">${escapeHtml(citation)}.</p>
</section>`;
}
