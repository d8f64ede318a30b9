import { createHash } from "node:crypto";
import { unbroken } from "../figures/index.ts";
import { escapeHtml, scriptJson } from "./html.ts";
import { PAGE_STYLE } from "./page-style.ts";
import { type PageIndex, payloadElement } from "./payload.ts";
import type { Bundles } from "./types.ts";

const MARK_JS = 'document.documentElement.classList.add("js");';
const STAMP_START = "<!-- stamp -->";
const STAMP_END = "<!-- /stamp -->";

/** The page without its time stamp: the same for the same input. */
export function comparedBody(html: string): string {
  const [start, end] = [html.indexOf(STAMP_START), html.indexOf(STAMP_END)];
  return start < 0 || end < start ? html : html.slice(0, start) + html.slice(end + STAMP_END.length);
}

/** Nothing is loaded, scripts are the listed ones alone and cannot make code of text; styles are inline, images are data. */
function policy(scripts: readonly string[], connects: boolean): string {
  const hashes = scripts.map((script) => `'sha256-${createHash("sha256").update(script, "utf8").digest("base64")}'`);
  return `default-src 'none'; script-src ${hashes.join(" ")}; style-src 'unsafe-inline'; img-src data: blob:;${connects ? " connect-src 'self';" : ""} base-uri 'none'; form-action 'none'`;
}

/** HTML whose texts keep numbers and what belongs to them in one line; what stands in tags stays as it is. */
const unbrokenTexts = (html: string) => html.replace(/>[^<>]+</g, unbroken);

/** The parts of a page. */
export interface PageParts {
  readonly title: string;
  /** Links of the bar at the top: the id of a section and its name. */
  readonly contents: readonly { readonly id: string; readonly name: string }[];
  /** HTML at the right of the bar, for instance the list of runs. */
  readonly tools?: string;
  /** HTML of the main column, already escaped. */
  readonly main: string;
  readonly index: PageIndex;
  /** Texts of the payloads by their ids. */
  readonly payloads: ReadonlyMap<string, string>;
  readonly bundles: Bundles;
  readonly stamp?: string;
  readonly identity?: string;
  /** Whether the page may ask the server that it came from. */
  readonly connects?: boolean;
  /** Rules of its own, after those of every page. */
  readonly style?: string;
}

/** The identity of the report that a page is, from its beginning; undefined where it is none. */
export function reportMark(head: string): string | undefined {
  return /<meta name="miiii-report" content="([0-9a-f]+)">/.exec(head)?.[1];
}

const pageScripts = ({ vega, vegaLite, vegaEmbed, page }: Bundles) => [vega, vegaLite, vegaEmbed, page];

/** The content policy of a page with these parts. */
export function pagePolicy({ bundles, connects = false }: Pick<PageParts, "bundles" | "connects">): string {
  return policy([MARK_JS, ...pageScripts(bundles)], connects);
}

/**
 * A whole page: one file, no request, scripts by their hashes alone. What is read first stands first: scripts and data come after
 * the text, so that a browser shows the page before it reads them.
 */
export function htmlPage(parts: PageParts): string {
  const { title, contents, tools = "", main, index, payloads, bundles, stamp, connects = false, style = "", identity } = parts;
  const scripts = pageScripts(bundles);
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">${identity === undefined ? "" : `\n<meta name="miiii-report" content="${identity}">`}
<meta http-equiv="Content-Security-Policy" content="${pagePolicy(parts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(title)}</title>${connects ? '\n<link rel="icon" href="data:,">' : ""}
<style>${PAGE_STYLE}${style}</style>
<script>${MARK_JS}</script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<nav aria-label="contents">${contents.map(({ id, name }) => `<a href="#${id}">${escapeHtml(name)}</a>`).join("")}</nav>
<div class="topright needs-js">${tools}<button type="button" id="theme">light / dark</button></div>
</header>
<main id="main" tabindex="-1">
${unbrokenTexts(main)}
</main>
<footer>${STAMP_START}${stamp === undefined ? "" : `Made ${escapeHtml(stamp)}.`}${STAMP_END}</footer>
<script type="application/json" id="page-index">${scriptJson(index)}</script>
${[...payloads].map(([id, text]) => payloadElement(id, text)).join("\n")}
${scripts.map((script) => `<script>${script}</script>`).join("\n")}
</body>
</html>
`;
}
