import type { TopLevelSpec } from "vega-lite";
import { RUN_COLORS, runColor } from "../figures/index.ts";

const OURS: ReadonlySet<unknown> = new Set<unknown>(RUN_COLORS);

/**
 * The spec with each run in the color of its place among all the page's runs: a figure in which a run is missing would otherwise
 * give its color to the next. Scales whose domain holds anything else than labels stay as they are.
 */
export function recolorRuns(spec: TopLevelSpec, labels: readonly string[]): TopLevelSpec {
  const place = new Map(labels.map((label, i) => [label, i]));
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (value === null || typeof value !== "object") return value;
    const { domain, range } = value as { domain?: unknown; range?: unknown };
    const ofRuns =
      Array.isArray(domain) &&
      Array.isArray(range) &&
      domain.length > 0 &&
      domain.every((label) => place.has(label)) &&
      range.every((color) => OURS.has(color));
    if (ofRuns) return { ...value, range: domain.map((label: string) => runColor(place.get(label) ?? 0)) };
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [
        key,
        key === "values" || key === "datasets" || key === "config" ? entry : walk(entry),
      ]),
    );
  };
  return walk(spec) as TopLevelSpec;
}
