import { at, ensure } from "../core/index.ts";
import { type PackedCells, packCells } from "./cells.ts";
import { epochAxis, epochColumns } from "./epochs.ts";
import { valueColor } from "./heatmap.ts";
import { type Coloring, colorDomain, palette } from "./palette.ts";
import { type Panel, type PanelSize, significant, titleOf } from "./panel.ts";
import { encodePng, pngDataUri } from "./png.ts";
import { INK } from "./theme.ts";

/** A matrix as it is drawn: [rows][columns], or row by row with its number of columns. */
export type Matrix = readonly (readonly number[])[] | { readonly data: ArrayLike<number>; readonly columns: number };

/** Columns, rows, and the entries row by row. */
export interface FlatMatrix {
  readonly columns: number;
  readonly rows: number;
  readonly data: ArrayLike<number>;
}

/** The entries of a matrix row by row; throws where rows differ in length. */
export function flatMatrix(matrix: Matrix): FlatMatrix {
  if ("data" in matrix) {
    const rows = matrix.data.length / matrix.columns;
    ensure(Number.isInteger(rows), "input", () => `image: ${matrix.data.length} values must fill rows of ${matrix.columns}`);
    return { columns: matrix.columns, rows, data: matrix.data };
  }
  const columns = matrix[0]?.length ?? 0;
  const ragged = matrix.findIndex((row) => row.length !== columns);
  ensure(ragged < 0, "input", () => `image: every row must have ${columns} values, row ${ragged} has ${matrix[ragged]?.length}`);
  return { columns, rows: matrix.length, data: matrix.flat() };
}

/** Each value's level of `levels` over `domain`, clamped. */
export function quantise(data: ArrayLike<number>, domain: readonly [number, number], levels: number): Uint8Array {
  const [low, high] = domain;
  const scale = (levels - 1) / (high - low);
  return Uint8Array.from(data, (value) => Math.round(Math.min(levels - 1, Math.max(0, (value - low) * scale))));
}

/** A matrix as a PNG data URI, one pixel an entry, colored over `domain`; the same bytes for the same input. */
export function matrixPng(matrix: FlatMatrix, coloring: Coloring, domain: readonly [number, number], levels = 256): string {
  return pngDataUri(encodePng(quantise(matrix.data, domain, levels), matrix.columns, matrix.rows, palette(coloring, levels)));
}

/**
 * What runs along an axis of an image: whole numbers from `from` (0 where left out), or names in order, or epochs from 0 to the
 * given one on a log axis (see `epochImageAxis`).
 */
export type ImageAxis =
  | { readonly title?: string; readonly from?: number }
  | { readonly title?: string; readonly labels: readonly (string | number)[] }
  | { readonly title?: string; readonly epochs: number };

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
  readonly x?: ImageAxis;
  readonly y?: ImageAxis;
  readonly coloring?: Coloring;
  /** Give the same to all panels that are compared; from the values where left out. */
  readonly domain?: readonly [number, number];
  readonly valueTitle?: string;
  /**
   * Number of colors, 2 to 256; fewer make smaller images. 64 where left out (65 for signed values, so that 0 has its own): the eye
   * tells no more apart, and 256 would weigh twice as much.
   */
  readonly levels?: number;
  /** Drawn on top; their x and y are the columns and rows (centres at whole numbers), or epochs on an epoch axis. */
  readonly overlay?: readonly Panel[];
  /** Show the color legend (default). */
  readonly legend?: boolean;
}

interface PlacedAxis {
  readonly low: number;
  readonly high: number;
  readonly encoding: { readonly scale: object; readonly axis: object };
}

function placeAxis(axis: ImageAxis, length: number, pixels: number, reverse: boolean): PlacedAxis {
  const title = axis.title ?? null;
  if ("epochs" in axis) {
    const { scale, axis: ticks } = epochAxis(axis.epochs);
    return {
      low: 0,
      high: axis.epochs,
      encoding: {
        scale: { ...scale, ...(reverse ? { reverse } : {}) },
        axis: { ...ticks, grid: false, title: title ?? ticks.title },
      },
    };
  }
  const from = "labels" in axis ? 0 : (axis.from ?? 0);
  const [low, high] = [from - 0.5, from + length - 0.5];
  const scale = { type: "linear", domain: [low, high], nice: false, zero: false, ...(reverse ? { reverse } : {}) };
  if ("labels" in axis) {
    const every = Math.max(1, Math.ceil((length * 11) / pixels));
    const values = axis.labels.map((_, i) => i).filter((i) => i % every === 0);
    const labelExpr = `${JSON.stringify(axis.labels.map(String))}[datum.value]`;
    return { low, high, encoding: { scale, axis: { grid: false, title, values, labelExpr, labelLimit: 160 } } };
  }
  return {
    low,
    high,
    encoding: {
      scale,
      axis: {
        grid: false,
        title,
        tickCount: Math.max(2, Math.min(length, Math.round(pixels / 45))),
        format: "d",
        tickMinStep: 1,
      },
    },
  };
}

function isNamed(values: Matrix | readonly NamedMatrix[]): values is readonly NamedMatrix[] {
  return Array.isArray(values) && values.length > 0 && !Array.isArray(values[0]);
}

/**
 * A matrix as one image with axes and a color legend: some bytes a cell instead of a mark a cell. The first row is at the top.
 *
 * @example curves, heads × log epochs:
 *   matrixImage({ values: heads.map((h) => resampleLogEpochs(epochs, accuracyOf(h), 240)), x: epochImageAxis(epochs), y: { labels: primes, title: "q" }, domain: [0, 1] })
 * @example fourier, basis × dimension: matrixImage({ values: { data: basisTimesW_E, columns: d_model }, coloring: "signed", y: { title: "basis row" } })
 * @example positional strips: matrixImage({ values: [W_pos0, W_pos1], y: { labels: ["x₀", "x₁"] }, coloring: "signed", height: 36 })
 */
export function matrixImage(options: MatrixImageOptions): Panel {
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
  const domain =
    options.domain ??
    colorDomain(
      coloring,
      matrices.flatMap(({ matrix }) => Array.from(matrix.data)),
    );
  const x = placeAxis(options.x ?? {}, first.columns, width, false);
  // Row 0 is at the top: a reversed scale, except that Vega's image needs its y below its y2 in pixels either way.
  const y = placeAxis(options.y ?? {}, first.rows, height, true);
  const data = matrices.map(({ name, matrix }) => ({
    ...readableCells(matrix, domain, options),
    name,
    x0: x.low,
    x1: x.high,
    y0: y.low,
    y1: y.high,
    url: matrixPng(matrix, coloring, domain, levels),
  }));
  const image = {
    data: { values: data },
    ...(options.picker === undefined ? {} : { transform: [{ filter: `datum.name === ${options.picker}` }] }),
    mark: { type: "image", aspect: false, smooth: false },
    encoding: {
      x: { field: "x0", type: "quantitative", ...x.encoding },
      x2: { field: "x1" },
      y: { field: "y0", type: "quantitative", ...y.encoding },
      y2: { field: "y1" },
      url: { field: "url", type: "nominal" },
    },
  };
  const scaleOnly = {
    data: { values: domain.map((value) => ({ value: significant(value), drawn_only: 1 })) },
    mark: { type: "point", opacity: 0, tooltip: null },
    encoding: {
      color: {
        field: "value",
        ...valueColor(coloring, domain, options.valueTitle ?? "value", height),
        ...(legend ? {} : { legend: null }),
      },
    },
  };
  const frame = { data: { values: [{}] }, mark: { type: "rect", fill: null, stroke: INK, strokeOpacity: 0.4, tooltip: null } };
  return { ...titleOf({ ...options, width }), width, height, layer: [image, scaleOnly, frame, ...overlay] } as unknown as Panel;
}

/** Beyond so many cells an image carries its colors alone: the values are in the analysis's JSON. */
const MAX_READABLE = 8192;

/** The values of a moderate matrix beside its image, so that the figure's table and CSV have them. */
function readableCells(matrix: FlatMatrix, domain: readonly [number, number], options: MatrixImageOptions): PackedCells | object {
  if (matrix.data.length > MAX_READABLE || options.picker !== undefined) return {};
  const namesOf = (axis: ImageAxis | undefined, key: string, length: number) => {
    if (axis === undefined) return {};
    if ("labels" in axis) return { [key]: axis.labels };
    if ("epochs" in axis) return { [key]: epochColumns(axis.epochs, length).map(Math.round) };
    return axis.from === undefined ? {} : { [key]: Array.from({ length }, (_, i) => i + (axis.from ?? 0)) };
  };
  return {
    ...packCells(matrix.data, matrix.columns, domain, 2),
    ...namesOf(options.x, "columnNames", matrix.columns),
    ...namesOf(options.y, "rowNames", matrix.rows),
  };
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
 * @example neurons: gridImage({ values: neurons.map((n) => ({ name: String(n), values: { data: activation(n), columns: p } })), picker: "neuron", levels: 64 })
 */
export function gridImage(options: GridImageOptions): Panel {
  const { rowTitle = "x₀", columnTitle = "x₁", width = 260, height = 260 } = options;
  return matrixImage({ ...options, width, height, x: { title: columnTitle }, y: { title: rowTitle } });
}

/**
 * A drop-down that chooses one of `names`, as a parameter of the whole figure. Without JavaScript the first one is shown.
 *
 * @example figure(panels, { description, params: [picker("neuron", names, "neuron")] })
 */
export function picker(name: string, names: readonly string[], label = name) {
  return { name, value: firstOf(names), bind: { input: "select", options: [...names], name: `${label} ` } } as const;
}

function firstOf(names: readonly string[]): string {
  const first = names[0];
  ensure(first !== undefined, "input", () => "picker: needs at least one name");
  return first;
}

/** The smallest and largest of many matrices' entries, as the common domain of images that are compared. */
export function commonDomain(matrices: readonly Matrix[], coloring: Coloring = "magnitude"): readonly [number, number] {
  const ends = matrices.map((matrix) => {
    const { data } = flatMatrix(matrix);
    let [low, high] = [at(data, 0), at(data, 0)];
    for (let i = 1; i < data.length; i++) {
      low = Math.min(low, at(data, i));
      high = Math.max(high, at(data, i));
    }
    return [low, high];
  });
  return colorDomain(coloring, ends.flat());
}
