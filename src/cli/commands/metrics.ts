import type { Argv } from "yargs";
import { jsonText, shownPath } from "../../api/output.ts";
import { parseReferences } from "../../api/references.ts";
import { VERSION } from "../../api/version.ts";
import { openAnyRun, readMetrics, type StoredConfig } from "../../checkpoint/index.ts";
import { ensure } from "../../core/index.ts";
import type { MetricsRow } from "../../model/index.ts";
import { headsOf } from "../../tasks/index.ts";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { note, print } from "../output.ts";

/** Declares the options of `metrics`. */
export function options(parser: Argv<GlobalOptions>) {
  return parser
    .positional("directory", { type: "string", demandOption: true, description: "a run directory or a shipped run" })
    .option("csv", { type: "boolean", default: false, description: "comma-separated values, a line each tick (the default)" })
    .option("json", { type: "boolean", default: false, description: "print one JSON object" });
}

/** What `metrics --json` prints. */
export type MetricsOutput = {
  miiii: string;
  path: string;
  config: StoredConfig;
  /** The heads' moduli, in the order of every list over heads. */
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

/** Prints the metrics of a run. */
export async function run(argv: ArgumentsOf<typeof options>): Promise<void> {
  ensure(!(argv.csv && argv.json), "usage", () => "metrics: prints --csv or --json, got both");
  const references = parseReferences([argv.directory]);
  const [reference] = references;
  ensure(
    references.length === 1 && reference?.kind === "run",
    "usage",
    () => `${argv.directory}: must be one run directory, is ${references.length === 1 ? "a file" : `${references.length} runs`}`,
  );
  const { header } = openAnyRun(reference.path);
  const { rows, warnings } = readMetrics(reference);
  warnings.forEach(note);
  const moduli = headsOf(header.config).map(({ q }) => q);
  if (!argv.json) return print(metricsCsv(rows, moduli));
  const output: MetricsOutput = {
    miiii: VERSION,
    path: shownPath(reference.path),
    config: header.config,
    heads: moduli,
    rows,
  };
  print(jsonText(output));
}
