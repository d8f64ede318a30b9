import { ensure } from "../core/index.ts";
import type { Layer, Row } from "./panel.ts";
import { legendColumns, runEncoding } from "./run-encoding.ts";
import { INK, NULL_COLOR } from "./theme.ts";

/** Dashes of several measures of one run, whose color tells whose they are. */
const MEASURES = [
  [1, 0],
  [7, 3],
  [1.5, 2.5],
  [9, 2.5, 1.5, 2.5],
  [9, 2.5, 1.5, 2.5, 1.5, 2.5],
] as const;

/** The same of nulls among them, which are grey. */
const NULLS = [
  [5, 3],
  [2, 2],
] as const;

/** Size of a legend's stroke: long enough for a dash and the gap after it. */
const LEGEND = 450;

/** Lines of measures of one run. */
export interface MeasureLines {
  readonly rows: readonly Row[];
  /** The run. */
  readonly of: string;
  /** The field of `rows` that names the measure. */
  readonly field: string;
  /** All measures, in the order of the legend; those of `greys` are nulls. */
  readonly measures: readonly string[];
  readonly greys: readonly string[];
  /** Of the panel, in pixels. */
  readonly width: number;
  /** Of x, y and the tooltip. */
  readonly channels: object;
}

/** Measures proper or nulls: their names, and how they and their legend are drawn. */
interface Kind {
  readonly names: readonly string[];
  readonly dashes: readonly (readonly number[])[];
  readonly color: object;
  readonly ink: string;
  readonly orient: "top" | "bottom";
}

/**
 * Measures of one run as lines in its color, told apart by dashes, nulls in grey, each kind with a legend of its own.
 *
 * @throws MiiiiError `input` for more measures than there are dashes.
 */
export function measureLayers({ rows, of, field, measures, greys, width, channels }: MeasureLines): Layer[] {
  const own = measures.filter((name) => !greys.includes(name));
  ensure(
    own.length <= MEASURES.length && greys.length <= NULLS.length,
    "input",
    () =>
      `lines: at most ${MEASURES.length} measures and ${NULLS.length} nulls of a run are told apart, got ${own.length} and ${greys.length}`,
  );
  const layer = ({ names, dashes, color, ink, orient }: Kind): Layer[] => {
    const values = rows.filter((row) => names.includes(String(row[field]))).map((row) => ({ ...row, run: of }));
    if (values.length === 0) return [];
    const symbol = { symbolType: "stroke", symbolSize: LEGEND, symbolStrokeColor: ink };
    const legend = { title: null, orient, columns: legendColumns(names, width), rowPadding: 0, ...symbol };
    const scale = { domain: [...names], range: dashes.slice(0, names.length).map((dash) => [...dash]) };
    const strokeDash = { field, type: "nominal", scale, legend };
    return [{ data: { values }, mark: { type: "line" }, encoding: { ...channels, color, strokeDash } } as Layer];
  };
  return [
    ...layer({ names: greys, dashes: NULLS, color: { value: NULL_COLOR }, ink: NULL_COLOR, orient: "bottom" }),
    ...layer({ names: own, dashes: MEASURES, color: runEncoding("run", [of]), ink: INK, orient: "top" }),
  ];
}
