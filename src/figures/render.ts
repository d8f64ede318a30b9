import { Resvg } from "@resvg/resvg-js";
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { MiiiiError, messageOf } from "../core/index.ts";
import { drawable } from "./drawable.ts";
import { fontFiles } from "./fonts.ts";
import { svgPdf } from "./pdf.ts";

/** Logs nothing: Vega-Lite warns about harmless defaults, which would end up among a command's results. */
const QUIET: vega.LoggerInterface = {
  level: () => QUIET,
  error: () => QUIET,
  warn: () => QUIET,
  info: () => QUIET,
  debug: () => QUIET,
} as vega.LoggerInterface;

/**
 * A figure as an SVG, without a browser and without a canvas; the same text for the same spec. Loaded by `import()` alone, since
 * it brings in Vega.
 *
 * @throws MiiiiError `input` where Vega cannot draw the spec.
 */
export async function renderSvg(spec: TopLevelSpec): Promise<string> {
  vega.resetSVGDefIds();
  const view = await startView(spec);
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

async function startView(spec: TopLevelSpec): Promise<vega.View> {
  try {
    const compiled = compile(drawable(spec).spec, { logger: QUIET }).spec;
    // No figure loads anything: a spec that asks for a file or an address is refused (Vega itself would draw it without its
    // data).
    const asked: string[] = [];
    const loader = vega.loader();
    loader.load = (uri: string) => {
      asked.push(uri);
      return Promise.reject(new Error("refused"));
    };
    const view = new vega.View(vega.parse(compiled), { renderer: "none", loader, logger: QUIET });
    await view.runAsync();
    if (asked.length > 0) throw new MiiiiError("input", `figure: must hold its own data, asks for ${asked.join(", ")}`);
    return view;
  } catch (error) {
    throw error instanceof MiiiiError
      ? error
      : new MiiiiError("input", `figure: cannot be drawn: ${messageOf(error)}`, { cause: error });
  }
}

/** How a drawing is put on a page: the page's color and the ink's. */
export type PageTheme = "light" | "dark";

const PAGES = { light: { background: "#ffffff", color: "#1d2329" }, dark: { background: "#14181c", color: "#e4e8ec" } } as const;

/** An SVG as a file of its own: what is drawn in the page's color and ink gets them. */
export function pagedSvg(svg: string, theme: PageTheme): string {
  const { background, color } = PAGES[theme];
  return svg.replace(/^<svg /, `<svg style="background: ${background}; color: ${color}" `);
}

/** An SVG as a PNG, at `scale` pixels a unit. */
export function svgToPng(svg: string, scale = 2, theme: PageTheme = "light"): Uint8Array {
  // Vega asks for unblurred images in two ways, of which resvg knows the first alone and takes the last.
  const crisp = pagedSvg(svg.replaceAll("image-rendering: pixelated;", ""), theme);
  const options = {
    background: PAGES[theme].background,
    fitTo: { mode: "zoom", value: scale },
    font: { loadSystemFonts: true, fontFiles: fontFiles(), defaultFontFamily: "DejaVu Sans" },
  } as const;
  return new Resvg(crisp, options).render().asPng();
}

/**
 * An SVG of Vega's as a PDF of one page, `scale` times the drawing's size: vector graphics, text that can be selected, the same
 * bytes for the same drawing.
 */
export function svgToPdf(svg: string, scale = 1, theme: PageTheme = "light", title = ""): Promise<Uint8Array> {
  return svgPdf(svg, PAGES[theme], scale, title);
}
