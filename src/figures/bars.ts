import { type NullBand, nullLayers, runEncoding } from "./lines.ts";
import { ensureMarks, type Panel, type PanelSize, type Row, significant, titleOf } from "./panel.ts";
import { runColor } from "./theme.ts";

/** Settings of {@link barsWithNull}. */
export interface BarsOptions extends PanelSize {
  readonly rows: readonly Row[];
  /** Names of the fields; `x` is a category or a whole number. */
  readonly x: string;
  readonly y: string;
  /** The field colored by `runs`; bars of one x stand beside each other. */
  readonly series?: string;
  readonly runs?: readonly string[];
  readonly xTitle?: string;
  readonly yTitle?: string;
  readonly yScale?: "linear" | "sqrt";
  readonly yDomain?: readonly [number, number];
  readonly nulls?: readonly NullBand[];
}

/**
 * Bars over categories or whole numbers (frequencies k, primes q), with the null as a dashed rule or a band. Categories keep the
 * order of the rows.
 *
 * @example fourier: barsWithNull({ rows: energy, x: "k", y: "share", series: "run", runs, nulls: [{ high: threshold, label: "null 99 %" }] })
 */
export function barsWithNull(options: BarsOptions): Panel {
  const { rows, x, y, series, runs = [], yScale = "linear", nulls = [], width = 480, height = 180 } = options;
  ensureMarks("bars", rows.length, "show fewer categories, or lines");
  const values = rows.map((row) => ({ ...row, [y]: typeof row[y] === "number" ? significant(row[y]) : null }));
  const categories = new Set(rows.map((row) => row[x])).size;
  // Many narrow bars overlap less as thin bars on one band than side by side at a fraction of a pixel each.
  const beside = series !== undefined && runs.length > 1 && categories * runs.length <= width / 2;
  const bars = {
    data: { values },
    mark: { type: "bar", ...(series !== undefined && runs.length > 1 && !beside ? { opacity: 0.65 } : {}) },
    encoding: {
      x: {
        field: x,
        type: "ordinal",
        sort: null,
        axis: { title: options.xTitle ?? x, labelAngle: 0 },
        scale: { paddingInner: 0.15 },
      },
      y: {
        field: y,
        type: "quantitative",
        stack: null,
        scale: { type: yScale, ...(options.yDomain === undefined ? {} : { domain: [...options.yDomain] }) },
        axis: { title: options.yTitle ?? y },
      },
      color: series === undefined ? { value: runColor(0) } : runEncoding(series, runs, width),
      ...(beside ? { xOffset: { field: series, type: "nominal", sort: [...runs] } } : {}),
      tooltip: [
        ...(series === undefined ? [] : [{ field: series, type: "nominal" }]),
        { field: x, type: "nominal" },
        { field: y, type: "quantitative" },
      ],
    },
  } as unknown as Panel;
  return { ...titleOf({ ...options, width }), width, height, layer: [bars, ...nullLayers(nulls, "y", runs)] } as Panel;
}
