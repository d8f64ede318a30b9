import { type NullBand, nullLayers } from "./lines.ts";
import { ensureMarks, type LayeredPanel, type PanelSize, type Row, titleOf } from "./panel.ts";
import { runEncoding } from "./run-encoding.ts";
import { INK, runColor } from "./theme.ts";

/** Settings of {@link scatter}. */
export interface ScatterOptions extends PanelSize {
  readonly rows: readonly Row[];
  readonly x: string;
  readonly y: string;
  readonly series?: string;
  readonly runs?: readonly string[];
  readonly xScale?: "linear" | "log" | "symlog";
  readonly yScale?: "linear" | "log" | "symlog";
  readonly xTitle?: string;
  readonly yTitle?: string;
  readonly xDomain?: readonly [number, number];
  readonly yDomain?: readonly [number, number];
  /** Draw x = y. */
  readonly diagonal?: boolean;
  readonly nulls?: readonly NullBand[];
  readonly also?: readonly string[];
  readonly size?: number;
}

/**
 * Points, colored by run; at most 4,000.
 *
 * @example positional: scatter({ rows, x: "position 0", y: "position 1", series: "run", runs, diagonal: true, subtitle: "r =
 *   0.95, null ±0.17" })
 */
export function scatter(options: ScatterOptions): LayeredPanel {
  const {
    rows,
    x,
    y,
    series,
    runs = [],
    nulls = [],
    also = [],
    width = 260,
    height = 260,
    size = 18,
    diagonal = false,
  } = options;
  ensureMarks("scatter", rows.length, "draw a seeded sample of the points");
  const values = rows.map((row) => ({ ...row, [x]: Number(row[x]), [y]: Number(row[y]) }));
  const axisOf = (
    field: string,
    type: "linear" | "log" | "symlog" = "linear",
    title: string | undefined,
    domain: readonly [number, number] | undefined,
  ) => ({
    field,
    type: "quantitative" as const,
    scale: {
      type,
      ...(type === "log" ? {} : { zero: false }),
      ...(domain === undefined ? {} : { domain: [...domain] }),
    },
    axis: { title: title ?? field },
  });
  const [xAxis, yAxis] = [
    axisOf(x, options.xScale, options.xTitle, options.xDomain),
    axisOf(y, options.yScale, options.yTitle, options.yDomain),
  ];
  const layers = nullLayers(nulls);
  if (diagonal) {
    const numbers = values.flatMap((row) => [Number(row[x]), Number(row[y])]);
    const ends = [Math.min(...numbers, 0), Math.max(...numbers, 0)].map((v) => ({ [x]: v, [y]: v, drawn_only: 1 }));
    layers.push({
      data: { values: ends },
      mark: { type: "line", color: INK, opacity: 0.3, strokeWidth: 1, tooltip: null },
      encoding: { x: xAxis, y: yAxis },
    });
  }
  layers.push({
    data: { values },
    mark: { type: "point", filled: true, opacity: 0.6, size },
    encoding: {
      x: xAxis,
      y: yAxis,
      color: series === undefined ? { value: runColor(0) } : runEncoding(series, runs, width),
      tooltip: [...(series === undefined ? [] : [series]), ...also, x, y].map((field) => ({ field })),
    },
  });
  return { ...titleOf({ ...options, width }), width, height, layer: layers };
}
