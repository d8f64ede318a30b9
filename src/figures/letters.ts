import type { Panel } from "./view.ts";
import { leavesOf, panelsOf, withPanels } from "./walk.ts";

/** The name of the i-th panel: a, b, …, z, aa, ab, … */
export function panelLetter(i: number): string {
  const last = String.fromCharCode(97 + (i % 26));
  return i < 26 ? last : `${panelLetter(Math.floor(i / 26) - 1)}${last}`;
}

/** The title's text in one line. */
export function titleText({ title }: Panel): string {
  if (title === undefined || title === null) return "";
  const text = typeof title === "object" && "text" in title ? title.text : title;
  if (Array.isArray(text)) return text.join(" ");
  return typeof text === "string" ? text : "";
}

function withLetter(panel: Panel, letter: string): Panel {
  const { title } = panel;
  if (title === undefined) return { ...panel, title: { text: letter, fontSize: 12, fontWeight: 600 } };
  if (typeof title === "string" || Array.isArray(title)) return withLetter({ ...panel, title: { text: title } }, letter);
  if (!("text" in title)) return panel;
  const { text } = title;
  const [first = "", ...rest] = Array.isArray(text) ? text : [typeof text === "string" ? text : ""];
  const named = `${letter}  ${first}`;
  return { ...panel, title: { ...title, text: rest.length === 0 ? named : [named, ...rest] } };
}

/** A figure of several panels with a letter before the title of each, in the order of reading; one panel alone stays as it is. */
export function letterPanels(panel: Panel): Panel {
  if (leavesOf(panel).length < 2) return panel;
  let count = 0;
  const walk = (view: Panel): Panel =>
    panelsOf(view) === undefined ? withLetter(view, panelLetter(count++)) : withPanels(view, walk);
  return walk(panel);
}
