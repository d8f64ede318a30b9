import type { TopLevelSpec } from "vega-lite";
import type { Analysis, Labelled } from "../analyses/kit/define.ts";
import { ANALYSES } from "../analyses/registry.ts";
import { type JudgedClaim, judgeClaims } from "../claims/index.ts";
import { ensure, type Json } from "../core/index.ts";
import { type RunStyle, runStyles, styleRuns } from "../figures/index.ts";
import type { Parameters } from "../model/index.ts";
import { answerSentences, questionOf } from "./answer.ts";
import { backgroundFigures } from "./background.ts";
import { loadBundles } from "./bundles.ts";
import { type Cast, castOf, isShuffled } from "./cast.ts";
import { caveats, claimsSection, testedSources, verdictBar, verdictCounts } from "./claims-section.ts";
import { type Draw, drawFigure } from "./drawing.ts";
import { exploreSection } from "./explore-section.ts";
import { findingsSection } from "./findings.ts";
import { heroFigure } from "./hero-figure.ts";
import { escapeHtml, slug } from "./html.ts";
import { figureLabel, givenLabel } from "./labels.ts";
import { htmlPage } from "./page.ts";
import { canRun, packModel } from "./page-model.ts";
import { type FigureSource, type PageIndex, packBytes, packJson, type RunData } from "./payload.ts";
import { provenanceBlock } from "./provenance.ts";
import { runPicker } from "./run-picker.ts";
import {
  absentSection,
  analysisSection,
  backgroundSection,
  drawnEntries,
  figureBlock,
  isAbsent,
  type SectionOptions,
} from "./section.ts";
import { PENDING, type ReportInput, type ReportRun } from "./types.ts";

/** A page, and what a command may want to say of it. */
export interface Report {
  readonly html: string;
  readonly bytes: number;
  readonly claims: readonly JudgedClaim[];
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

function runData({ label, config, results }: ReportRun): RunData {
  return { label, config, results: Object.fromEntries(Object.entries(results).map(([id, { result }]) => [id, result])) };
}

/**
 * How the page's script makes an analysis's figure: it knows the analyses of this package, for others the spec stands in the
 * page.
 */
function sourceOf(
  analysis: Analysis,
  labels: readonly string[],
  spec: () => TopLevelSpec,
  keep: (spec: TopLevelSpec) => string,
): FigureSource {
  if (ANALYSES.includes(analysis)) return { kind: "analysis", id: analysis.id };
  return { kind: "spec", payload: keep(spec()), labels };
}

/**
 * The models that a page runs: the one that it is about, and the one beside it; none of shuffled labels, whose right answers are
 * no function of the number.
 */
function runnable(cast: Cast | undefined): { readonly label: string; readonly parameters: Parameters }[] {
  return [cast?.main, cast?.other].flatMap((run) => {
    const { parameters, config, label } = run ?? {};
    return parameters === undefined ||
      config === undefined ||
      label === undefined ||
      isShuffled({ config }) ||
      !canRun(config, parameters)
      ? []
      : [{ label, parameters }];
  });
}

/** Styles of runs by the labels that figures use. */
function stylesOf(runs: readonly Pick<ReportRun, "label" | "config">[]): ReadonlyMap<string, RunStyle> {
  return runStyles(runs.map(({ label, config }) => ({ label: figureLabel(label), config })));
}

/** What a page says of itself that is not finished. */
function unfinishedNote({ unfinished }: ReportInput): string {
  return unfinished === undefined
    ? ""
    : `<p class="unfinished" role="status"><strong>Not finished:</strong> ${unfinished.results} of ${unfinished.of} results are there; what needs the others is missing or "not tested" below. This file is completed in place: load it again when the command has ended.</p>`;
}

/**
 * Draws the figures of analyses all of whose results are there, for `draw` to remember: what a page of more results would draw
 * again.
 */
export async function drawAhead(input: ReportInput, draw: Draw): Promise<void> {
  const { runs, analyses } = input;
  const selected = runs.filter(({ label }) => input.selected === undefined || input.selected.includes(label));
  const styles = stylesOf(runs);
  for (const analysis of analyses) {
    const ready = selected.every((run) => run.results[analysis.id] !== undefined || run.missing[analysis.id] !== PENDING);
    if (ready) await analysisSection(analysis, runs, selected, { draw, styles, number: 1 });
  }
}

/** Packs values into a page's payloads under a name, which it returns. */
type Keep = (name: string) => (value: unknown) => string;

function keeperOf(payloads: Map<string, string>): Keep {
  return (name) => (value) => {
    payloads.set(name, packJson(value));
    return name;
  };
}

/** The figures of a page: their sections, how its script makes each, and the ids of the analyses that are drawn. */
interface Figures {
  readonly sections: readonly string[];
  readonly figures: PageIndex["figures"];
  readonly shown: ReadonlySet<string>;
}

/** Draws the figures of the analyses, then those that need no run; the first has the number `look.number`. */
async function figuresOf(
  { runs, analyses }: ReportInput,
  selected: readonly ReportRun[],
  look: SectionOptions,
  keep: Keep,
): Promise<Figures> {
  const { styles } = look;
  const sections: string[] = [];
  const figures: PageIndex["figures"][number][] = [];
  const shown = new Set<string>();
  let { number } = look;
  // One after the other: Vega numbers the definitions of a drawing from a counter that each drawing sets back.
  const absent = analyses.filter((analysis) => isAbsent(analysis, runs));
  for (const analysis of analyses) {
    if (absent.includes(analysis)) continue;
    const { html, drawn } = await analysisSection(analysis, runs, selected, { ...look, number });
    sections.push(html);
    if (!drawn) continue;
    number += 1;
    shown.add(analysis.id);
    const id = `figure-${slug(analysis.id)}`;
    const entries = drawnEntries(analysis, selected);
    const spec = () => styleRuns(analysis.figure(entries), styles);
    const labels = entries.map(({ label }) => givenLabel(label));
    figures.push({ id, title: analysis.title, source: sourceOf(analysis, labels, spec, keep(`spec-${slug(analysis.id)}`)) });
  }
  for (const background of backgroundFigures()) {
    if (analyses.some((analysis) => slug(analysis.id) === background.id)) continue;
    sections.push(await backgroundSection(background, { ...look, number: number++ }));
    figures.push({ id: `figure-${background.id}`, title: background.title, source: { kind: "background", id: background.id } });
  }
  sections.push(absentSection(absent, runs));
  return { sections, figures, shown };
}

/** What the sections of a page are made of. */
interface PageBody {
  readonly input: ReportInput;
  readonly title: string;
  readonly cast: Cast | undefined;
  readonly hero: ReturnType<typeof heroFigure> | undefined;
  readonly claims: readonly JudgedClaim[];
  readonly drawn: Figures;
  readonly models: PageIndex["models"];
}

/** The first section: the question, the answer in sentences, the first figure, the verdicts. */
function answerSection({ input, title, cast, hero, claims }: PageBody): string {
  const finished = input.unfinished === undefined;
  const sentences =
    cast === undefined ? [] : answerSentences(cast, { counts: verdictCounts(claims), sources: testedSources(claims) }, finished);
  return `<section id="answer">
<h1>${escapeHtml(title)}</h1>
${unfinishedNote(input)}
${sentences.map((sentence) => `<p class="answer">${sentence}</p>`).join("\n")}
${hero?.html ?? ""}
${verdictBar(claims)}
</section>`;
}

/** All sections, in the page's order. */
function mainOf(body: PageBody): string {
  const { input, cast, claims, drawn, models } = body;
  const { runs } = input;
  const explored = models.flatMap(({ label }) => {
    const run = runs.find((other) => other.label === label);
    return run === undefined ? [] : [{ label, p: run.config.p, neurons: run.config.d_mlp }];
  });
  return `${answerSection(body)}
${cast === undefined ? "" : findingsSection(cast, drawn.shown)}
${claimsSection(claims, drawn.shown, caveats(runs))}
${exploreSection(explored)}
<section id="figures"><h2>Figures</h2>
${drawn.sections.join("\n")}
</section>
<section id="provenance"><h2>Provenance</h2>
${provenanceBlock(input)}
</section>`;
}

const CONTENTS = [
  { id: "answer", name: "Answer" },
  { id: "findings", name: "Findings" },
  { id: "claims", name: "Claims" },
  { id: "explore", name: "Run it" },
  { id: "figures", name: "Figures" },
  { id: "provenance", name: "Provenance" },
];

/**
 * The report: one HTML page that needs nothing else. A pure function of its input, but for loading Vega to draw the figures.
 *
 * @throws MiiiiError `usage` for no runs or two runs of one label.
 */
export async function buildReport(input: ReportInput): Promise<Report> {
  ensureInput(input);
  const { runs, bundles, stamp, identity, chosen = false } = input;
  const draw = input.draw ?? drawFigure;
  const selected = runs.filter(({ label }) => input.selected === undefined || input.selected.includes(label));
  const payloads = new Map<string, string>();
  const keep = keeperOf(payloads);
  const isBeside = ({ label }: ReportRun) => input.beside?.includes(label) === true;
  const claims = judgeClaims(runs.filter((run) => !isBeside(run)));
  const cast = castOf(runs, chosen, runs.find(isBeside));
  const hero = cast === undefined ? undefined : heroFigure(cast);
  const look = { draw, styles: stylesOf(runs), number: hero === undefined ? 1 : 2 };
  const drawn = await figuresOf(input, selected, look, keep);
  const models = (input.unfinished === undefined ? runnable(cast) : []).map(({ label, parameters }, i) => {
    payloads.set(`model-${i}`, packBytes(packModel(parameters)));
    return { label, payload: `model-${i}` };
  });
  const entries = runs.map((run, i) => ({
    label: run.label,
    config: run.config,
    payload: keep(`run-${i}`)(runData(run)),
    selected: selected.includes(run),
  }));
  const title = input.title ?? questionOf(cast, chosen);
  const main = mainOf({ input, title, cast, hero, claims, drawn, models });
  const html = htmlPage({
    title,
    contents: CONTENTS.filter(({ id }) => main.includes(`<section id="${id}"`)),
    tools: runPicker(runs, selected, drawn.shown),
    main,
    index: { runs: entries, figures: drawn.figures, hero: hero?.labels ?? [], models },
    payloads,
    bundles,
    ...(stamp === undefined ? {} : { stamp }),
    ...(identity === undefined ? {} : { identity }),
  });
  return { html, bytes: Buffer.byteLength(html), claims };
}

/** A figure with what a page says around it. */
export interface CaptionedFigure {
  readonly id: string;
  readonly title: string;
  readonly headline: string;
  readonly spec: TopLevelSpec;
}

/**
 * One figure as a page of its own, with the same downloads, data and text alternative as in a report; its spec stands in the
 * page.
 */
export async function specPage(figure: CaptionedFigure): Promise<string> {
  const payloads = new Map([["spec", packJson(figure.spec)]]);
  return onePage(figure, { kind: "spec", payload: "spec", labels: [] }, { runs: [], payloads, styles: new Map(), labels: [] });
}

interface OneFigure {
  readonly runs: PageIndex["runs"];
  readonly payloads: ReadonlyMap<string, string>;
  readonly styles: ReadonlyMap<string, RunStyle>;
  readonly labels: readonly string[];
}

async function onePage(
  { id: name, title, headline, spec }: CaptionedFigure,
  source: FigureSource,
  { runs, payloads, styles, labels }: OneFigure,
): Promise<string> {
  const id = `figure-${slug(name)}`;
  const drawing = await drawFigure({ spec: () => spec });
  const parts = { id, number: 1, title, says: headline, alternative: spec.description ?? title, drawing, labels, styles };
  const main = `<section id="figures"><h1>${escapeHtml(title)}</h1>${figureBlock(parts)}</section>`;
  const index: PageIndex = { runs, figures: [{ id, title, source }], hero: [], models: [] };
  return htmlPage({ title, contents: [{ id: "figures", name: title }], main, index, payloads, bundles: await loadBundles() });
}

/** An analysis's figure as a page of its own, with the same downloads, data and text alternative as in a report. */
export async function figurePage(analysis: Analysis, entries: readonly Labelled<Json>[]): Promise<string> {
  const styles = stylesOf(entries);
  const safe = entries.map((entry) => ({ ...entry, label: figureLabel(entry.label) }));
  const spec = styleRuns(analysis.figure(safe), styles);
  const labels = entries.map(({ label }) => label);
  const payloads = new Map<string, string>();
  const runs = entries.map(({ label, config, result }, i) => {
    const data: RunData = { label, config, results: { [analysis.id]: result } };
    payloads.set(`run-${i}`, packJson(data));
    return { label, config, payload: `run-${i}`, selected: true };
  });
  const keep = (made: TopLevelSpec) => {
    payloads.set("spec", packJson(made));
    return "spec";
  };
  const source = sourceOf(analysis, labels, () => spec, keep);
  const figure = { id: analysis.id, title: analysis.title, headline: analysis.headline(entries), spec };
  return onePage(figure, source, { runs, payloads, styles, labels });
}
