import { join } from "node:path";
import type { Argv } from "yargs";
import { jsonText } from "../../api/output.ts";
import { listRuns, type RunLine } from "../../api/run-lines.ts";
import { shippedPath, shippedRuns } from "../../api/shipped.ts";
import { VERSION } from "../../api/version.ts";
import { statOf } from "../../checkpoint/index.ts";
import { ensure } from "../../core/index.ts";
import { PRESETS, presetConfig, presetSummary } from "../../train/presets.ts";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { note, print } from "../output.ts";
import { table } from "../table.ts";

const DEFAULT_FOLDER = "runs";

/** Declares the options of `list`. */
export function options(parser: Argv<GlobalOptions>) {
  return parser
    .positional("folder", { type: "string", default: DEFAULT_FOLDER, description: "a folder of runs, beside the shipped ones" })
    .option("json", { type: "boolean", default: false, description: "print one JSON object" });
}

function lines(runs: readonly RunLine[]): string {
  const header = ["run", "preset", "p", "seed", "epochs", "train", "validation", "tasks ≥ 0.99"];
  const share = (value: number | null) => (value === null ? "–" : value.toFixed(3));
  return table([
    header,
    ...runs.map((run) => [
      run.name,
      run.preset,
      String(run.p),
      run.seed === null ? "–" : String(run.seed),
      `${run.epoch ?? 0}/${run.epochs}`,
      share(run.train_accuracy),
      share(run.validation_accuracy),
      run.grokked === null ? "–" : `${run.grokked}/${run.tasks}`,
    ]),
  ]);
}

/** Prints what there is to analyze, and what can be trained. */
export async function run(argv: ArgumentsOf<typeof options>): Promise<void> {
  const shipped = listRuns(
    shippedRuns().map((name) => ({ name, path: shippedPath(name) })),
    note,
  );
  // Only the folder that is looked at by default may be missing.
  ensure(
    argv.folder === DEFAULT_FOLDER || statOf(argv.folder)?.isDirectory() === true,
    "io",
    () => `list: ${argv.folder}: must be a folder of runs, ${statOf(argv.folder) ? "is a file" : "does not exist"}`,
  );
  const local = listRuns(argv.folder, note);
  const presets = PRESETS.map((name) => ({ name, epochs: presetConfig(name).epochs, description: presetSummary(name) }));
  if (argv.json) return print(jsonText({ miiii: VERSION, shipped, local, presets }));
  print(`Shipped runs (miiii analyze neurons ${shipped[0]?.name ?? "RUN"})\n${lines(shipped)}\n`);
  const here = local.map((run) => ({ ...run, name: join(argv.folder, run.name) }));
  print(local.length === 0 ? `No runs in ${argv.folder}/ yet.\n` : `Runs in ${argv.folder}/\n${lines(here)}\n`);
  print(
    `Presets (miiii train --preset NAME)\n${presets.map(({ name, description }) => `${name.padEnd(14)}${description}`).join("\n")}`,
  );
}
