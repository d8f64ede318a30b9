import { ensure } from "../core/index.ts";
import { epochAxis } from "./epochs.ts";
import { type Grid, type GridAxis, gridData } from "./grid.ts";
import { valueColor } from "./heatmap.ts";
import { flatMatrix, type Matrix } from "./matrix.ts";
import { type Coloring, colorDomain } from "./palette.ts";
import { type Layer, type LayeredPanel, type PanelSize, type Parameter, type Row, titleOf } from "./panel.ts";
import { INK } from "./theme.ts";

/**
 * What runs along an axis of an image: whole numbers from `from` (0 where left out), or names in order, or epochs on a log axis
 * (see `epochImageAxis`). `field` names it in the figure's data; `ids` are what its data and the pointer say where ticks count.
 */
export type ImageAxis = { readonly title?: string; readonly field?: string } & (
  | { readonly from?: number; readonly ids?: readonly number[] }
  | { readonly labels: readonly (string | number)[] }
  | { readonly epochs: readonly number[] }
);

/** One of several images that share a panel, shown when the picker says so. */
export interface NamedMatrix {
  readonly name: string;
  readonly values: Matrix;
}

/** Settings of {@link matrixImage}. */
export interface MatrixImageOptions extends PanelSize {
  /** One matrix, or several named ones of one shape with `picker`. */
  readonly values: Matrix | readonly NamedMatrix[];
  /** The parameter that holds the name of the matrix to show; see {@link picker}. */
  readonly picker?: string;
  /** What the names of the matrices are in the figure's data: "name" where left out. */
  readonly pickField?: string;
  /** What is the same in all cells, as columns of the figure's data. */
  readonly also?: Row;
  readonly x?: ImageAxis;
  readonly y?: ImageAxis;
  readonly coloring?: Coloring;
  /** Give the same to all panels that are compared; from the values where left out. */
  readonly domain?: readonly [number, number];
  readonly valueTitle?: string;
  /**
   * Number of colors, 2 to 256; fewer make smaller images. 64 where left out (65 for signed values, so that 0 has its own): the
   * eye tells no more apart, and 256 would weigh twice as much.
   */
  readonly levels?: number;
  /** Drawn on top; their x and y are the columns and rows (centres at whole numbers), or epochs on an epoch axis. */
  readonly overlay?: readonly Layer[];
  /** Show the color legend (default). */
  readonly legend?: boolean;
}

interface PlacedAxis {
  readonly grid: GridAxis;
  /** Where a cell begins and ends, as expressions over its row. */
  readonly edges: readonly [string, string];
  readonly scale: object;
  readonly axis: object;
}

/** A field's name that expressions can use whatever the axis is called. */
const fieldOf = (axis: ImageAxis, other: string) => axis.field ?? ("epochs" in axis ? "epoch" : other);

function placeAxis(axis: ImageAxis, length: number, pixels: number, other: "row" | "column"): PlacedAxis {
  const title = axis.title ?? null;
  const field = fieldOf(axis, other);
  const reverse = other === "row" ? { reverse: true } : {};
  const at = `datum[${JSON.stringify(field)}]`;
  if ("epochs" in axis) {
    const { epochs } = axis;
    const high = epochs.at(-1) ?? 0;
    const { scale, axis: ticks } = epochAxis(high);
    const next = `[${[...epochs.slice(1), high].join(",")}][indexof([${epochs.join(",")}], ${at})]`;
    return {
      grid: { field, names: epochs, low: 0, high, ticks: epochs },
      edges: [at, next],
      scale: { ...scale, ...reverse },
      axis: { ...ticks, grid: false, title: title ?? ticks.title },
    };
  }
  const from = "labels" in axis ? 0 : (("from" in axis ? axis.from : undefined) ?? 0);
  const [low, high] = [from - 0.5, from + length - 0.5];
  const scale = { type: "linear", domain: [low, high], nice: false, zero: false, ...reverse } as const;
  if ("labels" in axis) {
    const { labels } = axis;
    ensure(new Set(labels).size === labels.length, "input", () => `image: names along an axis must differ, got ${labels.join()}`);
    const every = Math.max(1, Math.ceil((length * 11) / pixels));
    const values = labels.map((_, i) => i).filter((i) => i % every === 0);
    const labelExpr = `${JSON.stringify(labels.map(String))}[datum.value]`;
    const place = `indexof(${JSON.stringify(labels)}, ${at})`;
    return {
      grid: { field, names: labels, low, high },
      edges: [`${place} - 0.5`, `${place} + 0.5`],
      scale,
      // The count is said too: an overlay's own would thin these ticks out.
      axis: { grid: false, title, values, tickCount: values.length, labelExpr, labelLimit: 160 },
    };
  }
  const ids = "ids" in axis ? axis.ids : undefined;
  const place = ids === undefined ? at : `indexof([${ids.join(",")}], ${at})`;
  return {
    grid: { field, names: ids ?? Array.from({ length }, (_, i) => i + from), low, high },
    edges: [`${place} - 0.5`, `${place} + 0.5`],
    scale,
    axis: { grid: false, title, tickCount: Math.max(2, Math.min(length, Math.round(pixels / 45))), format: "d", tickMinStep: 1 },
  };
}

function isNamed(values: Matrix | readonly NamedMatrix[]): values is readonly NamedMatrix[] {
  return Array.isArray(values) && values.length > 0 && !Array.isArray(values[0]);
}

/** The style by which a layer of cells is known: what draws a page or a picture makes it one image (`drawable`). */
export const GRID_STYLE = "grid";

/**
 * A matrix as colored cells with axes and a color legend. Its spec holds the values, a row of data a cell; pages and pictures
 * draw it as one image. The first row is at the top.
 *
 * @example curves, tasks × log epochs:
 *   matrixImage({ values: heads.map((h) => accuracyOf(h)), x: epochImageAxis(epochs), y: { labels: primes, title: "task q",
 *     field: "q" }, domain: [0, 1] })
 * @example fourier, basis × dimension: matrixImage({ values: { data: basisTimesW_E, columns: d_model }, coloring: "signed", y:
 *   { title: "basis row" } })
 * @example positional strips: matrixImage({ values: [W_pos0, W_pos1], y: { labels: ["x₀", "x₁"] }, coloring: "signed", height:
 *   36 })
 */
export function matrixImage(options: MatrixImageOptions): LayeredPanel {
  const { values, coloring = "magnitude", levels = coloring === "signed" ? 65 : 64, overlay = [], legend = true } = options;
  const named = isNamed(values) ? values : [{ name: "", values }];
  const matrices = named.map(({ name, values: matrix }) => ({ name, matrix: flatMatrix(matrix) }));
  const first = matrices[0]?.matrix ?? { columns: 0, rows: 0, data: [] };
  for (const { name, matrix } of matrices) {
    ensure(
      matrix.columns === first.columns && matrix.rows === first.rows && matrix.data.length > 0,
      "input",
      () => `image ${name}: must have ${first.rows} rows of ${first.columns} values, got ${matrix.rows} of ${matrix.columns}`,
    );
  }
  ensure(levels >= 2 && levels <= 256, "input", () => `image: levels must be 2 to 256, got ${levels}`);
  const { width = Math.max(120, Math.min(520, first.columns * 3)), height = Math.max(60, Math.min(420, first.rows * 3)) } =
    options;
  const numbers = () => matrices.flatMap(({ matrix }) => Array.from(matrix.data));
  const domain = options.domain ?? colorDomain(coloring, numbers());
  const x = placeAxis(options.x ?? {}, first.columns, width, "column");
  const y = placeAxis(options.y ?? {}, first.rows, height, "row");
  const value = "value";
  const { pickField: pick = "name", also = {} } = options;
  const grid: Grid = { matrices, x: x.grid, y: y.grid, value, coloring, domain, levels, pick, also };
  const [x0, x1, y0, y1] = ["x_from", "x_to", "y_from", "y_to"] as const;
  const color = valueColor(coloring, domain, options.valueTitle ?? value, height);
  const cells: Layer = {
    data: gridData(grid),
    transform: [
      ...(options.picker === undefined ? [] : [{ filter: `datum[${JSON.stringify(pick)}] === ${options.picker}` }]),
      { calculate: x.edges[0], as: x0 },
      { calculate: x.edges[1], as: x1 },
      { calculate: y.edges[0], as: y0 },
      { calculate: y.edges[1], as: y1 },
    ],
    mark: { type: "rect", style: GRID_STYLE },
    encoding: {
      x: { field: x0, type: "quantitative", scale: x.scale, axis: x.axis },
      x2: { field: x1 },
      y: { field: y0, type: "quantitative", scale: y.scale, axis: y.axis },
      y2: { field: y1 },
      color: { field: value, ...color, ...(legend ? {} : { legend: null }) },
      tooltip: [y.grid.field, x.grid.field, value].map((field) => ({ field })),
    },
  };
  const frame: Layer = {
    data: { values: [{}] },
    mark: { type: "rect", fill: null, stroke: INK, strokeOpacity: 0.4, tooltip: null },
  };
  return { ...titleOf({ ...options, width }), width, height, layer: [cells, frame, ...overlay] };
}

/** Settings of {@link gridImage}. */
export interface GridImageOptions extends Omit<MatrixImageOptions, "x" | "y"> {
  /** Row title, x₀ where left out; and column title, x₁. */
  readonly rowTitle?: string;
  readonly columnTitle?: string;
}

/**
 * A value over the whole p × p grid: row x0 from the top, column x1 from the left, (0, 0) in the top left corner; or its
 * spectrum, with other titles. `values` are in grid order, index x0·p + x1.
 *
 * @example attention: gridImage({ title: `head ${h}`, values: { data: pattern, columns: p }, domain: [0, 1] })
 * @example neurons: gridImage({ values: neurons.map((n) => ({ name: String(n), values: { data: activation(n), columns: p } })),
 *   picker: "neuron", levels: 64 })
 */
export function gridImage(options: GridImageOptions): LayeredPanel {
  const { rowTitle = "x₀", columnTitle = "x₁", width = 260, height = 260 } = options;
  const tokens = rowTitle === "x₀" && columnTitle === "x₁";
  const [row, column] = tokens ? [{ field: "x0" }, { field: "x1" }] : [{}, {}];
  return matrixImage({ ...options, width, height, x: { title: columnTitle, ...column }, y: { title: rowTitle, ...row } });
}

/**
 * A drop-down that chooses one of `names`, as a parameter of the whole figure; none where there is one name alone, which a title
 * has to say then. Without JavaScript the first one is shown.
 *
 * @example figure(panels, { description, params: [picker("neuron", names, "neuron")] })
 */
export function picker(name: string, names: readonly string[], label = name): Parameter {
  if (names.length === 1) return { name, value: firstOf(names) };
  return { name, value: firstOf(names), bind: { input: "select", options: [...names], name: `${label} ` } };
}

/** Steps of a slider over epochs at most: as many as a hand tells apart. */
const STEPS = 200;

/** How much later than the slider's epoch a checkpoint may be: runs that belong together do not end at the very same epoch. */
const LATER = 1.01;

/**
 * A slider over epochs up to `last`, where it stands at first, as a parameter of the whole figure; without a handle where there
 * is one epoch alone. Of each run it shows what {@link keptAt} names.
 */
export function epochSlider(name: string, last: number): Parameter {
  const step = Math.max(1, Math.ceil(last / STEPS));
  const bind = { input: "range", min: last % step, max: last, step, name: "epoch " };
  return last === 0 ? { name, value: 0 } : { name, value: last, bind };
}

/**
 * The last of some epochs (ascending) that a slider has reached, the first where it has reached none, as an expression whose
 * value is its text.
 */
export function keptAt(name: string, epochs: readonly number[]): string {
  const reached = epochs.slice(1).map((epoch) => `(${epoch} <= ${LATER} * ${name} ? 1 : 0)`);
  return `${JSON.stringify(epochs.map(String))}[${["0", ...reached].join(" + ")}]`;
}

function firstOf(names: readonly string[]): string {
  const first = names[0];
  ensure(first !== undefined, "input", () => "picker: needs at least one name");
  return first;
}
