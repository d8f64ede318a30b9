import { unbroken } from "../figures/index.ts";
import { escapeHtml } from "./html.ts";
import { inlineMarkdown } from "./markdown.ts";

/** What a headline says of each run (`label: …; label: …`), in its order; all of it without a label where it speaks of none. */
export function saidOf(headline: string, labels: readonly string[]): { readonly label: string; readonly text: string }[] {
  const parts: { label: string; text: string }[] = [];
  for (const part of headline.split("; ")) {
    const label = labels.filter((name) => part.startsWith(`${name}: `)).sort((a, b) => b.length - a.length)[0];
    const last = parts.at(-1);
    if (label !== undefined) parts.push({ label, text: part.slice(label.length + 2) });
    else if (last !== undefined) last.text += `; ${part}`;
    else parts.push({ label: "", text: part });
  }
  return parts;
}

/** A headline as a sentence, or of several runs as a table of one line each. */
export function saysHtml(headline: string, labels: readonly string[]): string {
  const parts = saidOf(headline, labels);
  const [first] = parts;
  if (parts.length < 2 || first === undefined) return `<p>${inlineMarkdown(unbroken(headline))}</p>`;
  const rows = parts.map(
    ({ label, text }) => `<tr><th scope="row">${escapeHtml(label)}</th><td>${inlineMarkdown(unbroken(text))}</td></tr>`,
  );
  return `<table><tbody>${rows.join("")}</tbody></table>`;
}
