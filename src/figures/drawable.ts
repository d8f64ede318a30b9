import type { TopLevelSpec } from "vega-lite";
import { FOCUS, focused, focusPanels } from "./focus.ts";
import { type Grid, gridOf, gridPng, keepGrid } from "./grid.ts";
import { GRID_STYLE } from "./image.ts";
import type { RunStyle } from "./run-styles.ts";
import { SIGNED_SCHEME } from "./theme.ts";
import { isTree, mapParts, type Tree } from "./walk.ts";

/** What a page adds to a figure. */
export interface Liveness {
  /** The page's runs: their legends stand in the page, and one of them can be put into focus. */
  readonly styles: ReadonlyMap<string, RunStyle>;
}

/** A figure ready to be drawn, and the grids that are images in it, by the name that an image's datum has as `grid`. */
export interface Drawable {
  readonly spec: TopLevelSpec;
  readonly grids: ReadonlyMap<string, Grid>;
}

const distinct = (values: readonly unknown[]) =>
  [...new Set(values)].filter((value) => typeof value === "string" || typeof value === "number");

function numberPair(value: unknown): readonly [number, number] {
  const [low, high] = Array.isArray(value) ? value : [];
  return typeof low === "number" && typeof high === "number" ? [low, high] : [0, 1];
}

/** The field by which a layer of cells chooses among matrices: that of its filter. */
function pickedField(transform: unknown): string {
  const [filter] = Array.isArray(transform) ? transform.filter(isTree).flatMap((step) => step.filter ?? []) : [];
  const [, field] = /^datum\["(.*?)"\] === /.exec(String(filter)) ?? [];
  return field ?? "name";
}

/** The grid that a layer of cells shows, read from a spec that came from a file: from its rows, scales and tooltip. */
function gridOfRows({ data, encoding, transform }: Tree): Grid | undefined {
  const rows = isTree(data) && Array.isArray(data.values) ? data.values.filter(isTree) : [];
  const { x, y, color, tooltip } = (encoding ?? {}) as Readonly<Record<string, Tree>>;
  const fields = Array.isArray(tooltip) ? tooltip.map(({ field }: Tree) => String(field)) : [];
  const [yField, xField, value] = fields;
  const scale = isTree(color?.scale) ? color.scale : {};
  if (yField === undefined || xField === undefined || value === undefined || rows.length === 0) return undefined;
  const axis = (field: string, channel: Tree | undefined) => {
    const own = isTree(channel?.scale) ? channel.scale : {};
    const names = distinct(rows.map((row) => row[field]));
    const [low, high] = numberPair(own.domain);
    const ticks = own.type === "symlog" ? { ticks: names.map(Number) } : {};
    return { field, names, low, high, ...ticks };
  };
  const columns = distinct(rows.map((row) => row[xField])).length;
  const pick = pickedField(transform);
  const names = distinct(rows.map((row) => row[pick] ?? ""));
  const matrices = names.map((name) => {
    const cells = rows.filter((row) => (row[pick] ?? "") === name).map((row) => Number(row[value]));
    return { name: String(name), matrix: { columns, rows: cells.length / columns, data: cells } };
  });
  const coloring = scale.scheme === SIGNED_SCHEME ? "signed" : "magnitude";
  return keepGrid(data as Tree, {
    matrices,
    x: axis(xField, x),
    y: axis(yField, y),
    value,
    coloring,
    domain: numberPair(scale.domain),
    levels: coloring === "signed" ? 65 : 64,
    pick,
    also: {},
  });
}

/** The layer of cells as a layer of one image a matrix. */
function imageLayer(layer: Tree, grid: Grid, id: string): Tree {
  const { encoding = {}, transform = [] } = layer;
  const { x, y, opacity } = encoding as Readonly<Record<string, Tree>>;
  const values = grid.matrices.map(({ name, matrix }) => ({
    [grid.pick]: name,
    grid: id,
    x_from: grid.x.low,
    x_to: grid.x.high,
    y_from: grid.y.low,
    y_to: grid.y.high,
    url: gridPng(grid, matrix),
  }));
  return {
    data: { values },
    // Of the transforms the picker's filter alone: the image has its edges.
    transform: (transform as readonly Tree[]).filter((step) => "filter" in step),
    mark: { type: "image", aspect: false, smooth: false, tooltip: null },
    encoding: {
      x,
      x2: { field: "x_to" },
      y,
      y2: { field: "y_to" },
      url: { field: "url", type: "nominal" },
      ...(opacity === undefined ? {} : { opacity }),
    },
  };
}

/** The color legend of a grid's cells, from two points that nobody sees. */
function legendLayer(layer: Tree, { domain, value }: Grid): Tree {
  const { color } = layer.encoding as Tree;
  return {
    data: { values: domain.map((end) => ({ [value]: end, drawn_only: 1 })) },
    mark: { type: "point", opacity: 0, tooltip: null },
    encoding: { color },
  };
}

/** A layer over a line that lights the point nearest to the pointer and shows what it is. */
function hoverLayer(layer: Tree, name: string): Tree {
  const { encoding = {}, mark: _, params: __, ...rest } = layer;
  const { strokeDash: ___, opacity: ____, ...channels } = encoding as Tree;
  return {
    ...rest,
    params: [{ name, select: { type: "point", on: "pointerover", clear: "pointerout", nearest: true } }],
    mark: { type: "point", filled: true, size: 50 },
    encoding: { ...channels, opacity: { condition: { param: name, empty: false, value: 1 }, value: 0 } },
  };
}

const isLine = (layer: unknown) =>
  isTree(layer) && isTree(layer.mark) && layer.mark.type === "line" && layer.mark.tooltip !== null;

/**
 * What is given to Vega to draw a figure: grids as images. With `live`, lines answer to the pointer and runs can be put into
 * focus.
 */
export function drawable(spec: TopLevelSpec, live?: Liveness): Drawable {
  const grids = new Map<string, Grid>();
  let lines = 0;
  const change = (part: Tree): Tree => {
    if (!Array.isArray(part.layer)) return part;
    const layers = part.layer.flatMap((layer: Tree) => {
      const cells = isTree(layer.mark) && layer.mark.style === GRID_STYLE;
      const grid = cells ? (gridOf(layer.data) ?? gridOfRows(layer)) : undefined;
      if (grid !== undefined) {
        const id = `grid${grids.size}`;
        grids.set(id, grid);
        return [imageLayer(layer, grid, id), legendLayer(layer, grid)];
      }
      if (live === undefined) return [layer];
      const shown = focused(layer, live.styles);
      return isLine(layer) ? [shown, hoverLayer(shown, `hover_${lines++}`)] : [shown];
    });
    return { ...part, layer: layers };
  };
  const drawn = mapParts(live === undefined ? spec : focusPanels(spec, live.styles), change);
  if (live === undefined) return { spec: drawn, grids };
  return { spec: { ...drawn, params: [...(drawn.params ?? []), { name: FOCUS, value: "" }] }, grids };
}

/** A figure without its own title, for a page that has it as a caption. */
export function untitled(spec: TopLevelSpec): TopLevelSpec {
  const { title: _, ...rest } = spec;
  return rest as TopLevelSpec;
}
