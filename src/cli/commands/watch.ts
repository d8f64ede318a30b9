import type { Argv } from "yargs";
import { parseReferences } from "../../api/references.ts";
import { openAnyRun } from "../../checkpoint/index.ts";
import { ensure } from "../../core/index.ts";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { servePage, withServerOptions } from "../serve-page.ts";

/** Declares the options of `watch`. */
export function options(parser: Argv<GlobalOptions>) {
  return withServerOptions(parser)
    .positional("run", { type: "string", demandOption: true, description: "the folder of the run" })
    .example("$0 watch runs/mine", "curves, tasks and neurons of a run while another process trains it")
    .epilogue(
      "It reads the run's folder alone: training is not touched, and may end, be resumed or begin anew meanwhile. miiii train --watch opens it.",
    );
}

/** Serves the page until Ctrl-C. */
export async function run(argv: ArgumentsOf<typeof options>): Promise<void> {
  const references = parseReferences([argv.run]);
  const [reference, ...others] = references;
  ensure(
    reference !== undefined && others.length === 0 && reference.kind === "run",
    "usage",
    () => `watch: needs the folder of one run, got ${argv.run}`,
  );
  openAnyRun(reference.path);
  await servePage({ kind: "watch", title: `Watch ${reference.label}`, references }, argv);
}
