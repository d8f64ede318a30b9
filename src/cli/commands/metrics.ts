import type { Argv } from "yargs";
import { ensureWritable, jsonText, shownPath } from "../../api/output.ts";
import { parseReferences } from "../../api/references.ts";
import { VERSION } from "../../api/version.ts";
import { openAnyRun, readMetrics, type StoredConfig } from "../../checkpoint/index.ts";
import { at, ensure } from "../../core/index.ts";
import { csvOf, type Row } from "../../figures/index.ts";
import type { MetricsRow } from "../../model/index.ts";
import { headsOf } from "../../tasks/index.ts";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { writeParquetTable } from "../data-file.ts";
import { note, print } from "../output.ts";

/** Declares the options of `metrics`. */
export function options(parser: Argv<GlobalOptions>) {
  return parser
    .positional("runs", {
      type: "string",
      array: true,
      default: [] as string[],
      description: "run directories or shipped runs, with labels of yours where wanted: label=RUN",
    })
    .option("csv", {
      type: "boolean",
      default: false,
      description: "of one run, comma-separated values, a line each tick (the default)",
    })
    .option("tidy", {
      type: "boolean",
      default: false,
      description: "of any number of runs, comma-separated values, a line each value (the default for several)",
    })
    .option("parquet", { type: "string", requiresArg: true, description: "write what --tidy prints to this file, as Parquet" })
    .option("json", { type: "boolean", default: false, description: "of one run, print one JSON object" });
}

/** What `metrics --json` prints. */
export type MetricsOutput = {
  miiii: string;
  path: string;
  config: StoredConfig;
  /** The output heads' moduli, in the order of every list over output heads. */
  heads: number[];
  rows: MetricsRow[];
};

/** One tick's numbers by column name. */
function cells(row: MetricsRow, moduli: readonly number[]): Record<string, number> {
  const flat: Record<string, number> = { epoch: row.epoch, objective: row.objective };
  for (const set of ["train", "validation"] as const) {
    for (const measure of ["loss", "accuracy"] as const) {
      row[set][measure].forEach((value, h) => {
        flat[`${set}_${measure}_q${moduli[h]}`] = value;
      });
    }
  }
  for (const set of ["train", "validation"] as const) {
    for (const measure of ["loss", "accuracy"] as const) {
      row.average?.[set][measure].forEach((value, h) => {
        flat[`average_${set}_${measure}_q${moduli[h]}`] = value;
      });
    }
  }
  row.task_weights?.forEach((value, h) => {
    flat[`task_weight_q${moduli[h]}`] = value;
  });
  for (const norms of ["gradient_norms", "filtered_gradient_norms", "weight_norms"] as const) {
    for (const [name, value] of Object.entries(row[norms] ?? {})) flat[`${norms.slice(0, -1)}_${name}`] = value;
  }
  return flat;
}

/** Rows as CSV: every column that any row has; empty where a row lacks it. */
export function metricsCsv(rows: readonly MetricsRow[], moduli: readonly number[]): string {
  const flat = rows.map((row) => cells(row, moduli));
  // The last row has all columns: gradients are absent at epoch 0.
  const columns = [...new Set([...flat].reverse().flatMap((row) => Object.keys(row)))];
  return [columns.join(","), ...flat.map((row) => columns.map((name) => row[name] ?? "").join(","))]
    .map((line) => `${line}\n`)
    .join("");
}

/** A run's numbers, a row a value: which run, epoch, set of samples, measure, task q or tensor. */
export function tidyRows(label: string, config: StoredConfig, rows: readonly MetricsRow[]): Row[] {
  const moduli = headsOf(config).map(({ q }) => q);
  const run = { run: label, task: config.task, p: config.p, seed: config.seed ?? null };
  return rows.flatMap((row) => {
    const found: Row[] = [];
    const add = (measure: string, value: number, more: Partial<Record<"weights" | "set" | "q" | "tensor", string | number>>) => {
      const { weights = null, set = null, q = null, tensor = null } = more;
      found.push({ ...run, epoch: row.epoch, measure, weights, set, q, tensor, value });
    };
    add("objective", row.objective, { weights: "trained", set: "train" });
    for (const [weights, scores] of [["trained", row] as const, ["average", row.average] as const]) {
      for (const set of ["train", "validation"] as const)
        for (const measure of ["loss", "accuracy"] as const)
          scores?.[set][measure].forEach((value, h) => {
            add(measure, value, { weights, set, q: at(moduli, h) });
          });
    }
    row.task_weights?.forEach((value, h) => {
      add("task_weight", value, { q: at(moduli, h) });
    });
    for (const norms of ["gradient_norms", "filtered_gradient_norms", "weight_norms"] as const)
      for (const [tensor, value] of Object.entries(row[norms] ?? {})) add(norms.slice(0, -1), value, { tensor });
    return found;
  });
}

const TIDY_COLUMNS = ["run", "task", "p", "seed", "epoch", "measure", "weights", "set", "q", "tensor", "value"] as const;

/** Prints the metrics of runs, or writes them. */
export async function run(argv: ArgumentsOf<typeof options>): Promise<void> {
  const { runs: words, csv, tidy, json, parquet } = argv;
  const forms = [csv && "--csv", tidy && "--tidy", json && "--json"].filter((form) => form !== false);
  ensure(words.length > 0, "usage", () => "metrics: a run must be given: a run directory or a shipped run (miiii list)");
  ensure(forms.length < 2, "usage", () => `metrics: prints --csv, --tidy or --json, got ${forms.join(" and ")}`);
  const references = parseReferences(words);
  for (const { kind, path } of references)
    ensure(kind === "run", "usage", () => `${path}: must be a run directory, is a file: its series is what metrics are of`);
  ensure(
    references.length === 1 || (!csv && !json),
    "usage",
    () => `metrics: ${forms.join()} is of one run, got ${references.length}; --tidy takes several`,
  );
  if (parquet !== undefined) ensureWritable(parquet);
  const read = references.map(({ label, path }) => {
    const { header } = openAnyRun(path);
    const { rows, warnings } = readMetrics({ path });
    warnings.forEach(note);
    return { label, path, config: header.config, rows };
  });
  const [first] = read;
  const table = { columns: TIDY_COLUMNS, rows: read.flatMap(({ label, config, rows }) => tidyRows(label, config, rows)) };
  if (parquet !== undefined) {
    await writeParquetTable(parquet, table);
    note(`wrote ${shownPath(parquet)}`);
    if (forms.length === 0) return;
  }
  if (first === undefined || tidy || read.length > 1) return print(csvOf(table));
  const { path, config, rows } = first;
  const moduli = headsOf(config).map(({ q }) => q);
  if (!json) return print(metricsCsv(rows, moduli));
  const output: MetricsOutput = { miiii: VERSION, path: shownPath(path), config, heads: moduli, rows };
  print(jsonText(output));
}
