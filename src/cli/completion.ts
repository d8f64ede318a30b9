import { shippedRuns } from "../api/shipped.ts";
import { COMMAND_NAMES, optionsOf } from "./program.ts";

/** Words that may stand in place of the last of `words`, which are what was typed after `miiii`; files are the shell's to add. */
export async function completeWords(words: readonly string[]): Promise<string[]> {
  const [command, ...rest] = words;
  const current = words.at(-1) ?? "";
  const matching = (candidates: readonly string[]) => candidates.filter((word) => word.startsWith(current));
  if (command === undefined || rest.length === 0) return matching(COMMAND_NAMES);
  if (current.startsWith("-")) return matching(await optionsOf(command, words));
  switch (command) {
    case "train": {
      const { PRESETS } = await import("../train/presets.ts");
      return matching(rest.at(-2) === "--preset" ? PRESETS : []);
    }
    case "analyze": {
      if (rest.length > 1) return matching(shippedRuns());
      const { analysisNames } = await import("./commands/analyze.ts");
      return matching(await analysisNames());
    }
    case "report":
    case "inspect":
    case "metrics":
    case "export":
      return matching(shippedRuns());
    case "completion":
      return matching((await import("./commands/completion.ts")).SHELLS);
    default:
      return [];
  }
}
