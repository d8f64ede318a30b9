import type { TopLevelSpec } from "vega-lite";
import type { Panel } from "./panel.ts";
import { RUN_COLORS } from "./theme.ts";
import { isTree, mapParts, type Tree } from "./walk.ts";

/** How a run is drawn wherever it appears. */
export interface RunStyle {
  readonly color: string;
  /** Lengths of strokes and gaps in pixels; empty for an unbroken line. */
  readonly dash: readonly number[];
}

/** What a run's style is made from. */
export interface StyledRun {
  readonly label: string;
  readonly config: {
    readonly task: string;
    readonly p: number;
    readonly shuffle_labels?: boolean;
    readonly grokfast_lambda?: number;
    readonly dropout?: number;
    readonly seed?: number;
  };
}

/** A color for each recipe, so that a run of another p or seed is known for what it is. */
const RECIPE_COLORS = {
  nanda: "#0072b2",
  "nanda, shuffled": "#8c6bb1",
  miiii: "#d55e00",
  "miiii, shuffled": "#009a70",
  masked: "#b08000",
  "no Grokfast": "#bf6aa0",
  "no dropout": "#2f8fc4",
} as const;

type Recipe = keyof typeof RECIPE_COLORS;

function recipeOf({ task, shuffle_labels = false, grokfast_lambda, dropout }: StyledRun["config"]): Recipe | undefined {
  switch (task) {
    case "nanda":
      return shuffle_labels ? "nanda, shuffled" : "nanda";
    case "basis":
      return "miiii, shuffled";
    case "masked":
      return shuffle_labels ? undefined : "masked";
    case "miiii":
      if (shuffle_labels) return "miiii, shuffled";
      if (grokfast_lambda === 0) return "no Grokfast";
      return dropout === 0 ? "no dropout" : "miiii";
    default:
      return undefined;
  }
}

type Rgb = readonly [number, number, number];

const linear = (channel: number) => (channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4);
const gamma = (channel: number) => (channel <= 0.0031308 ? 12.92 * channel : 1.055 * channel ** (1 / 2.4) - 0.055);

function linearOf(hex: string): Rgb {
  const channel = (at: number) => linear(Number.parseInt(hex.slice(at, at + 2), 16) / 255);
  return [channel(1), channel(3), channel(5)];
}

const luminanceOf = ([r, g, b]: Rgb) => 0.2126 * r + 0.7152 * g + 0.0722 * b;

/** Relative luminance of a color `#rrggbb`, 0 to 1 (WCAG 2). */
export function luminance(hex: string): number {
  return luminanceOf(linearOf(hex));
}

/** The color at another luminance: darker towards black, lighter towards white. */
function atLuminance(hex: string, target: number): string {
  const rgb = linearOf(hex);
  const own = luminanceOf(rgb);
  const towards = target < own ? 0 : 1;
  const share = (target - own) / (towards - own);
  return `#${rgb
    .map((channel) =>
      Math.round(255 * gamma(channel + share * (towards - channel)))
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
}

// Between these a color has a contrast of 3 to a white page (luminance 1) and to a dark one (#14181c, 0.009).
const SHADES = [undefined, 0.29, 0.135, 0.22, 0.17] as const;
const DASHES: readonly (readonly number[])[] = [[], [7, 3], [2, 2], [9, 3, 2, 3], [4, 2]];

/**
 * A style for each run, by label: the color of its recipe, a shade and a dash for each further p or seed of it. The larger p
 * comes first, whatever the order given. Runs of no recipe of the papers take the colors that are left.
 */
export function runStyles(runs: readonly StyledRun[]): ReadonlyMap<string, RunStyle> {
  const order = runs.map((run, place) => ({ run, place })).sort((a, b) => b.run.config.p - a.run.config.p || a.place - b.place);
  const used = new Set(runs.map(({ config }) => recipeOf(config)));
  const left = [
    ...Object.entries(RECIPE_COLORS).flatMap(([recipe, color]) => (used.has(recipe as Recipe) ? [] : [color])),
    ...RUN_COLORS,
  ];
  const counts = new Map<string, number>();
  const styles = new Map<string, RunStyle>();
  for (const { run } of order) {
    const recipe = recipeOf(run.config);
    const base = recipe === undefined ? (left.shift() ?? RUN_COLORS[0]) : RECIPE_COLORS[recipe];
    const count = counts.get(base) ?? 0;
    counts.set(base, count + 1);
    const shade = SHADES[count % SHADES.length];
    styles.set(run.label, {
      color: shade === undefined ? base : atLuminance(base, shade),
      dash: DASHES[count % DASHES.length] ?? [],
    });
  }
  return new Map(runs.map(({ label }) => [label, styles.get(label) ?? { color: RUN_COLORS[0], dash: [] }]));
}

/** A color encoding by runs: its field and the labels of its scale. */
export function runsOfColor(
  color: unknown,
  styles: ReadonlyMap<string, RunStyle>,
): { field: string; domain: string[] } | undefined {
  if (!isTree(color) || typeof color.field !== "string" || !isTree(color.scale)) return undefined;
  const { domain } = color.scale;
  if (!Array.isArray(domain) || domain.length === 0 || !domain.every((label) => styles.has(label))) return undefined;
  return { field: color.field, domain };
}

/**
 * A figure in which every run has its style: its color wherever runs are told apart by color, and its dash on lines whose dash
 * says nothing else.
 */
export function styleRuns<T extends TopLevelSpec | Panel>(spec: T, styles: ReadonlyMap<string, RunStyle>): T {
  const styled = (part: Tree): Tree => {
    if (!isTree(part.encoding)) return part;
    const { encoding, mark } = part;
    const runs = runsOfColor(encoding.color, styles);
    if (runs === undefined || !isTree(encoding.color) || !isTree(encoding.color.scale)) return part;
    const { domain, field } = runs;
    const color = {
      ...encoding.color,
      scale: { ...encoding.color.scale, range: domain.map((label) => styles.get(label)?.color) },
    };
    const dashes = domain.map((label) => [...(styles.get(label)?.dash ?? [])]);
    const isLine = isTree(mark) && mark.type === "line";
    const dashed = isLine && !("strokeDash" in encoding) && dashes.some((dash) => dash.length > 0);
    const legend = encoding.color.legend ?? null;
    const strokeDash = {
      field,
      type: "nominal",
      scale: { domain, range: dashes.map((dash) => (dash.length === 0 ? [1, 0] : dash)) },
      legend,
    };
    return { ...part, encoding: { ...encoding, color, ...(dashed ? { strokeDash } : {}) } };
  };
  return mapParts(spec, styled);
}
