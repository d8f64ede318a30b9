import type { Argv } from "yargs";
import { cacheSize, clearCache, resultsFolder } from "../../api/result-cache.ts";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { print } from "../output.ts";

/** Declares the options of `cache`. */
export function options(parser: Argv<GlobalOptions>) {
  return parser.positional("action", {
    choices: ["show", "clear"] as const,
    default: "show" as const,
    description: "show what is kept, or forget it",
  });
}

/** Shows or clears the results that analyze and report keep. */
export async function run(argv: ArgumentsOf<typeof options>): Promise<void> {
  const { results, bytes } = argv.action === "clear" ? clearCache() : cacheSize();
  const size = `${results} results and drawings, ${(bytes / 1e6).toFixed(1)} MB`;
  print(argv.action === "clear" ? `${resultsFolder()}: ${size} removed` : `${resultsFolder()}: ${size}`);
}
