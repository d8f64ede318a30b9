import type { TopLevelSpec } from "vega-lite";
import type { Layer, Panel } from "./view.ts";

/** A spec or a view as plain fields, for passes that rewrite any of them alike. */
export type Tree = Readonly<Record<string, unknown>>;

/** Whether a value is an object with fields of its own. */
export function isTree(value: unknown): value is Tree {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/**
 * A spec with every part replaced by what `change` makes of it, leaves first. Data stay the objects that they are: a grid's rows
 * are made only where somebody reads them, and none of them holds a part of a spec.
 */
export function mapParts<T>(spec: T, change: (part: Tree) => Tree): T {
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (!isTree(value)) return value;
    return change(Object.fromEntries(Object.entries(value).map(([key, part]) => [key, key === "data" ? part : walk(part)])));
  };
  // Passes keep the kinds of parts that they find: what comes out is of the type that went in.
  return walk(spec) as T;
}

const CONCATS = ["concat", "hconcat", "vconcat"] as const;

/** The panels that a view sets beside or above each other; undefined for one that draws by itself. */
export function panelsOf(view: TopLevelSpec | Panel): readonly Panel[] | undefined {
  if ("concat" in view) return view.concat;
  if ("hconcat" in view) return view.hconcat;
  return "vconcat" in view ? view.vconcat : undefined;
}

/** A view with other panels in the place of its own. */
export function withPanels<T extends TopLevelSpec | Panel>(view: T, change: (panel: Panel, place: number) => Panel): T {
  const found = CONCATS.find((key) => key in view);
  const panels = panelsOf(view);
  return found === undefined || panels === undefined ? view : { ...view, [found]: panels.map(change) };
}

/** The views that draw, in the order in which they are read. */
export function leavesOf(view: TopLevelSpec | Panel): (TopLevelSpec | Panel)[] {
  return panelsOf(view)?.flatMap(leavesOf) ?? [view];
}

/** The layers of a view that draws. */
export function layersOf(leaf: TopLevelSpec | Panel): Layer[] {
  if (!("layer" in leaf)) return "mark" in leaf ? [leaf as Layer] : [];
  return leaf.layer.flatMap((layer) => layersOf(layer as Panel));
}
