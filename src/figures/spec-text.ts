import type { TopLevelSpec } from "vega-lite";

/** Data of so many rows stand a row a line. */
const LONG = 4;

/** Stands for data while a spec is written; no label holds this character. */
const MARK = "\u0001";

/** A spec as JSON to read and to keep: its structure indented, its data a row a line. */
export function specText(spec: TopLevelSpec): string {
  const data: string[] = [];
  const text = JSON.stringify(
    spec,
    (key, value: unknown) => {
      if (key !== "values" || !Array.isArray(value) || value.length < LONG) return value;
      return `${MARK}${data.push(`[\n${value.map((row) => JSON.stringify(row)).join(",\n")}\n]`) - 1}`;
    },
    1,
  );
  // A replacement by a function: data may hold what a pattern would take for a reference.
  return `${text.replace(/"\\u0001(\d+)"/g, (_, place: string) => data[Number(place)] ?? "")}\n`;
}
