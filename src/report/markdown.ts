import { escapeHtml } from "./html.ts";

/** Bold, emphasis, code and links of one line, from text that is escaped first: no HTML passes. */
export function inlineMarkdown(text: string): string {
  // Code spans are set aside, so that stars and underscores in formulas stay as they are.
  const codes: string[] = [];
  const aside = text.replace(/(`+)(.+?)\1/g, (_, _ticks: string, code: string) => {
    codes.push(`<code>${escapeHtml(code.trim())}</code>`);
    return `\ue000${codes.length - 1}\ue000`;
  });
  return escapeHtml(aside)
    .replace(/\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)/g, '<a href="$2" rel="noreferrer">$1</a>')
    .replace(/\*\*(\S(?:.*?\S)?)\*\*/g, "<strong>$1</strong>")
    .replace(/(^|[\s(])[*_](\S(?:.*?\S)?)[*_](?=$|[\s).,;:])/g, "$1<em>$2</em>")
    .replace(/\ue000(\d+)\ue000/g, (_, i: string) => codes[Number(i)] ?? "");
}

function markdownRow(line: string, cell: "td" | "th"): string {
  const cells = line
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/);
  return `<tr>${cells.map((text) => `<${cell}>${inlineMarkdown(text.trim().replace(/\\\|/g, "|"))}</${cell}>`).join("")}</tr>`;
}

function block(lines: readonly string[]): string {
  const first = lines[0] ?? "";
  const heading = /^(#{1,4})\s+(.*)$/.exec(first);
  if (heading !== null) {
    // Headings of a definition stand below the section's own.
    const level = Math.min(6, (heading[1] ?? "").length + 3);
    const rest = lines.slice(1);
    return `<h${level}>${inlineMarkdown(heading[2] ?? "")}</h${level}>${rest.length > 0 ? block(rest) : ""}`;
  }
  if (/^\|.*\|/.test(first) && /^\|?[\s:|-]+\|?$/.test(lines[1] ?? "")) {
    const body = lines.slice(2).map((line) => markdownRow(line, "td"));
    return `<table><thead>${markdownRow(first, "th")}</thead><tbody>${body.join("")}</tbody></table>`;
  }
  const marker = /^\s*(?:[-*+]|\d+[.)])\s+/;
  const start = lines.findIndex((line) => marker.test(line));
  if (start > 0) return `${block(lines.slice(0, start))}${block(lines.slice(start))}`;
  if (start === 0) {
    const items: string[] = [];
    for (const line of lines) {
      if (marker.test(line)) items.push(line.replace(marker, ""));
      else items.push(`${items.pop() ?? ""} ${line.trim()}`);
    }
    const tag = /^\s*\d/.test(first) ? "ol" : "ul";
    return `<${tag}>${items.map((item) => `<li>${inlineMarkdown(item)}</li>`).join("")}</${tag}>`;
  }
  return `<p>${inlineMarkdown(lines.map((line) => line.trim()).join(" "))}</p>`;
}

/**
 * The Markdown of definitions as HTML: paragraphs, headings, lists, tables, fenced code, bold, emphasis, code and https links.
 * Any HTML in it is shown as text.
 */
export function renderMarkdown(markdown: string): string {
  const out: string[] = [];
  let lines: string[] = [];
  let fence: string[] | undefined;
  const flush = () => {
    if (lines.length > 0) out.push(block(lines));
    lines = [];
  };
  for (const line of markdown.replace(/\r\n?/g, "\n").replaceAll("\ue000", "").split("\n")) {
    if (/^\s*```/.test(line)) {
      if (fence === undefined) {
        flush();
        fence = [];
      } else {
        out.push(`<pre><code>${escapeHtml(fence.join("\n"))}</code></pre>`);
        fence = undefined;
      }
    } else if (fence !== undefined) fence.push(line);
    else if (line.trim() === "") flush();
    else lines.push(line);
  }
  if (fence !== undefined) out.push(`<pre><code>${escapeHtml(fence.join("\n"))}</code></pre>`);
  flush();
  return out.join("\n");
}
