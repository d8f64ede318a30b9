import { formatPercent } from "../core/index.ts";

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text made safe for HTML, in elements and in quoted attributes. Everything that is not ours passes through here. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] as string);
}

/** JSON that can stand inside a `<script>` element: no `<`, and no line separators that old parsers end a line at. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** An identifier for `id` and `#fragment` made of any text: lower case letters, digits and single hyphens. */
export function slug(text: string): string {
  const plain = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return plain === "" ? "x" : plain;
}

export { formatNumber, formatPercent } from "../core/index.ts";

/** A share in words: in whole percent, with digits only where that would round it to nothing or to all. */
export function plainPercent(share: number): string {
  if (share >= 0.01 && share < 0.99) return `${Math.round(100 * share)} %`;
  // Not all is never 100 %: 99.98 %.
  const all = share < 1 && share >= 0.9995;
  return all ? `${(Math.floor(share * 1e4) / 100).toFixed(2)} %` : formatPercent(share);
}
