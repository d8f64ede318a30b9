import type { TopLevelSpec } from "vega-lite";
import type { Panel } from "./panel.ts";
import { resized, titled } from "./resize.ts";
import { besideOf } from "./room.ts";
import { panelsOf } from "./walk.ts";

const SPACING = 20;

/** The narrowest that a panel may be drawn, and that one may become to stand in a row. */
const LEAST = 150;
const NARROW = 160;

/** The same of a grid that is small by itself. */
const SMALL = 150;
const SMALLEST = 96;

function panelWidth(panel: Panel): number {
  return "width" in panel && typeof panel.width === "number" ? panel.width : 300;
}

/** Whether a panel's width means nothing but room: a square grid or Hinton squares keep their shape. */
function isElastic(panel: Panel): boolean {
  if (!("layer" in panel)) return false;
  const { height } = panel;
  return typeof height === "number" && panelWidth(panel) > 1.25 * height;
}

const outer = (panel: Panel, width = panelWidth(panel)) => width + besideOf(panel);

/** A panel at most `available` wide; one whose width is only room takes up to `grow` times its own. */
function fitted(panel: Panel, available: number, grow: number): Panel {
  const panels = panelsOf(panel);
  if (panels !== undefined) return flowed(panel, available);
  const own = panelWidth(panel);
  const beside = outer(panel) - own;
  const most = Math.max(own <= SMALL ? SMALLEST : LEAST, available - beside);
  const height = "height" in panel && typeof panel.height === "number" ? panel.height : undefined;
  if (own > most) {
    // A grid shrinks in both directions.
    const shorter = height !== undefined && !isElastic(panel) ? { height: Math.round((height * most) / own) } : {};
    return resized(panel, most, shorter);
  }
  return isElastic(panel) ? resized(panel, Math.min(most, own * grow)) : panel;
}

function widthOf(panel: Panel): number {
  const panels = panelsOf(panel);
  if (panels === undefined) return outer(panel);
  const columns = columnCount(panel, panels.length);
  const widths = panels.map(widthOf);
  let widest = 0;
  for (let i = 0; i < widths.length; i += columns) {
    const row = widths.slice(i, i + columns);
    widest = Math.max(widest, row.reduce((sum, width) => sum + width, 0) + SPACING * (row.length - 1));
  }
  return widest;
}

function columnCount(panel: Panel, count: number): number {
  if ("vconcat" in panel) return 1;
  if ("columns" in panel && typeof panel.columns === "number") return Math.min(panel.columns, count);
  return count;
}

/** How much of the room lines of a group's title may take: without a canvas Vega holds text for wider than it is. */
const TITLED = 0.7;

const LAYOUT: ReadonlySet<string> = new Set(["concat", "hconcat", "vconcat", "columns"]);

/** The least that a panel is drawn at, outside included, in a row of several. */
function leastOf(panel: Panel): number {
  const panels = panelsOf(panel);
  if (panels === undefined) return Math.min(outer(panel), outer(panel, panelWidth(panel) <= SMALL ? SMALLEST : NARROW));
  const least = panels.map(leastOf);
  const columns = columnCount(panel, panels.length);
  const rows = Array.from({ length: Math.ceil(least.length / columns) }, (_, row) =>
    least.slice(row * columns, (row + 1) * columns),
  );
  return Math.max(...rows.map((row) => row.reduce((sum, width) => sum + width, 0) + SPACING * (row.length - 1)));
}

/** Stacks with less between their panels are one picture: rows over one axis. */
const LOOSE = 16;

/** Whether a stack is a list of pictures that may as well stand beside each other. */
function isList(panel: Panel, panels: readonly Panel[]): boolean {
  const spacing = "spacing" in panel && typeof panel.spacing === "number" ? panel.spacing : SPACING;
  return panels.length > 1 && spacing >= LOOSE && panels.every((child) => panelsOf(child) === undefined);
}

/** Panels set in as many columns as fit, those that can grow filling the row. */
function flowed(panel: Panel, available: number): Panel {
  const panels = panelsOf(panel);
  if (panels === undefined) return fitted(panel, available, 1);
  const own = Object.entries(panel).filter(([key]) => !LAYOUT.has(key));
  const rest = { ...Object.fromEntries(own), ...titled(panel.title, TITLED * available) };
  const given = columnCount(panel, panels.length);
  const wanted = given === 1 && isList(panel, panels) ? 2 : given;
  const rowsFit = (columns: number, size: (child: Panel) => number) => {
    const sizes = panels.map(size);
    for (let i = 0; i < sizes.length; i += columns) {
      const row = sizes.slice(i, i + columns);
      if (row.reduce((sum, width) => sum + width, 0) + SPACING * (row.length - 1) > available) return false;
    }
    return true;
  };
  let columns = wanted;
  // Panels of a row become narrower before the row is broken.
  while (columns > 1 && !rowsFit(columns, leastOf)) columns--;
  // A table of panels keeps its columns together: four become two, not three.
  while (columns > 1 && given > 1 && panels.length > given && given % columns !== 0) columns--;
  // One row that has to be broken becomes rows as even as can be: four are two and two, not three and one.
  if (given >= panels.length) columns = Math.ceil(panels.length / Math.ceil(panels.length / columns));
  if (columns === 1) return { ...rest, vconcat: panels.map((child) => fitted(child, available, 1.6)) } as Panel;
  const room = available - SPACING * (columns - 1);
  const scale = (i: number) => {
    const first = i - (i % columns);
    const row = panels.slice(first, first + columns).map(widthOf);
    return room / row.reduce((sum, width) => sum + width, 0);
  };
  const children = panels.map((child, i) => (scale(i) < 1 ? fitted(child, Math.floor(widthOf(child) * scale(i)), 1) : child));
  return { ...rest, concat: stretched(children, columns, available), columns } as Panel;
}

/** The elastic panels of each column a little wider, where the row leaves room. */
function stretched(panels: readonly Panel[], columns: number, available: number): Panel[] {
  const widest = Array.from({ length: columns }, (_, column) =>
    Math.max(...panels.filter((_panel, i) => i % columns === column).map(widthOf)),
  );
  const spare = available - widest.reduce((sum, width) => sum + width, 0) - SPACING * (columns - 1);
  if (spare <= 0) return [...panels];
  const elastic = (panel: Panel) => panelsOf(panel) === undefined && isElastic(panel);
  const growing = widest.map((_, column) => panels.every((panel, i) => i % columns !== column || elastic(panel)));
  const count = growing.filter(Boolean).length;
  if (count === 0) return larger(panels, 1 + spare / widest.reduce((sum, width) => sum + width, 0));
  return panels.map((panel, i) =>
    growing[i % columns] ? resized(panel, Math.min(panelWidth(panel) + spare / count, panelWidth(panel) * 1.6)) : panel,
  );
}

/** How much larger a grid may be drawn than it asks for. */
const LARGER = 1.45;

/** Grids at up to `scale` times their size, where a row of nothing else leaves room. */
function larger(panels: readonly Panel[], scale: number): Panel[] {
  if (panels.some((panel) => panelsOf(panel) !== undefined || !("height" in panel) || typeof panel.height !== "number"))
    return [...panels];
  const factor = Math.min(scale, LARGER);
  return panels.map((panel) => {
    const height = Math.round(Number("height" in panel ? panel.height : 0) * factor);
    return resized(panel, panelWidth(panel) * factor, { height });
  });
}

/**
 * A figure laid out for a page of so many pixels: panels stand in fewer columns where they would not fit, fill their row where
 * they can grow, and none is wider than the page; text keeps its size.
 */
export function flowFigure(spec: TopLevelSpec, available: number): TopLevelSpec {
  return flowed(spec as Panel, available) as TopLevelSpec;
}
