import { createHash } from "node:crypto";
import { THEME } from "../figures/index.ts";
import { escapeHtml, scriptJson } from "./html.ts";
import { PAGE_SCRIPT } from "./page-script.ts";
import { PAGE_STYLE } from "./page-style.ts";
import type { PageFigure } from "./section.ts";
import type { Bundles } from "./types.ts";

/** Largest page that a report is meant to be, in bytes; see {@link fittingPage}. */
export const MAX_PAGE_BYTES = 3_000_000;

const MARK_JS = 'document.documentElement.classList.add("js");';
const STAMP_START = "<!-- stamp -->";
const STAMP_END = "<!-- /stamp -->";

/** The page without its time stamp: the same for the same input. */
export function comparedBody(html: string): string {
  const [start, end] = [html.indexOf(STAMP_START), html.indexOf(STAMP_END)];
  return start < 0 || end < start ? html : html.slice(0, start) + html.slice(end + STAMP_END.length);
}

/** Nothing is loaded, scripts are the listed ones alone and cannot make code of text; styles are inline, images are data. */
function policy(scripts: readonly string[]): string {
  const hashes = scripts.map((script) => `'sha256-${createHash("sha256").update(script, "utf8").digest("base64")}'`);
  return `default-src 'none'; script-src ${hashes.join(" ")}; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'`;
}

function specsJson(figures: readonly PageFigure[]): string {
  return scriptJson({
    config: THEME,
    figures: Object.fromEntries(figures.map(({ id, spec }) => [id, spec])),
    tables: Object.fromEntries(figures.map(({ id, tables }) => [id, tables])),
  });
}

/** The parts of a page. */
export interface PageParts {
  readonly title: string;
  /** Entries of the contents: the id of a section and its name. */
  readonly contents: readonly { readonly id: string; readonly name: string }[];
  /** HTML of the main column, already escaped. */
  readonly main: string;
  readonly figures: readonly PageFigure[];
  readonly bundles: Bundles;
  readonly stamp?: string;
}

/** A whole page: one file, no request, scripts by their hashes alone. */
export function htmlPage({ title, contents, main, figures, bundles, stamp }: PageParts): string {
  const scripts = [bundles.vega, bundles.vegaLite, bundles.vegaEmbed, PAGE_SCRIPT];
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy([MARK_JS, ...scripts])}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
<script>${MARK_JS}</script>
</head>
<body>
<a class="skip" href="#main">Skip the contents</a>
<div class="layout">
<nav aria-label="contents"><details open><summary>Contents</summary><ol>
${contents.map(({ id, name }) => `<li><a href="#${id}">${escapeHtml(name)}</a></li>`).join("\n")}
</ol><p class="needs-js"><button type="button" id="theme">light / dark</button></p></details></nav>
<main id="main">
${main}
</main>
</div>
<footer>${STAMP_START}${stamp === undefined ? "" : `Made ${escapeHtml(stamp)}.`}${STAMP_END}</footer>
<script type="application/json" id="figure-specs">${specsJson(figures)}</script>
${scripts.map((script) => `<script>${script}</script>`).join("\n")}
</body>
</html>
`;
}

/** A page, and the figures on it that are drawings alone. */
export interface FittingPage {
  readonly html: string;
  readonly still: readonly string[];
}

/**
 * The page at no more than `limit` bytes, if that can be had by keeping the heaviest figures still: their drawings stay, their
 * specs and data, which make them live and downloadable, are left out, and the page says so in their place.
 */
export function fittingPage(parts: PageParts, limit = MAX_PAGE_BYTES): FittingPage {
  const whole = htmlPage(parts);
  let excess = Buffer.byteLength(whole) - limit;
  if (excess <= 0) return { html: whole, still: [] };
  const weights = parts.figures.map(({ id, spec }) => ({ id, bytes: Buffer.byteLength(scriptJson(spec)) }));
  const still = new Set<string>();
  for (const { id, bytes } of weights.sort((a, b) => b.bytes - a.bytes)) {
    if (excess <= 0) break;
    still.add(id);
    excess -= bytes;
  }
  const html = htmlPage({ ...parts, figures: parts.figures.filter(({ id }) => !still.has(id)) });
  return { html, still: [...still] };
}
