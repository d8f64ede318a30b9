import { type NullBand, nullLayers } from "./lines.ts";
import {
  concatPanels,
  ensureMarks,
  extent,
  type Layer,
  type LayeredPanel,
  type Panel,
  type PanelSize,
  type Row,
  titleOf,
} from "./panel.ts";
import { runEncoding } from "./run-encoding.ts";
import { NULL_COLOR, runColor } from "./theme.ts";

/** Settings of {@link barsWithNull}. */
export interface BarsOptions extends PanelSize {
  readonly rows: readonly Row[];
  /** Names of the fields; `x` is a category or a whole number. */
  readonly x: string;
  readonly y: string;
  /** The field colored by `runs`; bars of one x stand beside each other. */
  readonly series?: string;
  readonly runs?: readonly string[];
  /** Those of `runs` that are controls or nulls: grey. */
  readonly greys?: readonly string[];
  /** The run whose measures the series are: each has a row of its own, in the run's color, those of `greys` grey. */
  readonly of?: string;
  readonly xTitle?: string;
  readonly yTitle?: string;
  readonly yScale?: "linear" | "sqrt";
  readonly yDomain?: readonly [number, number];
  readonly nulls?: readonly NullBand[];
  /** The field of each bar's own null, drawn as a grey stroke across it; where it is null the bar has none. */
  readonly ownNull?: string;
}

/** Pixels that bars beside each other need at least, each. */
const LEAST_BAR = 6;

/**
 * Bars over categories or whole numbers (frequencies k, primes q), with the null as a dashed rule or a band. Categories keep the
 * order of the rows. Bars of several runs stand beside each other where there is room, else each run has a row of its own, all on
 * one scale.
 *
 * @example fourier: barsWithNull({ rows: energy, x: "k", y: "share", series: "run", runs, nulls: [{ high: threshold, label:
 *   "null 99 %" }] })
 */
export function barsWithNull(options: BarsOptions): Panel {
  const { rows, x, series, runs = [], nulls = [], width = 480, height = 180 } = options;
  ensureMarks("bars", rows.length, "show fewer categories, or lines");
  const categories = new Set(rows.map((row) => row[x])).size;
  const several = series !== undefined && runs.length > 1;
  if (!several || (options.of === undefined && categories * runs.length * LEAST_BAR <= width))
    return barPanel({ ...options, rows, runs, beside: several });
  const [low, high] = extent(
    rows
      .flatMap((row) => [row[options.y], options.ownNull === undefined ? null : row[options.ownNull]])
      .flatMap((value) => numberOrNull(value) ?? [])
      .concat(
        0,
        nulls.flatMap((none) => none.high ?? []),
      ),
  );
  // Said once, over all of them.
  const { subtitle, ...common } = options;
  const panels = runs.map((run, i) =>
    barPanel({
      ...common,
      ...(i === 0 && subtitle !== undefined ? { subtitle } : {}),
      title: i === 0 && options.title !== undefined ? `${options.title}: ${run}` : run,
      rows: rows.filter((row) => row[series] === run),
      // Colors stand for a run's place among all.
      runs,
      nulls: nulls.filter((none) => none.run === undefined || none.run === run),
      yDomain: options.yDomain ?? [low, high],
      height: Math.max(56, Math.round((1.6 * height) / runs.length)),
      xTitle: i === runs.length - 1 ? (options.xTitle ?? x) : "",
      legend: false,
      beside: false,
    }),
  );
  return concatPanels(panels, { scales: "mixed", columns: 1, spacing: 8 });
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

/** The color of a row of a run's measures: the run's, or a control's grey. */
const measureColor = (of: string, measure: string, greys: readonly string[]) =>
  greys.includes(measure) ? { value: NULL_COLOR } : runEncoding("run", [of]);

interface PanelOptions extends BarsOptions {
  readonly runs: readonly string[];
  readonly beside: boolean;
  readonly legend?: boolean;
}

function barPanel(options: PanelOptions): LayeredPanel {
  const { rows, x, y, series, runs, beside, legend = true, yScale = "linear", nulls = [], ownNull, greys = [], of } = options;
  const { width = 480, height = 180 } = options;
  const runColors = series === undefined ? undefined : runEncoding(series, runs, width, greys);
  const measured = of === undefined || series === undefined ? undefined : measureColor(of, String(rows[0]?.[series]), greys);
  const title = options.xTitle ?? x;
  const whose = of === undefined ? {} : { run: of };
  const data = { values: rows.map((row) => ({ ...row, ...whose, [y]: numberOrNull(row[y]) })) };
  const offset = beside && series !== undefined ? { xOffset: { field: series, type: "nominal" as const, sort: [...runs] } } : {};
  const place = {
    field: x,
    type: "ordinal" as const,
    sort: null,
    axis: { title: title === "" ? null : title, labelAngle: 0 },
    scale: { paddingInner: 0.15 },
  };
  const bars: Layer = {
    data,
    mark: { type: "bar" },
    encoding: {
      x: place,
      y: {
        field: y,
        type: "quantitative",
        stack: null,
        scale: { type: yScale, ...(options.yDomain === undefined ? {} : { domain: [...options.yDomain] }) },
        axis: { title: options.yTitle ?? y, tickCount: Math.max(2, Math.round(height / 36)) },
      },
      color: measured ?? (runColors === undefined ? { value: runColor(0) } : legend ? runColors : { ...runColors, legend: null }),
      ...offset,
      tooltip: [
        ...(series === undefined ? [] : [{ field: series, type: "nominal" as const }]),
        { field: x, type: "nominal" },
        { field: y, type: "quantitative" },
        ...(ownNull === undefined ? [] : [{ field: ownNull, type: "quantitative" as const }]),
      ],
    },
  };
  const strokes: Layer[] =
    ownNull === undefined
      ? []
      : [
          {
            data,
            transform: [{ filter: `isValid(datum[${JSON.stringify(ownNull)}])` }],
            mark: { type: "tick", color: NULL_COLOR, thickness: 2, tooltip: null },
            encoding: { x: place, y: { field: ownNull, type: "quantitative" }, ...offset },
          },
        ];
  return { ...titleOf({ ...options, width }), width, height, layer: [...nullLayers(nulls), bars, ...strokes] };
}
