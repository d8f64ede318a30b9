import type { Argv } from "yargs";
import { leadingReferences, parseReferences } from "../../api/references.ts";
import { readSplit } from "../../api/split-file.ts";
import { ensure } from "../../core/index.ts";
import { NO_CACHE } from "../cache-option.ts";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { numberOption, seedOf } from "../config-options.ts";
import { foreignOptions, withForeignOptions } from "../foreign-options.ts";
import { servePage, withServerOptions } from "../serve-page.ts";
import { SPLIT_OPTION } from "../split-option.ts";

/** Declares the options of `explore`. */
export function options(parser: Argv<GlobalOptions>) {
  return withForeignOptions(withServerOptions(parser))
    .positional("checkpoints", {
      type: "string",
      array: true,
      default: [] as string[],
      description: "what to explore; without any, four shipped runs: one of each task, and their twins on shuffled labels",
    })
    .option("split", SPLIT_OPTION)
    .option("no-cache", NO_CACHE)
    .option("seed", { ...numberOption("seed", "seed of the nulls", "integer"), default: 0 })
    .example("$0 explore nanda runs/mine", "two runs, at any of their checkpoints, beside each other")
    .epilogue(
      "Any checkpoint, any neuron, any ablation, patch or analysis, computed when the page asks. It listens on 127.0.0.1 alone, under an address that nobody guesses; from another machine: ssh -L 8000:127.0.0.1:PORT.",
    );
}

/** Serves the page until Ctrl-C. */
export async function run(argv: ArgumentsOf<typeof options>): Promise<void> {
  const references = argv.checkpoints.length > 0 ? parseReferences(argv.checkpoints) : leadingReferences();
  ensure(references.length > 0, "usage", () => "explore: a checkpoint must be given, since no run is shipped with this copy");
  const split = argv.split === undefined ? undefined : readSplit(argv.split);
  const title = references.length === 1 ? `Explore ${references[0]?.label}` : `Explore ${references.length} runs`;
  await servePage(
    {
      kind: "explore",
      title,
      references,
      foreign: foreignOptions(argv),
      split,
      seed: seedOf(argv.seed),
      useCache: !argv.noCache,
    },
    argv,
  );
}
