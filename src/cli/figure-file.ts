import type { TopLevelSpec } from "vega-lite";
import type { Analysis, Labelled } from "../analyses/kit/define.ts";
import { writeText } from "../api/output.ts";
import { writeFileAtomic } from "../checkpoint/index.ts";
import { ensure, type Json, MiiiiError } from "../core/index.ts";
import { flowFigure, runStyles, specText, styleRuns } from "../figures/index.ts";
import type { PageTheme } from "../figures/render.ts";

/** How a figure is laid out and drawn. */
export interface FigureLook {
  /** Width that the panels are laid out for, in units; their own where left out. */
  readonly width?: number | undefined;
  /** Of a PNG, pixels a unit (2 where left out); of a PDF, its page's size against the drawing's (1). */
  readonly scale?: number | undefined;
  readonly theme?: PageTheme | undefined;
}

/** A figure, and its page where it is more than the figure with its caption. */
export interface FigureToWrite {
  /** A short name: ids in the drawing begin with it. */
  readonly id: string;
  readonly title: string;
  readonly headline: string;
  readonly spec: TopLevelSpec;
  readonly page?: () => Promise<string>;
}

type Draw = (figure: FigureToWrite) => Promise<void>;

/** An analysis's figure of some results, each run in its own style. */
export function analysisFigure(analysis: Analysis, entries: readonly Labelled<Json>[]): FigureToWrite {
  const { id, title } = analysis;
  const page = async () => (await import("../report/index.ts")).figurePage(analysis, entries);
  return { id, title, headline: analysis.headline(entries), spec: styleRuns(analysis.figure(entries), runStyles(entries)), page };
}

/** The narrowest and the widest that panels are laid out for. */
const WIDTHS = [280, 4000] as const;
const SCALES = [0.25, 10] as const;

function ensureLook({ width, scale }: FigureLook, ending: string): void {
  const within = (value: number | undefined, [low, high]: readonly [number, number]) =>
    value === undefined || (value >= low && value <= high);
  ensure(within(width, WIDTHS), "usage", () => `--figure-width: must be from ${WIDTHS[0]} to ${WIDTHS[1]}, got ${width}`);
  ensure(within(scale, SCALES), "usage", () => `--figure-scale: must be from ${SCALES[0]} to ${SCALES[1]}, got ${scale}`);
  ensure(
    scale === undefined || ending === ".png" || ending === ".pdf",
    "usage",
    () => `--figure-scale: is for .png and .pdf, got ${ending}`,
  );
}

/** Drawings of a figure at most, each with less room than the one before. */
const ATTEMPTS = 4;

/** A figure laid out so that its drawing is at most `width` wide: what stands beside panels is known once they are drawn. */
async function drawnWithin(spec: TopLevelSpec, width: number | undefined, render: (spec: TopLevelSpec) => Promise<string>) {
  if (width === undefined) return { spec, svg: await render(spec) };
  let room = width;
  for (let attempt = 1; ; attempt++) {
    const laidOut = flowFigure(spec, room);
    const svg = await render(laidOut);
    const over = Number(/^<svg [^>]*?\bwidth="([\d.]+)"/.exec(svg)?.[1] ?? 0) - width;
    if (over <= 0 || attempt === ATTEMPTS) return { spec: laidOut, svg };
    room = Math.max(WIDTHS[0] / 2, room - 1.5 * over);
  }
}

/**
 * How a figure is drawn to `path`, by the file's ending; an ending that is not known is a usage error, before any work is done.
 */
export function figureWriter(path: string, look: FigureLook = {}): Draw {
  const ending = /(\.vl\.json|\.html|\.svg|\.png|\.pdf)$/i.exec(path)?.[1]?.toLowerCase();
  ensureLook(look, ending ?? "");
  const { width, scale, theme = "light" } = look;
  const drawn = async ({ spec }: FigureToWrite) => {
    const render = await import("../figures/render.ts");
    return { render, ...(await drawnWithin(spec, width, render.renderSvg)) };
  };
  switch (ending) {
    case ".vl.json":
      return async (figure) => writeText(path, specText(width === undefined ? figure.spec : (await drawn(figure)).spec));
    case ".svg":
      return async (figure) => {
        const { prefixIds } = await import("../report/index.ts");
        const { render, svg } = await drawn(figure);
        // Ids of its own: several drawings may come to stand in one page.
        writeText(path, prefixIds(render.pagedSvg(svg, theme), `${figure.id}-`));
      };
    case ".png":
      return async (figure) => {
        const { render, svg } = await drawn(figure);
        writeFileAtomic(path, render.svgToPng(svg, scale ?? 2, theme));
      };
    case ".pdf":
      return async (figure) => {
        const { render, svg } = await drawn(figure);
        writeFileAtomic(path, await render.svgToPdf(svg, scale, theme, figure.title));
      };
    case ".html":
      return async (figure) => {
        const { specPage } = await import("../report/index.ts");
        writeText(path, await (figure.page?.() ?? specPage(figure)));
      };
    default:
      throw new MiiiiError("usage", `--figure: the file must end in .html, .svg, .png, .pdf or .vl.json, got ${path}`);
  }
}
