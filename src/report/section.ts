import type { TopLevelSpec } from "vega-lite";
import type { Analysis, Labelled } from "../analyses/kit/define.ts";
import { spread } from "../analyses/kit/spread.ts";
import { type Json, messageOf } from "../core/index.ts";
import { THEME } from "../figures/index.ts";

import type { BackgroundFigure } from "./background.ts";
import { recolorRuns } from "./colors.ts";
import { columnsOf, hoistDatasets, type PackedRow, unpackRows } from "./datasets.ts";
import { escapeHtml, formatNumber, slug } from "./html.ts";
import { inlineMarkdown, renderMarkdown } from "./markdown.ts";
import { runChip } from "./provenance.ts";
import { compactSvg, imagesOf, prefixIds } from "./svg.ts";
import type { ReportRun } from "./types.ts";

/** Rows of a figure's data that stand in the page itself; the script fills in the rest. */
const STATIC_ROWS = 20;

/** A figure of the page: the spec, without the configuration where that is the theme, and which of its datasets are its table. */
export interface PageFigure {
  readonly id: string;
  readonly spec: TopLevelSpec;
  readonly tables: readonly string[];
}

/** A section and its figure, if it has one. */
export interface Section {
  readonly html: string;
  readonly figure?: PageFigure;
}

/** What draws a spec: `renderSvg`, given so that sections need not load Vega. */
export type Draw = (spec: TopLevelSpec) => Promise<string>;

function dataTable(figure: PageFigure, datasets: Readonly<Record<string, readonly PackedRow[]>>): string {
  const tables = figure.tables.map((name) => unpackRows(datasets[name] ?? []));
  const rows = tables.flatMap((table, i) => (tables.length > 1 ? table.map((row) => ({ table: i + 1, ...row })) : table));
  if (rows.length === 0) return "";
  const columns = columnsOf(rows);
  const head = columns.map((column) => `<th scope="col">${escapeHtml(column)}</th>`).join("");
  const body = rows
    .slice(0, STATIC_ROWS)
    .map((row) => `<tr>${columns.map((column) => `<td>${escapeHtml(String(row[column] ?? ""))}</td>`).join("")}</tr>`);
  const shown = rows.length > STATIC_ROWS ? ` (up to 1,000 shown; all in the CSV)` : "";
  return `<details class="data"><summary>data as a table: ${formatNumber(rows.length)} rows${shown}</summary>
<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table></div></details>`;
}

/**
 * The spec with each image that the drawing shows replaced by `image:` and its place in the drawing, where the page's script takes
 * it from: an image is half of what a figure weighs, and need not be on the page twice.
 */
function withoutImages(spec: TopLevelSpec, images: readonly string[]): TopLevelSpec {
  const datasets = (spec as { datasets?: Readonly<Record<string, readonly PackedRow[]>> }).datasets ?? {};
  const place = new Map(images.map((uri, i) => [uri, `image:${i}`]));
  const short = (row: PackedRow): PackedRow => {
    const name = typeof row.url === "string" ? place.get(row.url) : undefined;
    return name === undefined ? row : { ...row, url: name };
  };
  return {
    ...spec,
    datasets: Object.fromEntries(Object.entries(datasets).map(([name, rows]) => [name, rows.map(short)])),
  } as TopLevelSpec;
}

/** A figure as it stands in the page: drawn, with its text alternative, its controls, its downloads and its data. */
export async function figureBlock(id: string, spec: TopLevelSpec, alternative: string, draw: Draw): Promise<Section> {
  const { spec: hoisted, datasets } = hoistDatasets(spec);
  const svg = prefixIds(compactSvg(await draw(spec)), `${id}-`);
  const tables = Object.keys(datasets).filter((name) => unpackRows((datasets[name] ?? []).slice(0, 1)).length > 0);
  const { config, ...rest } = withoutImages(hoisted, imagesOf(svg));
  // The theme stands on the page once.
  const shared = JSON.stringify(config) === JSON.stringify(THEME);
  const figure = { id, spec: (shared ? rest : { ...rest, config }) as TopLevelSpec, tables };
  const get = (what: string, text: string) => `<button type="button" data-get="${what}">${text}</button>`;
  const buttons = [
    get("live", "interactive"),
    get("svg", "SVG"),
    get("png", "PNG"),
    tables.length > 0 ? get("csv", "CSV") : "",
    get("spec", "Vega-Lite spec"),
  ];
  const html = `<figure data-figure="${id}">
<div class="drawing" role="img" aria-label="${escapeHtml(alternative)}">${svg}</div>
<div class="controls"></div>
<div class="tools needs-js">${buttons.join("")}</div>
${dataTable(figure, datasets)}
</figure>`;
  return { html, figure };
}

/** Runs that a figure shows unless its analysis says otherwise. */
const DRAWN = 6;

/** The runs that an analysis's figure shows: those that have a result, the first alone of each group, and no more than fit. */
function drawnRuns(analysis: Analysis, runs: readonly ReportRun[]): ReportRun[] {
  const able = runs.filter((run) => run.results[analysis.id] !== undefined);
  return able
    .filter(({ group }, i) => group === undefined || able.findIndex((other) => other.group === group) === i)
    .slice(0, analysis.drawn ?? DRAWN);
}

function drawnNote(analysis: Analysis, runs: readonly ReportRun[], drawn: readonly ReportRun[]): string {
  const others = runs.filter((run) => run.results[analysis.id] !== undefined && !drawn.includes(run));
  if (others.length === 0) return "";
  const names = others.map(({ label }) => escapeHtml(label)).join(", ");
  return `<p class="missing">Not drawn, but in the numbers and the claims: ${names}.</p>`;
}

/** Mean and standard deviation of a metric over the runs of a group that have it. */
function groupCell(analysis: Analysis, members: readonly ReportRun[], name: string): string {
  const values = members.flatMap((run) => run.results[analysis.id]?.metrics[name] ?? []);
  if (values.length === 0) return '<td class="number missing">missing</td>';
  const { mean, sd } = spread(values);
  return `<td class="number">${formatNumber(mean)} ± ${formatNumber(sd)}</td>`;
}

function numbersTable(analysis: Analysis, runs: readonly ReportRun[]): string {
  const groups = [...new Set(runs.flatMap(({ group }) => group ?? []))].map((group) => ({
    group,
    members: runs.filter((run) => run.group === group),
  }));
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.results[analysis.id]?.metrics ?? {})))];
  if (names.length === 0) return "";
  const value = (run: ReportRun, name: string) => {
    const number = run.results[analysis.id]?.metrics[name];
    return number === undefined ? '<td class="number missing">missing</td>' : `<td class="number">${formatNumber(number)}</td>`;
  };
  const head = runs.map((run, i) => `<th scope="col" class="number">${runChip(run, i)}</th>`).join("");
  const groupHead = groups
    .map(({ group, members }) => `<th scope="col" class="number">${escapeHtml(group)}: mean ± sd of ${members.length} seeds</th>`)
    .join("");
  const lines = names.map(
    (name) =>
      `<tr><th scope="row"><code>${escapeHtml(name)}</code></th>${runs.map((run) => value(run, name)).join("")}${groups
        .map(({ members }) => groupCell(analysis, members, name))
        .join("")}</tr>`,
  );
  return `<details><summary>numbers: ${names.length} metrics</summary><div class="scroll"><table><thead><tr><th></th>${head}${groupHead}</tr></thead><tbody>${lines.join("")}</tbody></table></div></details>`;
}

function missingNote(analysis: Analysis, runs: readonly ReportRun[]): string {
  const lacking = runs.filter((run) => run.results[analysis.id] === undefined);
  if (lacking.length === 0) return "";
  const why = (run: ReportRun) => `${escapeHtml(run.label)}: ${escapeHtml(run.missing[analysis.id] ?? "was not run")}`;
  return `<p class="missing">Missing: ${lacking.map(why).join("; ")}.</p>`;
}

/** A headline that speaks of several runs in turn (`label: …; label: …`) as a list, one line a run. */
function headlineHtml(headline: string, labels: readonly string[]): string {
  if (headline === "") return "";
  const parts = headline.split("; ").reduce<string[]>((said, part) => {
    const last = said.at(-1);
    if (last !== undefined && !labels.some((label) => part.startsWith(`${label}: `))) said[said.length - 1] = `${last}; ${part}`;
    else said.push(part);
    return said;
  }, []);
  if (parts.length === 1) return `<p class="headline">${inlineMarkdown(headline)}</p>`;
  return `<ul class="headline">${parts.map((part) => `<li>${inlineMarkdown(part)}</li>`).join("")}</ul>`;
}

/** The section of an analysis: what to see, the figure, the numbers, what they mean, and what stands for nothing. */
export async function analysisSection(analysis: Analysis, runs: readonly ReportRun[], draw: Draw): Promise<Section> {
  const id = `figure-${slug(analysis.id)}`;
  const drawnOnes = drawnRuns(analysis, runs);
  const entries = drawnOnes.flatMap((run): Labelled<Json>[] => {
    const outcome = run.results[analysis.id];
    return outcome === undefined ? [] : [{ label: run.label, result: outcome.result, config: run.config }];
  });
  let drawn: Section = { html: "" };
  let headline = "";
  if (entries.length > 0) {
    try {
      headline = analysis.headline(entries);
      const spec = recolorRuns(
        analysis.figure(entries),
        runs.map((run) => run.label),
      );
      const alternative = [spec.description ?? analysis.title, headline].filter(
        (text, i, all) => !all.slice(0, i).some((said) => said.includes(text)),
      );
      drawn = await figureBlock(id, spec, alternative.join(" "), draw);
    } catch (error) {
      // One figure that cannot be drawn must not cost the reader all others; the page says so in its place.
      drawn = { html: `<p class="problem">This figure could not be drawn: ${escapeHtml(messageOf(error))}</p>` };
    }
  }
  const html = `<section id="${id}">
<h2>${escapeHtml(analysis.title)} <a class="anchor" href="#${id}" aria-label="link to this figure">#</a></h2>
${headlineHtml(
  headline,
  entries.map((entry) => entry.label),
)}
${drawn.html}
${drawnNote(analysis, runs, drawnOnes)}
${numbersTable(analysis, runs)}
<details class="text"><summary>definition, null and source</summary>
<h3>Definition</h3>
${renderMarkdown(analysis.definition)}
<h3>Null</h3>
${renderMarkdown(analysis.null)}
<h3>Source</h3>
<p>${inlineMarkdown(analysis.citation)}. The command: <code>miiii analyze ${escapeHtml(analysis.id)}</code>.</p>
</details>
${missingNote(analysis, runs)}
</section>`;
  return drawn.figure === undefined ? { html } : { html, figure: drawn.figure };
}

/** The section of a figure that shows no run. */
export async function backgroundSection(background: BackgroundFigure, draw: Draw): Promise<Section> {
  const { title, headline, citation, spec } = background;
  const id = `figure-${background.id}`;
  const drawn = await figureBlock(id, spec, `${spec.description ?? title} ${headline}`, draw);
  const html = `<section id="${id}">
<h2>${escapeHtml(title)} <a class="anchor" href="#${id}" aria-label="link to this figure">#</a></h2>
<p class="headline">${inlineMarkdown(headline)}</p>
${drawn.html}
<p class="lead">${escapeHtml(citation)}.</p>
</section>`;
  return drawn.figure === undefined ? { html } : { html, figure: drawn.figure };
}
