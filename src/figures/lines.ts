import { at } from "../core/index.ts";
import { decadeAxis } from "./decades.ts";
import { epochAxis } from "./epochs.ts";
import { ensureMarks, extent, type Panel, type PanelSize, type Row, significant, titleOf } from "./panel.ts";
import { INK, runColor } from "./theme.ts";

/** Points a line may have for each pixel of its panel's width; beyond it the line is thinned to what can be seen. */
const POINTS_A_PIXEL = 3;

const DEFAULT_WIDTH = 420;

/** What an object without the structure gives: a band from `low` to `high`, or a rule where only one is known. */
export interface NullBand {
  readonly low?: number;
  readonly high?: number;
  /** Said at the edge of the panel, for instance `null 95 %`. */
  readonly label?: string;
  /** The run whose null it is, where each has its own: drawn in its color, and one label is enough for all of them. */
  readonly run?: string;
}

/** A null that depends on x, for instance a spectrum's. */
export interface NullCurve {
  readonly x: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** The color encoding of runs: fixed colors in the order given, a legend above the panel, no wider than `width`. */
export function runEncoding(field: string, runs: readonly string[], width = 420) {
  const longest = Math.max(0, ...runs.map((run) => run.length));
  const columns = Math.max(1, Math.min(runs.length, Math.floor(width / (6.5 * longest + 36))));
  return {
    field,
    type: "nominal",
    scale: { domain: [...runs], range: runs.map((_, i) => runColor(i)) },
    legend: runs.length > 1 ? { title: null, orient: "top", columns, symbolStrokeWidth: 2.5 } : null,
  } as const;
}

/**
 * The layers of null bands and rules, drawn behind the data: across y (`axis: "y"`) or across x. `runs` gives the colors of nulls
 * that are one run's own.
 */
export function nullLayers(bands: readonly NullBand[], axis: "x" | "y" = "y", runs: readonly string[] = []): Panel[] {
  const labelled = new Set<string>();
  return bands.flatMap((band) => {
    const { low, high, label, run } = band;
    const edge = high ?? low;
    if (edge === undefined) return [];
    const layers: Panel[] = [];
    const data = { values: [{ low: low ?? edge, high: edge, label: label ?? "", ...(run === undefined ? {} : { run }) }] };
    const own = run !== undefined && runs.includes(run);
    const color = own ? { ...runEncoding("run", runs), legend: null } : { value: INK };
    if (low !== undefined && high !== undefined && low !== high) {
      const encoding = { [axis]: { field: "low", type: "quantitative" }, [`${axis}2`]: { field: "high" }, color };
      layers.push({ data, mark: { type: "rect", opacity: 0.12 }, encoding } as unknown as Panel);
    } else {
      const encoding = { [axis]: { field: "high", type: "quantitative" }, color };
      layers.push({ data, mark: { type: "rule", strokeDash: [4, 3], opacity: 0.7 }, encoding } as unknown as Panel);
    }
    // A label that another null of the same words has said already would only be written over it.
    if (label !== undefined && !(own && labelled.has(label))) {
      labelled.add(label);
      // Outside the plotting area, where no data hides it.
      const at = axis === "y" ? { x: { value: "width" } } : { y: { value: 0 } };
      const place = axis === "y" ? { align: "left", baseline: "middle", dx: 4 } : { align: "center", baseline: "bottom", dy: -3 };
      const mark = { type: "text", fontStyle: "italic", opacity: 0.8, ...place };
      const encoding = { [axis]: { field: "high", type: "quantitative" }, ...at, text: { field: "label" } };
      layers.push({ data, mark, encoding } as Panel);
    }
    return layers;
  });
}

/** Settings of {@link linesWithBand}. */
export interface LinesOptions extends PanelSize {
  readonly rows: readonly Row[];
  /** Names of the fields. */
  readonly x: string;
  readonly y: string;
  /** The field that tells the lines apart, colored by `runs`; one line where left out. */
  readonly series?: string;
  /** Values of `series` in the order of their colors. */
  readonly runs?: readonly string[];
  /** A second field that splits lines further, drawn as dashes (at most 4 values), for instance train and validation. */
  readonly dash?: string;
  /** `epochs`: logarithmic in 1 + epoch. */
  readonly xScale?: "linear" | "log" | "epochs";
  readonly yScale?: "linear" | "log";
  readonly xTitle?: string;
  readonly yTitle?: string;
  readonly yDomain?: readonly [number, number];
  readonly nulls?: readonly NullBand[];
  readonly nullCurve?: NullCurve;
  /** Vertical marks, for instance grok epochs. */
  readonly marks?: readonly { readonly x: number; readonly label?: string; readonly series?: string }[];
}

interface PackedLine {
  readonly key: Row;
  readonly xs: number[];
  readonly ys: number[];
}

function packed(options: LinesOptions): PackedLine[] {
  const { rows, x, y, series, dash } = options;
  const lines = new Map<string, PackedLine>();
  for (const row of rows) {
    const key = Object.fromEntries([series, dash].filter((f) => f !== undefined).map((f) => [f, row[f] ?? null]));
    const id = JSON.stringify(key);
    const line = lines.get(id) ?? { key, xs: [], ys: [] };
    lines.set(id, line);
    line.xs.push(significant(Number(row[x]), 7));
    line.ys.push(significant(Number(row[y])));
  }
  const buckets = Math.max(1, options.width ?? DEFAULT_WIDTH);
  return [...lines.values()].map((line) => (line.xs.length > POINTS_A_PIXEL * buckets ? thinned(line, buckets) : line));
}

/** The lowest and the highest point of each of so many stretches of a line, and its ends: it looks the same. */
function thinned({ key, xs, ys }: PackedLine, buckets: number): PackedLine {
  const kept = new Set([0, xs.length - 1]);
  for (let bucket = 0; bucket < buckets; bucket++) {
    const [from, to] = [bucket, bucket + 1].map((b) => Math.floor((b * xs.length) / buckets)) as [number, number];
    let [low, high] = [from, from];
    for (let i = from; i < to; i++) {
      if (at(ys, i) < at(ys, low)) low = i;
      if (at(ys, i) > at(ys, high)) high = i;
    }
    kept.add(low).add(high);
  }
  const order = [...kept].sort((a, b) => a - b);
  return { key, xs: order.map((i) => at(xs, i)), ys: order.map((i) => at(ys, i)) };
}

/**
 * Lines, one a run, with the null behind them as a band or a rule. Rows are packed one line to a data row and unpacked by Vega's
 * `flatten`, at a third of the bytes; they should come in ascending x. Points that a log scale cannot show (≤ 0) are left out; lines of
 * more than three points a pixel are thinned to their lowest and highest point at each pixel.
 *
 * @example positional, per run: linesWithBand({ rows, x: "seed", y: "pearson", series: "run", runs, nulls: [{ low: -0.17, high: 0.17, label: "null" }] })
 * @example curves: linesWithBand({ rows, x: "epoch", y: "loss", series: "run", runs, dash: "split", xScale: "epochs", yScale: "log" })
 */
export function linesWithBand(options: LinesOptions): Panel {
  const {
    x,
    y,
    series,
    runs = [],
    dash,
    xScale = "linear",
    yScale = "linear",
    nulls = [],
    nullCurve,
    marks = [],
    width = DEFAULT_WIDTH,
    height = 240,
  } = options;
  const shown = yScale === "log" ? options.rows.filter((row) => Number(row[y]) > 0) : options.rows;
  const lines = packed({ ...options, rows: shown });
  ensureMarks("lines", lines.length, "show fewer lines, or a heatmap", 400);
  const [, last] = extent(lines.flatMap((line) => (line.xs.length === 0 ? [] : [at(line.xs, line.xs.length - 1)])));
  const xAxis =
    xScale === "epochs"
      ? epochAxis(last)
      : {
          scale: { type: xScale, nice: false, ...(xScale === "linear" ? { zero: false } : {}) },
          axis: { title: options.xTitle ?? x },
        };
  const yAxis = {
    scale: {
      type: yScale,
      ...(yScale === "linear" ? { zero: false } : {}),
      ...(options.yDomain === undefined ? {} : { domain: [...options.yDomain] }),
    },
    axis: {
      title: options.yTitle ?? y,
      ...(yScale === "log" && lines.length > 0 ? decadeAxis(...extent(lines.flatMap(({ ys }) => ys))) : {}),
    },
  };
  const color = series === undefined ? { value: runColor(0) } : runEncoding(series, runs, width);
  const encoding = {
    x: { field: x, type: "quantitative", ...xAxis },
    y: { field: y, type: "quantitative", ...yAxis },
    color: color,
    ...(dash === undefined ? {} : { strokeDash: { field: dash, type: "nominal", legend: { title: null, orient: "top" } } }),
    tooltip: [series, dash]
      .flatMap((field) => (field === undefined ? [] : [{ field, type: "nominal" }]))
      .concat([
        { field: x, type: "quantitative" },
        { field: y, type: "quantitative" },
      ]),
  };
  const layers: Panel[] = [];
  if (nullCurve !== undefined) {
    const values = nullCurve.x.map((value, i) => ({
      [x]: value,
      null_low: significant(at(nullCurve.low, i)),
      null_high: significant(at(nullCurve.high, i)),
    }));
    const bandEncoding = { x: encoding.x, y: { field: "null_low", type: "quantitative", ...yAxis }, y2: { field: "null_high" } };
    layers.push({ data: { values }, mark: { type: "area", color: INK, opacity: 0.15 }, encoding: bandEncoding } as Panel);
  }
  layers.push(...nullLayers(nulls, "y", runs));
  layers.push({
    data: { values: lines.map((line) => ({ ...line.key, [x]: line.xs, [y]: line.ys })) },
    transform: [{ flatten: [x, y] }],
    mark: { type: "line", interpolate: "linear" },
    encoding,
  } as unknown as Panel);
  if (marks.length > 0) {
    const values = marks.map((mark) => ({
      [x]: mark.x,
      label: mark.label ?? "",
      ...(series === undefined ? {} : { [series]: mark.series ?? null }),
    }));
    const markEncoding = {
      x: encoding.x,
      color: series === undefined ? { value: INK } : color,
      tooltip: { field: "label", type: "nominal" },
    };
    layers.push({ data: { values }, mark: { type: "rule", opacity: 0.6, strokeDash: [2, 2] }, encoding: markEncoding } as Panel);
  }
  return { ...titleOf({ ...options, width }), width, height, layer: layers } as Panel;
}
