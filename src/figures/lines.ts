import { at } from "../core/index.ts";
import { decadeAxis } from "./decades.ts";
import { epochAxis } from "./epochs.ts";
import { measureLayers } from "./measures.ts";
import { ensureMarks, extent, type Layer, type LayeredPanel, type PanelSize, type Row, titleOf } from "./panel.ts";
import { legendColumns, runEncoding } from "./run-encoding.ts";
import { NULL_COLOR, runColor } from "./theme.ts";

const DEFAULT_WIDTH = 420;

/** The null, the value expected without the structure: a band from `low` to `high`, or a rule where only one is known. */
export interface NullBand {
  readonly low?: number;
  readonly high?: number;
  /** Said at the edge of the panel, for instance `null 95 %`; one of several with the same words says it. */
  readonly label?: string;
  /** The run whose null it is, where each has its own: it stands in the data. */
  readonly run?: string;
}

/** A null that depends on x, for instance a spectrum's. */
export interface NullCurve {
  readonly x: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** An encoding whose legend shows lines. */
function strokesOf(color: ReturnType<typeof runEncoding>) {
  return { ...color, legend: color.legend === null ? null : ({ ...color.legend, symbolType: "stroke" } as const) };
}

const distinctOf = (rows: readonly Row[], field: string) => [...new Set(rows.map((row) => String(row[field])))];

/** Dashes in the order of their first rows. */
function dashes(field: string, names: readonly string[], width: number) {
  const legend = { title: null, orient: "top", columns: legendColumns(names, width) } as const;
  return { field, type: "nominal", scale: { domain: [...names] }, legend } as const;
}

/** Dashes of the nulls among lines, a different one for each; the others are whole. */
function greyDashes({ field, legend, scale }: ReturnType<typeof strokesOf>, greys: readonly string[]) {
  const runs = scale.domain;
  const range = runs.map(
    (run) =>
      [
        [1, 0],
        [5, 3],
        [2, 2],
        [8, 3, 2, 3],
      ][1 + greys.indexOf(run)] ?? [1, 0],
  );
  return { field, type: "nominal", scale: { domain: [...runs], range }, legend } as const;
}

/** The layers of null bands and rules, always grey, drawn behind the data: across y (`axis: "y"`) or across x. */
export function nullLayers(bands: readonly NullBand[], axis: "x" | "y" = "y"): Layer[] {
  const labelled = new Set<string>();
  // The highest of several nulls of the same words says them: the rest would only be written over each other.
  const sorted = [...bands].sort((a, b) => (b.high ?? b.low ?? 0) - (a.high ?? a.low ?? 0));
  return sorted.flatMap((band) => {
    const { low, high, label, run } = band;
    const edge = high ?? low;
    if (edge === undefined) return [];
    const data = { values: [{ low: low ?? edge, high: edge, label: label ?? "null", ...(run === undefined ? {} : { run }) }] };
    const place = { field: "low", type: "quantitative" } as const;
    const end = { field: "high", type: "quantitative" } as const;
    const tooltip = { field: "high", type: "quantitative", title: label ?? "null" } as const;
    const isBand = low !== undefined && high !== undefined && low !== high;
    const layers: Layer[] = [
      isBand
        ? {
            data,
            mark: { type: "rect", opacity: 0.2, color: NULL_COLOR },
            encoding: axis === "y" ? { y: place, y2: { field: "high" }, tooltip } : { x: place, x2: { field: "high" }, tooltip },
          }
        : {
            data,
            mark: { type: "rule", strokeDash: [4, 3], color: NULL_COLOR, strokeWidth: 1.3 },
            encoding: axis === "y" ? { y: end, tooltip } : { x: end, tooltip },
          },
    ];
    if (label !== undefined && !labelled.has(label)) {
      labelled.add(label);
      // Outside the plotting area, where no data hides it.
      const outside =
        axis === "y"
          ? ({ align: "left", baseline: "middle", dx: 4 } as const)
          : ({ align: "center", baseline: "bottom", dy: -3 } as const);
      const text = { field: "label" } as const;
      layers.push({
        data,
        mark: { type: "text", fontStyle: "italic", color: NULL_COLOR, ...outside },
        encoding: axis === "y" ? { y: end, x: { value: "width" }, text } : { x: end, y: { value: 0 }, text },
      });
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
  /** Those of `runs` that are nulls: grey, and told apart by dashes. */
  readonly greys?: readonly string[];
  /** The run whose measures the series are: all in its color, told apart by dashes, those of `greys` grey. */
  readonly of?: string;
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

/**
 * Lines, one a run, with the null behind them as a band or a rule. Rows should come in ascending x. Points that a log scale
 * cannot show (≤ 0) are left out.
 *
 * @example positional, per run: linesWithBand({ rows, x: "seed", y: "pearson", series: "run", runs, nulls: [{ low: -0.17, high:
 *   0.17, label: "null" }] })
 * @example curves: linesWithBand({ rows, x: "epoch", y: "loss", series: "run", runs, dash: "split", xScale: "epochs", yScale:
 *   "log" })
 */
export function linesWithBand(options: LinesOptions): LayeredPanel {
  const { x, y, series, runs = [], dash, xScale = "linear", yScale = "linear", nulls = [], nullCurve, marks = [] } = options;
  const { greys = [], of } = options;
  const { width = DEFAULT_WIDTH, height = 240 } = options;
  const rows = yScale === "log" ? options.rows.filter((row) => Number(row[y]) > 0) : options.rows;
  const keys = [series, dash].filter((field) => field !== undefined);
  ensureMarks("lines", new Set(rows.map((row) => JSON.stringify(keys.map((key) => row[key])))).size, "show a heatmap", 400);
  const [, last] = extent(rows.map((row) => Number(row[x])));
  const epochs = epochAxis(last);
  const xAxis =
    xScale === "epochs"
      ? {
          scale: { ...epochs.scale, domain: [...epochs.scale.domain] },
          axis: { ...epochs.axis, values: [...epochs.axis.values] },
        }
      : {
          scale: { type: xScale, nice: false, ...(xScale === "linear" ? { zero: false } : {}) },
          axis: { title: options.xTitle ?? x },
        };
  const decades = yScale === "log" && rows.length > 0 ? decadeAxis(...extent(rows.map((row) => Number(row[y])))) : undefined;
  const yAxis = {
    scale: {
      type: yScale,
      ...(yScale === "linear" ? { zero: false } : {}),
      ...(options.yDomain === undefined ? {} : { domain: [...options.yDomain] }),
    },
    axis: { title: options.yTitle ?? y, ...decades },
  };
  const color = series === undefined ? { value: runColor(0) } : strokesOf(runEncoding(series, runs, width, greys));
  const position = {
    x: { field: x, type: "quantitative" as const, ...xAxis },
    y: { field: y, type: "quantitative" as const, ...yAxis },
  };
  const layers: Layer[] = [];
  if (nullCurve !== undefined) {
    const values = nullCurve.x.map((value, i) => ({
      [x]: value,
      null_low: at(nullCurve.low, i),
      null_high: at(nullCurve.high, i),
    }));
    layers.push({
      data: { values },
      mark: { type: "area", color: NULL_COLOR, opacity: 0.25 },
      encoding: { x: position.x, y: { field: "null_low", type: "quantitative", ...yAxis }, y2: { field: "null_high" } },
    });
  }
  layers.push(...nullLayers(nulls));
  const tooltip = [
    ...keys.map((field) => ({ field, type: "nominal" as const })),
    ...[x, y].map((field) => ({ field, type: "quantitative" as const })),
  ];
  if (of !== undefined && series !== undefined) {
    const channels = { ...position, tooltip };
    layers.push(...measureLayers({ rows, of, field: series, measures: runs, greys, width, channels }));
  } else
    layers.push({
      data: { values: [...rows] },
      mark: { type: "line", interpolate: "linear" },
      encoding: {
        ...position,
        color,
        ...(dash === undefined ? {} : { strokeDash: dashes(dash, distinctOf(rows, dash), width) }),
        ...("field" in color && greys.length > 0 ? { strokeDash: greyDashes(color, greys) } : {}),
        tooltip,
      },
    });
  if (marks.length > 0) {
    const values = marks.map((mark) => ({
      [x]: mark.x,
      label: mark.label ?? "",
      ...(series === undefined ? {} : { [series]: mark.series ?? null }),
    }));
    layers.push({
      data: { values },
      mark: { type: "rule", opacity: 0.6, strokeDash: [2, 2] },
      encoding: { x: position.x, color, tooltip: { field: "label", type: "nominal" } },
    });
  }
  // Measures and their nulls have a legend each.
  const resolve =
    of === undefined
      ? {}
      : { resolve: { scale: { strokeDash: "independent" as const }, legend: { strokeDash: "independent" as const } } };
  return { ...titleOf({ ...options, width }), width, height, layer: layers, ...resolve };
}
