import type { TopLevelSpec } from "vega-lite";
import { countVerdicts, type JudgedClaim, judgeClaims } from "../claims/index.ts";
import { ensure } from "../core/index.ts";
import { backgroundFigures } from "./background.ts";
import { loadBundles } from "./bundles.ts";
import { caveats, claimsTable } from "./claims-table.ts";
import { escapeHtml, slug } from "./html.ts";
import { inlineMarkdown } from "./markdown.ts";
import { fittingPage, htmlPage } from "./page.ts";
import { provenanceBlock, runChip } from "./provenance.ts";
import { analysisSection, backgroundSection, type Draw, figureBlock } from "./section.ts";
import type { ReportInput } from "./types.ts";

/** A page, and what a command may want to say of it. */
export interface Report {
  readonly html: string;
  readonly bytes: number;
  readonly claims: readonly JudgedClaim[];
  /** Ids of figures that are drawings alone, since the page would have been too large with them live. */
  readonly still: readonly string[];
}

function ensureInput({ runs, analyses }: ReportInput): void {
  ensure(runs.length > 0, "usage", () => "report: needs at least one run");
  const labels = runs.map((run) => run.label);
  const twice = labels.find((label, i) => labels.indexOf(label) !== i);
  ensure(twice === undefined, "usage", () => `report: labels must differ, got ${twice} twice`);
  const ids = analyses.map((analysis) => slug(analysis.id));
  const double = ids.find((id, i) => ids.indexOf(id) !== i);
  ensure(double === undefined, "usage", () => `report: analyses must differ, got ${double} twice`);
}

/**
 * The report: one HTML page that needs nothing else. A pure function of its input, but for loading Vega to draw the figures.
 *
 * @throws MiiiiError `usage` for no runs or two runs of one label.
 */
export async function buildReport(input: ReportInput): Promise<Report> {
  ensureInput(input);
  const { runs, analyses, bundles, stamp } = input;
  const { renderSvg } = await import("../figures/render.ts");
  const draw: Draw = renderSvg;
  const sections = [];
  // One after the other: Vega numbers the definitions of a drawing from a counter that each drawing sets back.
  for (const analysis of analyses) sections.push({ analysis, ...(await analysisSection(analysis, runs, draw)) });
  const backgrounds = backgroundFigures().filter(({ id }) => !analyses.some((analysis) => slug(analysis.id) === id));
  const below = [];
  for (const background of backgrounds) below.push(await backgroundSection(background, draw));
  const figures = [...sections, ...below].flatMap(({ figure }) => (figure === undefined ? [] : [figure]));
  const claims = judgeClaims(runs);

  const title = input.title ?? `miiii: ${runs.map((run) => run.label).join(", ")}`;
  const contents = [
    { id: "claims", name: "Claims" },
    { id: "provenance", name: "Provenance" },
    ...analyses.map((analysis) => ({ id: `figure-${slug(analysis.id)}`, name: analysis.title })),
    ...backgrounds.map(({ id, title: name }) => ({ id: `figure-${id}`, name })),
  ];
  const shown = new Set(figures.map(({ id }) => id));
  const withFigure = new Set(analyses.map(({ id }) => id).filter((id) => shown.has(`figure-${slug(id)}`)));

  const main = `<header>
<h1>${escapeHtml(title)}</h1>
<p class="lead">Claims of Syrkis &amp; Søgaard 2024 and Nanda et al. 2023, held against ${runs.map(runChip).join(", ")}.</p>
</header>
<section id="claims">
<h2>Claims: ${countVerdicts(claims)} <a class="anchor" href="#claims" aria-label="link to the claims">#</a></h2>
${caveats(runs)}
${claimsTable(claims, withFigure)}
</section>
<section id="provenance">
<h2>Provenance <a class="anchor" href="#provenance" aria-label="link to the provenance">#</a></h2>
${provenanceBlock(input)}
</section>
${[...sections, ...below].map(({ html }) => html).join("\n")}`;
  const { html, still } = fittingPage({ title, contents, main, figures, bundles, ...(stamp === undefined ? {} : { stamp }) });
  return { html, bytes: Buffer.byteLength(html), claims, still };
}

/** What a page says around a single figure. */
export interface FigureCaption {
  readonly title: string;
  readonly headline: string;
}

/** One figure as a page of its own, with the same downloads, data and text alternative as in a report. Reads the bundles. */
export async function figurePage(spec: TopLevelSpec, { title, headline }: FigureCaption): Promise<string> {
  const { renderSvg } = await import("../figures/render.ts");
  const { html, figure } = await figureBlock("figure", spec, [spec.description ?? title, headline].join(" "), renderSvg);
  const main = `<section id="figure-section">
<h1>${escapeHtml(title)}</h1>
<p class="headline">${inlineMarkdown(headline)}</p>
${html}
</section>`;
  const contents = [{ id: "figure-section", name: title }];
  return htmlPage({ title, contents, main, figures: figure === undefined ? [] : [figure], bundles: loadBundles() });
}
