import type { SignalRef } from "vega";
import type { TopLevelSpec } from "vega-lite";
import type { ExprRef } from "vega-lite/types_unstable/expr.js";
import type { TitleParams } from "vega-lite/types_unstable/title.js";
import { MiiiiError } from "../core/index.ts";
import { letterPanels } from "./letters.ts";
import { THEME } from "./theme.ts";
import { unbroken } from "./unbroken.ts";
import type { Panel, Parameter } from "./view.ts";

export type { Layer, LayeredPanel, Panel, Parameter, Row, UnitPanel } from "./view.ts";

/** How a panel is named and how large it is (its plotting area, in pixels). */
export interface PanelSize {
  readonly title?: string;
  readonly subtitle?: string;
  readonly width?: number;
  readonly height?: number;
}

/** The parts of a figure around its panels. */
export interface FigureOptions {
  readonly title?: string;
  readonly subtitle?: string;
  /** The text alternative: what a reader who cannot see the figure needs to know. */
  readonly description: string;
  readonly params?: readonly Parameter[];
}

const SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json";

/** Largest number of drawn marks in one panel: what a browser draws without a pause. */
export const MAX_MARKS = 4000;

/** Width of a whole figure that a page shows without shrinking it, in pixels. */
export const MAX_WIDTH = 960;

/** Throws unless a panel's `count` of marks is one a page can carry; `instead` says what to use. */
export function ensureMarks(where: string, count: number, instead: string, limit = MAX_MARKS): void {
  if (count > limit) throw new MiiiiError("input", `${where}: must draw at most ${limit} marks, got ${count}; ${instead}`);
}

/** `value` to `digits` significant digits. */
export function significant(value: number, digits = 5): number {
  return Number.isFinite(value) ? Number(value.toPrecision(digits)) : value;
}

/** The smallest and the largest value; [0, 1] where there are none. */
export function extent(values: Iterable<number>): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}

/** Width of an average character of a subtitle, in pixels. */
const CHARACTER = 5.6;

/** Text in lines of at most `pixels`, broken between words; one line as plain text. */
export function wrapText(text: string, pixels: number): string | string[] {
  const limit = Math.max(12, Math.floor(pixels / CHARACTER));
  const lines: string[] = [];
  const whole = unbroken(text);
  for (const word of whole.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= limit) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.length > 1 ? lines : whole;
}

/** Pixels for the lines of a panel's title and subtitle. */
export function titleRoom(width: number): { readonly heading: number; readonly below: number } {
  const below = Math.max(width, 160);
  return { heading: below * 0.9, below };
}

/**
 * The title of a panel as Vega-Lite wants it, smaller than a figure's, its lines no wider than the panel; to be spread into a
 * view.
 */
export function titleOf(options: { readonly title?: string; readonly subtitle?: string; readonly width?: number }): {
  title?: TitleParams<ExprRef | SignalRef>;
} {
  const { title, subtitle, width = MAX_WIDTH } = options;
  const { heading, below: room } = titleRoom(width);
  if (title === undefined) {
    // Vega shows no subtitle without a title.
    return subtitle === undefined ? {} : { title: { text: wrapText(subtitle, room), fontSize: 11, fontWeight: "normal" } };
  }
  const below = subtitle === undefined ? {} : { subtitle: wrapText(subtitle, room) };
  return { title: { text: wrapText(title, heading), ...below, fontSize: 12, fontWeight: 500 } };
}

/**
 * A whole figure: the panel with the theme, the schema and a text alternative. The last step of an analysis's `figure`.
 *
 * @example
 * figure: (entries) =>
 *   figure(linesWithBand({ rows, x: "epoch", y: "accuracy", series: "run", runs: entries.map((e) => e.label) }), {
 *     title: "Validation accuracy",
 *     description: "Accuracy over epochs, one line a run.",
 *   })
 */
export function figure(panel: Panel, options: FigureOptions): TopLevelSpec {
  const { description, params, title, subtitle } = options;
  const below = subtitle === undefined ? {} : { subtitle: wrapText(subtitle, MAX_WIDTH) };
  const named = title === undefined ? titleOf(options) : { title: { text: title, ...below } };
  // A view has one title: a titled panel goes into a frame that carries the figure's.
  const framed = "title" in named && "title" in panel && panel.title !== undefined ? { vconcat: [panel] } : panel;
  return {
    $schema: SCHEMA,
    description,
    config: THEME,
    ...(params === undefined ? {} : { params: [...params] }),
    ...letterPanels(framed),
    ...named,
  } as TopLevelSpec;
}

/** How {@link concatPanels} sets panels beside each other. */
export interface ConcatOptions {
  readonly title?: string;
  readonly subtitle?: string;
  /** Panels in a row before the next row begins; 1 stacks them. All in one row where left out. */
  readonly columns?: number;
  /**
   * Whether the panels' x, y and color scales are one (`shared`: panels are comparable by eye) or each panel has its own
   * (`own`); the figure says which. `mixed` is for panels of different kinds: each has its own colors, and nothing is said.
   */
  readonly scales: "shared" | "own" | "mixed";
  readonly spacing?: number;
}

const SCALES_SAID = { shared: "shared scales", own: "each panel on its own scale", mixed: undefined } as const;

/** Vega-Lite's own default would merge the colors and dashes of panels of different kinds. */
function scaleResolution(scales: ConcatOptions["scales"]): Record<string, "shared" | "independent"> {
  const marks = ["color", "size", "strokeDash", "xOffset"];
  const channels = scales === "mixed" ? marks : ["x", "y", ...marks];
  return Object.fromEntries(channels.map((channel) => [channel, scales === "shared" ? "shared" : "independent"]));
}

/**
 * Panels beside or above each other, with the scales said in the subtitle.
 *
 * @example
 * figure(
 *   concatPanels(entries.map(({ label, result }) => gridImage({ title: label, values: result.grid, p })), { scales: "shared",
 *     columns: 2 }),
 *   { title: "Attention", description: "…" },
 * )
 */
export function concatPanels(panels: readonly Panel[], options: ConcatOptions): Panel {
  const { title, subtitle, columns, scales, spacing = 24 } = options;
  const said = [subtitle, SCALES_SAID[scales]].filter((part) => part !== undefined).join("; ");
  const resolve = { resolve: { scale: scaleResolution(scales) } };
  const caption = titleOf({ ...(title === undefined ? {} : { title }), ...(said === "" ? {} : { subtitle: said }) });
  const common = { ...caption, spacing, ...resolve };
  return columns === 1
    ? { ...common, vconcat: [...panels] }
    : { ...common, concat: [...panels], columns: columns ?? panels.length };
}
