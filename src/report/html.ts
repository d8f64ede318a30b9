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

/** A number as a reader wants it: four significant digits, thousands kept whole, a true minus sign. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) {
    const digits = String(Math.abs(value)).replace(/\B(?=(\d{3})+$)/g, Math.abs(value) >= 10_000 ? "," : "");
    return value < 0 ? `−${digits}` : digits;
  }
  const magnitude = Math.abs(value);
  const text = magnitude >= 1e-4 && magnitude < 1e6 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
  return text.replace(/-/g, "−");
}

/** A share as percent, three significant digits. */
export function formatPercent(share: number): string {
  return `${formatNumber(Number((100 * share).toPrecision(3)))} %`;
}
