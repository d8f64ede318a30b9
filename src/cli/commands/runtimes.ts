import type { Argv } from "yargs";
import { jsonText } from "../../api/output.ts";
import { GPU_RUNTIMES, probeRuntimes } from "../../api/runtime-choice.ts";
import { VERSION } from "../../api/version.ts";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { print } from "../output.ts";

/** What `runtimes --json` prints. */
export type RuntimesOutput = {
  miiii: string;
  /** What `--runtime auto` takes. */
  auto: string;
  runtimes: {
    name: string;
    works: boolean;
    version?: string;
    device?: string;
    /** Whether that is a GPU. */
    gpu?: boolean;
    /** Why it does not work here. */
    reason?: string;
  }[];
  /** What `--adapter` chooses from, in order. */
  adapters: { name: string; vendor: string; backend: string; kind: "hardware" | "software" }[];
};

/** Declares the options of `runtimes`. */
export function options(parser: Argv<GlobalOptions>) {
  return parser.option("json", { type: "boolean", default: false, description: "print one JSON object" });
}

/** Prints what this machine can train on, and why not on the rest. */
export async function run(argv: ArgumentsOf<typeof options>): Promise<void> {
  const runtimes: RuntimesOutput["runtimes"] = (await probeRuntimes()).map((probe) =>
    "runtime" in probe
      ? {
          name: probe.name,
          works: true,
          version: probe.runtime.version,
          device: probe.runtime.device,
          gpu: probe.runtime.gpu === true,
        }
      : { name: probe.name, works: false, reason: probe.reason.replace(`${probe.name}: `, "") },
  );
  const { webgpuAdapters } = await import("../../runtimes/index.ts");
  const adapters = runtimes.some(({ name, works }) => name === "webgpu" && works) ? await webgpuAdapters() : [];
  const auto = (GPU_RUNTIMES.find((name) => runtimes.some((runtime) => runtime.name === name && runtime.gpu)) ??
    "onnx") as string;
  const output: RuntimesOutput = { miiii: VERSION, auto, runtimes, adapters };
  if (argv.json) return print(jsonText(output));
  for (const { name, works, version, device, reason } of runtimes) {
    print(
      `${name.padEnd(12)}${works ? `works: ${version}, ${device}${name === auto ? " (--runtime auto)" : ""}` : `no: ${reason}`}`,
    );
  }
  adapters.forEach(({ name, backend, kind }, i) => {
    print(
      `${i === 0 ? "adapters" : ""}`.padEnd(12) +
        `${i}: ${name} (${backend}${kind === "software" ? ", software: slow, for tests" : ""})`,
    );
  });
}
