import { NULL_COLOR, runColor } from "./theme.ts";

/** Greys of several nulls that no dash tells apart. */
const GREYS = [NULL_COLOR, "#5f6972"] as const;

/** Columns of a legend of these names that fit into `width` pixels. */
export function legendColumns(names: readonly string[], width: number): number {
  const longest = Math.max(0, ...names.map((name) => name.length));
  return Math.max(1, Math.min(names.length, Math.floor(width / (5.8 * longest + 36))));
}

/**
 * The color encoding of runs: fixed colors in the order given, those of `greys` grey, a legend above the panel, no wider than
 * `width`.
 */
export function runEncoding(field: string, runs: readonly string[], width = 420, greys: readonly string[] = []) {
  let colored = 0;
  const range = runs.map((run) => (greys.includes(run) ? GREYS[greys.indexOf(run) % GREYS.length] : runColor(colored++)));
  const columns = legendColumns(runs, width);
  return {
    field,
    type: "nominal" as const,
    scale: { domain: [...runs], range },
    legend: runs.length > 1 ? { title: null, orient: "top" as const, columns, symbolStrokeWidth: 2.5 } : null,
  };
}
