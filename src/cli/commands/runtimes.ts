import type { Argv } from "yargs";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { jsonText, print } from "../output.ts";
import { probeRuntimes } from "../runtime-choice.ts";
import { VERSION } from "../version.ts";

/** What `runtimes --json` prints. */
export type RuntimesOutput = {
  miiii: string;
  /** What `--runtime auto` takes. */
  auto: string | null;
  runtimes: {
    name: string;
    works: boolean;
    version?: string;
    device?: string;
    /** Why it does not work here. */
    reason?: string;
  }[];
};

/** Declares the options of `runtimes`. */
export function options(parser: Argv<GlobalOptions>) {
  return parser.option("json", { type: "boolean", default: false, description: "print one JSON object" });
}

/** Prints what this machine can train on, and why not on the rest. */
export async function run(argv: ArgumentsOf<typeof options>): Promise<void> {
  const runtimes: RuntimesOutput["runtimes"] = (await probeRuntimes()).map((probe) =>
    "runtime" in probe
      ? { name: probe.name, works: true, version: probe.runtime.version, device: probe.runtime.device }
      : { name: probe.name, works: false, reason: probe.reason },
  );
  const auto = runtimes.find(({ works }) => works)?.name ?? null;
  const output: RuntimesOutput = { miiii: VERSION, auto, runtimes };
  if (argv.json) return print(jsonText(output));
  for (const { name, works, version, device, reason } of runtimes) {
    print(
      `${name.padEnd(12)}${works ? `works: ${version}, ${device}${name === auto ? " (--runtime auto)" : ""}` : `no: ${reason}`}`,
    );
  }
}
