import type { TopLevelSpec } from "vega-lite";
import { type PackedCells, significant, unpackCells } from "../figures/index.ts";

/** A value in a figure's data. */
export type Cell = string | number | boolean | null;

/** A row of a figure's data as it stands in the spec; lists are lines packed by `linesWithBand`. */
export type PackedRow = Readonly<Record<string, Cell | readonly Cell[]>>;

/** A spec whose data stand under `datasets`, and the names of those that a reader may want as a table. */
export interface HoistedSpec {
  readonly spec: TopLevelSpec;
  readonly datasets: Readonly<Record<string, readonly PackedRow[]>>;
}

type Tree = { readonly [key: string]: unknown };

function isTree(value: unknown): value is Tree {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/**
 * The spec with each inline dataset moved to the top level under a name (`data0`, `data1`, … in the order of the views; equal
 * ones once). The page reads its tables and CSV files from there, so that no value stands on the page twice.
 */
export function hoistDatasets(spec: TopLevelSpec): HoistedSpec {
  const names = new Map<string, string>();
  const datasets: Record<string, readonly PackedRow[]> = {};
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (!isTree(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => {
        const values = key === "data" && isTree(entry) ? entry.values : undefined;
        if (!Array.isArray(values)) return [key, key === "datasets" || key === "config" ? entry : walk(entry)];
        const text = JSON.stringify(values);
        const name = names.get(text) ?? `data${names.size}`;
        names.set(text, name);
        datasets[name] = values as readonly PackedRow[];
        return [key, { name }];
      }),
    );
  };
  const hoisted = walk(spec) as TopLevelSpec;
  const given = (spec as { datasets?: Record<string, readonly PackedRow[]> }).datasets ?? {};
  return { spec: { ...hoisted, datasets: { ...given, ...datasets } } as TopLevelSpec, datasets: { ...given, ...datasets } };
}

function cellRows(row: PackedRow): Record<string, Cell>[] {
  const packed = row as unknown as PackedCells & { readonly columnNames?: readonly Cell[]; readonly rowNames?: readonly Cell[] };
  const { columns, columnNames, rowNames } = packed;
  const name = row.name === undefined || row.name === "" ? {} : { name: row.name as Cell };
  return unpackCells(packed).map((value, i) => {
    const [line, column] = [Math.floor(i / columns), i % columns];
    return { ...name, row: rowNames?.[line] ?? line, column: columnNames?.[column] ?? column, value: significant(value, 4) };
  });
}

/** Rows for reading: packed lines unpacked, encoded cells decoded; empty where a dataset is only drawing (an image, a frame). */
export function unpackRows(rows: readonly PackedRow[]): Record<string, Cell>[] {
  return rows.flatMap((row) => {
    if ("cells" in row) return cellRows(row);
    if ("url" in row || "drawn_only" in row) return [];
    const lists = Object.entries(row).filter((entry): entry is [string, readonly Cell[]] => Array.isArray(entry[1]));
    if (lists.length === 0) return Object.keys(row).length === 0 ? [] : [row as Record<string, Cell>];
    const length = Math.max(...lists.map(([, list]) => list.length));
    return Array.from(
      { length },
      (_, i) => ({ ...row, ...Object.fromEntries(lists.map(([key, list]) => [key, list[i] ?? null])) }) as Record<string, Cell>,
    );
  });
}

/** Columns of a table of rows: every field that any row has, in order of first appearance. */
export function columnsOf(rows: readonly Readonly<Record<string, Cell>>[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}
