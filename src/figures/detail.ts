import { ensure } from "../core/index.ts";
import { CELL_ALPHABET, packCells } from "./cells.ts";
import { hintonEncoding } from "./hinton.ts";
import { type GridImageOptions, gridImage, type NamedMatrix } from "./image.ts";
import { flatMatrix, type Matrix } from "./matrix.ts";
import { colorDomain } from "./palette.ts";
import { concatPanels, type Layer, type Panel } from "./panel.ts";

/** Cells on a side of the detail; the paper shows the top left 37 × 37 too. */
const SIDE = 37;

/** Settings of {@link gridWithDetail}. */
export interface GridDetailOptions extends GridImageOptions {
  /** Name of the brush, unique in the figure (letters and digits). */
  readonly brush: string;
}

function namedMatrices(values: GridImageOptions["values"]): readonly NamedMatrix[] {
  const first = Array.isArray(values) ? values[0] : undefined;
  return first !== undefined && !Array.isArray(first)
    ? (values as readonly NamedMatrix[])
    : [{ name: "", values: values as Matrix }];
}

/**
 * A p × p image with a Hinton detail of 37 × 37 cells beside it: dragging the brush on the image moves the detail, whose cells
 * show their value (to a 90th of the range) on hover. The first view is the top left corner.
 *
 * @example neurons: gridWithDetail({ title: "neuron 12", values: { data: activation, columns: p }, brush: "at" })
 */
export function gridWithDetail(options: GridDetailOptions): Panel {
  const { brush, coloring = "magnitude", rowTitle = "x₀", columnTitle = "x₁" } = options;
  ensure(/^[A-Za-z]\w*$/.test(brush), "input", () => `brush: must be a plain name, got ${JSON.stringify(brush)}`);
  const matrices = namedMatrices(options.values).map(({ name, values }) => ({ name, values, flat: flatMatrix(values) }));
  const domain =
    options.domain ??
    colorDomain(
      coloring,
      matrices.flatMap(({ flat }) => Array.from(flat.data)),
    );
  const columns = matrices[0]?.flat.columns ?? 0;
  const rows = matrices[0]?.flat.rows ?? 0;
  const [wide, high] = [Math.min(SIDE, columns), Math.min(SIDE, rows)];
  const corners: Layer = {
    data: {
      values: [
        { column: 0, row: 0, drawn_only: 1 },
        { column: columns - 1, row: rows - 1, drawn_only: 1 },
      ],
    },
    params: [
      {
        name: brush,
        select: {
          type: "interval",
          encodings: ["x", "y"],
          zoom: false,
          mark: { stroke: "#d55e00", strokeWidth: 2, fillOpacity: 0.05 },
        },
        value: { x: [-0.5, wide - 0.5], y: [-0.5, high - 0.5] },
      },
    ],
    mark: { type: "point", opacity: 0, tooltip: null },
    encoding: { x: { field: "column", type: "quantitative" }, y: { field: "row", type: "quantitative" } },
  };
  const image = gridImage({ ...options, domain, overlay: [...(options.overlay ?? []), corners] });

  // The window's top left cell, kept inside the grid; the whole of it where nothing is brushed.
  const start = (field: "column" | "row", span: number, length: number) =>
    `(${brush}.${field} ? clamp(ceil(min(${brush}.${field}[0], ${brush}.${field}[1])), 0, ${length - span}) : 0)`;
  const level = `indexof(datum.alphabet, slice(datum.cells, datum.row * ${columns} + datum.column, datum.row * ${columns} + datum.column + 1))`;
  const cell = Math.max(5, Math.floor(260 / Math.max(wide, high)));
  const full = Math.max(Math.abs(domain[0]), Math.abs(domain[1]));
  // The cells of a large window are too narrow for a number each.
  const labelExpr = Math.max(wide, high) > 12 ? "datum.value % 5 === 0 ? datum.label : ''" : "datum.label";
  const axis = { grid: false, ticks: false, domain: false, labelAngle: 0, labelOverlap: false, labelExpr } as const;
  const detail: Panel = {
    width: cell * wide,
    height: cell * high,
    title: { text: "brushed cells", fontSize: 11, fontWeight: "normal" },
    data: { values: matrices.map(({ name, flat }) => ({ name, drawn_only: 1, ...packCells(flat.data, columns, domain, 1) })) },
    transform: [
      ...(options.picker === undefined ? [] : [{ filter: `datum.name === ${options.picker}` }]),
      { calculate: `sequence(0, ${wide * high})`, as: "i" },
      { flatten: ["i"] },
      { calculate: `${start("column", wide, columns)} + datum.i % ${wide}`, as: "column" },
      { calculate: `${start("row", high, rows)} + floor(datum.i / ${wide})`, as: "row" },
      { calculate: `datum.low + (datum.high - datum.low) * ${level} / ${CELL_ALPHABET.length - 1}`, as: "v" },
      { calculate: "abs(datum.v)", as: "size" },
    ],
    mark: { type: "point", shape: "square", opacity: 1, strokeWidth: 0.5 },
    encoding: {
      x: { field: "column", type: "ordinal", axis: { ...axis, title: columnTitle }, scale: { type: "band", padding: 0 } },
      y: { field: "row", type: "ordinal", axis: { ...axis, title: rowTitle }, scale: { type: "band", padding: 0 } },
      ...hintonEncoding(full, cell),
      tooltip: [
        { field: "row", title: rowTitle },
        { field: "column", title: columnTitle },
        { field: "v", title: "value", type: "quantitative", format: ".3~g" },
      ],
    },
  };
  return concatPanels([image, detail], { scales: "mixed", spacing: 16 });
}
