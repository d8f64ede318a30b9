import type { Layer, Panel } from "./view.ts";
import { isTree, layersOf, type Tree } from "./walk.ts";

/** What an axis with its title and a legend need beside a panel at least, in pixels. */
const MARGIN = 64;
const LEGEND = 74;

/** Of an axis without its labels: ticks, title and a little air. */
const AXIS = 34;

/** Width of a character of a label, in pixels. */
const CHARACTER = 5.9;

const longest = (texts: readonly unknown[]) => Math.max(0, ...texts.map((text) => String(text).length));

function channel(layer: Layer, name: "x" | "y" | "color"): Tree | undefined {
  const encoding = "encoding" in layer ? layer.encoding : undefined;
  const found = isTree(encoding) ? encoding[name] : undefined;
  return isTree(found) ? found : undefined;
}

/** The labels of an axis of names, as far as its spec lists them. */
function namesOf({ axis, sort }: Tree): readonly unknown[] {
  if (Array.isArray(sort)) return sort;
  const listed =
    isTree(axis) && typeof axis.labelExpr === "string" ? /^(\[.*\])\[datum\.value\]$/.exec(axis.labelExpr)?.[1] : undefined;
  return listed === undefined ? [] : (JSON.parse(listed) as unknown[]);
}

function leftOf(layers: readonly Layer[]): number {
  const names = layers.map((layer) => longest(namesOf(channel(layer, "y") ?? {})));
  return AXIS + CHARACTER * Math.max(0, ...names);
}

/** Whether a legend stands at the panel's side, and how wide its title is. */
function legendOf(layer: Layer): number {
  const color = channel(layer, "color");
  if (color === undefined || !("field" in color) || color.legend === null) return 0;
  const legend = isTree(color.legend) ? color.legend : {};
  if (legend.orient === "top" || legend.orient === "bottom") return 0;
  return Math.max(LEGEND, 24 + CHARACTER * longest([legend.title ?? ""]));
}

/** Texts that stand outside at the right, as those of nulls do. */
function textOf(layer: Layer): number {
  if (!("mark" in layer) || !isTree(layer.mark) || layer.mark.type !== "text") return 0;
  if (channel(layer, "x")?.value !== "width" || layer.mark.align !== "left") return 0;
  const values = isTree(layer.data) && Array.isArray(layer.data.values) ? layer.data.values : [];
  return 6 + CHARACTER * longest(values.map((row: unknown) => (isTree(row) ? row.label : "")));
}

/** What a panel needs beside its plotting area, in pixels: axis and labels, legend, the names of nulls. */
export function besideOf(panel: Panel): number {
  const layers = layersOf(panel);
  const right = Math.max(0, ...layers.map(legendOf), ...layers.map(textOf));
  return Math.max(MARGIN, leftOf(layers)) + right;
}
