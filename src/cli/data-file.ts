import type { Analysis, Labelled } from "../analyses/kit/define.ts";
import { writeText } from "../api/output.ts";
import { writeFileAtomic } from "../checkpoint/index.ts";
import type { Json } from "../core/index.ts";
import { csvOf, type Row, type Table, tableOf } from "../figures/index.ts";

/** The data behind an analysis's figure as one long table: run, panel, position, value. */
function tableOfFigure(analysis: Analysis, entries: readonly Labelled<Json>[]): Table {
  return tableOf(
    analysis.figure(entries),
    entries.map(({ label }) => label),
  );
}

/** Writes the data behind a figure as CSV. */
export function writeCsv(path: string, analysis: Analysis, entries: readonly Labelled<Json>[]): void {
  writeText(path, csvOf(tableOfFigure(analysis, entries)));
}

/** A column as Parquet has it: numbers where nothing else is in it, else text; null where a row has no value. */
function columnOf(name: string, rows: readonly Row[]) {
  const values = rows.map((row) => row[name] ?? null);
  if (values.every((value) => value === null || typeof value === "number"))
    return { name, data: values, type: "DOUBLE" as const };
  return { name, data: values.map((value) => (value === null ? null : String(value))), type: "STRING" as const };
}

/** Writes a table as Parquet. */
export async function writeParquetTable(path: string, { columns, rows }: Table): Promise<void> {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  writeFileAtomic(path, new Uint8Array(parquetWriteBuffer({ columnData: columns.map((name) => columnOf(name, rows)) })));
}

/** Writes the data behind a figure as Parquet. */
export async function writeParquet(path: string, analysis: Analysis, entries: readonly Labelled<Json>[]): Promise<void> {
  await writeParquetTable(path, tableOfFigure(analysis, entries));
}
