import type { TopLevelSpec } from "vega-lite";
import type { Labelled } from "../analyses/kit/define.ts";
import type { Json } from "../core/index.ts";
import { flowFigure, type RunStyle, untitled } from "../figures/index.ts";
import { compactSvg } from "./svg.ts";

/** Width for which still drawings are laid out, in pixels. */
const STILL_WIDTH = 1080;

/** A figure as it is drawn in a page, and what its spec says of it. */
export interface Drawing {
  readonly svg: string;
  readonly description: string;
}

/**
 * A figure to be drawn: all that its spec is made from, and what makes it, for what remembers the drawing need not make the spec.
 */
export interface FigureToDraw {
  readonly id: string;
  readonly entries: readonly Labelled<Json>[];
  readonly styles: ReadonlyMap<string, RunStyle>;
  readonly spec: () => TopLevelSpec;
}

/** What draws a figure: {@link drawFigure}, or what remembers its drawings. */
export type Draw = (figure: FigureToDraw) => Promise<Drawing>;

/** Draws a figure as it stands in a page. */
export async function drawFigure({ spec: make }: Pick<FigureToDraw, "spec">): Promise<Drawing> {
  const { renderSvg } = await import("../figures/render.ts");
  const spec = make();
  const svg = compactSvg(await renderSvg(flowFigure(untitled(spec), STILL_WIDTH)));
  return { svg, description: spec.description ?? "" };
}
