import { colorDomain } from "./palette.ts";
import { ensureMarks, type PanelSize, type Row, titleOf, type UnitPanel } from "./panel.ts";
import { INK } from "./theme.ts";

/** Settings of {@link hinton}. */
export interface HintonOptions extends PanelSize {
  /** [rows][columns]; the first row is drawn at the top. */
  readonly values: readonly (readonly number[])[];
  readonly xTitle?: string;
  readonly yTitle?: string;
  /** Names of the columns and rows; their indices where left out. */
  readonly xLabels?: readonly (string | number)[];
  readonly yLabels?: readonly (string | number)[];
  /** The magnitude of a full cell; the largest one where left out. Give the same to panels that are compared. */
  readonly full?: number;
  /** Width of a cell in pixels. */
  readonly cell?: number;
  /** Further fields for the hover of each cell (row, column). */
  readonly also?: (row: number, column: number) => Row;
  /** Name of a {@link hoverLink} of the figure: the cell under the pointer is lit in every panel that is linked to it. */
  readonly linked?: string;
}

/** The position and size encodings of Hinton squares over the fields `x` and `y`, with the sizes for `full` at `cell` pixels. */
export function hintonEncoding(full: number, cell: number) {
  return {
    size: {
      field: "size",
      type: "quantitative",
      scale: { domain: [0, full] as number[], range: [0, (cell * 0.92) ** 2] as number[], clamp: true },
      legend: null,
    },
    fill: { condition: { test: "datum.v >= 0", value: INK }, value: "transparent" },
    stroke: { value: INK },
  } as const;
}

/**
 * The cell under the pointer, as a parameter of the whole figure, for panels by {@link hinton} with `linked`.
 *
 * @example figure(panels, { description, params: [hoverLink("cell")] })
 */
export function hoverLink(name: string) {
  return { name, select: { type: "point", on: "pointerover", clear: "pointerout", fields: ["x", "y"] } } as const;
}

/**
 * A Hinton diagram, the paper's signature: squares of area ∝ |value|, filled where positive, hollow where negative. For data
 * figures at p = 11, 37 × 37 details and small matrices.
 *
 * @example data: hinton({ values: grid(11, (x0, x1) => (x0 + 11 * x1) % q), title: `mod ${q}`, xTitle: "x₁", yTitle: "x₀",
 *   linked: "cell" })
 */
export function hinton(options: HintonOptions): UnitPanel {
  const { values, also, linked } = options;
  const columns = values[0]?.length ?? 0;
  ensureMarks("hinton", values.length * columns, "show a slice of it, or use matrixImage", 2500);
  const { cell = Math.max(6, Math.min(18, Math.floor(320 / Math.max(columns, values.length, 1)))) } = options;
  const full = options.full ?? colorDomain("signed", values.flat())[1];
  const rows = values.flatMap((line, i) =>
    line.map((v, j) => ({ y: options.yLabels?.[i] ?? i, x: options.xLabels?.[j] ?? j, v, ...also?.(i, j) })),
  );
  const every = Math.ceil(Math.max(columns, values.length) / 20);
  const labels = every > 1 ? { values: Array.from({ length: Math.ceil(columns / every) }, (_, i) => i * every) } : {};
  const axis = { grid: false, ticks: false, domain: false, labelAngle: 0 };
  const encoding: NonNullable<UnitPanel["encoding"]> = {
    x: {
      field: "x",
      type: "ordinal",
      sort: null,
      axis: { ...axis, title: options.xTitle ?? null, ...(options.xLabels ? {} : labels) },
      scale: { type: "band", padding: 0 },
    },
    y: {
      field: "y",
      type: "ordinal",
      sort: null,
      axis: { ...axis, title: options.yTitle ?? null, ...(options.yLabels ? {} : labels) },
      scale: { type: "band", padding: 0 },
    },
    ...hintonEncoding(full, cell),
    tooltip: [
      { field: "y", title: options.yTitle ?? "row" },
      { field: "x", title: options.xTitle ?? "column" },
      { field: "v", title: "value" },
    ],
  };
  const lit =
    linked === undefined
      ? encoding
      : {
          ...encoding,
          stroke: { condition: { param: linked, empty: false, value: "#d55e00" }, value: INK },
          strokeWidth: { condition: { param: linked, empty: false, value: 3 }, value: 1 },
        };
  return {
    ...titleOf({ ...options, width: cell * columns }),
    width: cell * columns,
    height: cell * values.length,
    data: { values: rows },
    transform: [{ calculate: "abs(datum.v)", as: "size" }],
    mark: { type: "point", shape: "square", opacity: 1, strokeWidth: 1 },
    encoding: lit,
  };
}
