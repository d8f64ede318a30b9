import { type Coloring, colorDomain } from "./palette.ts";
import { ensureMarks, type Layer, type LayeredPanel, type PanelSize, type Row, titleOf } from "./panel.ts";
import { MAGNITUDE_SCHEME, SIGNED_SCHEME } from "./theme.ts";

/** The color scale of a heatmap or an image: viridis, or blue to orange symmetric about 0. */
export function valueColor(coloring: Coloring, domain: readonly [number, number], title: string, height = 200) {
  // A legend says its ends, whatever they are: Vega would round them to the step of its ticks, 1.5 to 2.
  const format = Math.max(...domain.map(Math.abs)) < 1000 ? ".3~g" : ",.0f";
  return {
    type: "quantitative",
    scale: { scheme: coloring === "signed" ? SIGNED_SCHEME : MAGNITUDE_SCHEME, domain: [...domain] },
    legend: { title, format, gradientLength: 120, ...(height < 100 ? { orient: "top", direction: "horizontal" } : {}) },
  } as const;
}

/** Settings of {@link heatmap}. */
export interface HeatmapOptions extends PanelSize {
  readonly rows: readonly Row[];
  readonly x: string;
  readonly y: string;
  readonly value: string;
  readonly coloring?: Coloring;
  /** Give the same to all panels that are compared; from the rows where left out. */
  readonly domain?: readonly [number, number];
  readonly xTitle?: string;
  readonly yTitle?: string;
  readonly valueTitle?: string;
  /** Further fields to show on hover, for instance the null of the cell. */
  readonly also?: readonly string[];
  /** Write the value into each cell (for at most some 100 cells). */
  readonly text?: boolean;
}

/**
 * A small matrix as colored cells with a read-out on hover: at most 4,000 cells; larger ones are for `matrixImage`. Rows and
 * columns keep the order of the rows.
 *
 * @example circuits: heatmap({ rows, x: "q", y: "group", value: "accuracy_lost", coloring: "signed", also: ["null_high"] })
 */
export function heatmap(options: HeatmapOptions): LayeredPanel {
  const { rows, x, y, value, coloring = "magnitude", also = [], text = false } = options;
  ensureMarks("heatmap", rows.length, "use matrixImage");
  const columns = new Set(rows.map((row) => row[x])).size;
  const lines = new Set(rows.map((row) => row[y])).size;
  const { width = Math.min(640, 22 * columns), height = Math.min(480, 18 * lines) } = options;
  const numbers = rows.flatMap((row) => (typeof row[value] === "number" ? [row[value]] : []));
  const domain = options.domain ?? colorDomain(coloring, numbers);
  const values = rows.map((row) => ({ ...row, [value]: typeof row[value] === "number" ? row[value] : null }));
  const position = {
    // Whole pixels: between cells of fractions the page would shine through.
    x: { field: x, type: "ordinal", sort: null, scale: { round: true }, axis: { title: options.xTitle ?? x, labelAngle: 0 } },
    y: { field: y, type: "ordinal", sort: null, scale: { round: true }, axis: { title: options.yTitle ?? y } },
  } as const;
  const cells: Layer = {
    mark: { type: "rect" },
    encoding: {
      ...position,
      color: { field: value, ...valueColor(coloring, domain, options.valueTitle ?? value, height) },
      tooltip: [
        ...[x, y].map((field) => ({ field, type: "nominal" as const })),
        ...[value, ...also].map((field) => ({ field, type: "quantitative" as const })),
      ],
    },
  };
  const middle = (domain[0] + domain[1]) / 2;
  const dark = coloring === "signed" ? `abs(datum['${value}']) > ${0.6 * domain[1]}` : `datum['${value}'] < ${middle}`;
  const labels: Layer = {
    mark: { type: "text", fontSize: 9 },
    encoding: {
      ...position,
      text: { field: value, type: "quantitative", format: ".2~f" },
      color: { condition: { test: dark, value: "white" }, value: "black" },
    },
  };
  return { ...titleOf({ ...options, width }), width, height, data: { values }, layer: text ? [cells, labels] : [cells] };
}
