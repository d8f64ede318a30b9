import { ensure, MiiiiError } from "../core/index.ts";
import type { Runtime, RuntimeName } from "../runtimes/index.ts";

/** What `--runtime` takes. */
export const RUNTIME_CHOICES = ["auto", "onnx", "tensorflow"] as const satisfies readonly (RuntimeName | "auto")[];

/**
 * Opens the runtime that was asked for; `auto` is ONNX Runtime, which works everywhere and is the fastest on CPUs.
 *
 * @param threads - bounds the CPU threads of ONNX Runtime.
 */
export async function openRuntime(name: RuntimeName | "auto", threads: number | undefined): Promise<Runtime> {
  ensure(threads === undefined || threads >= 1, "usage", () => `--threads: must be at least 1, got ${threads}`);
  ensure(threads === undefined || name !== "tensorflow", "usage", () => "--threads: is for the runtime onnx, got tensorflow");
  const { onnxRuntime, tensorflowRuntime } = await import("../runtimes/index.ts");
  switch (name) {
    case "auto":
    case "onnx":
      return onnxRuntime(threads === undefined ? {} : { threads });
    case "tensorflow":
      return tensorflowRuntime();
    default:
      return name satisfies never;
  }
}

/** What this machine can train on: each runtime, or why it does not work here. */
export async function probeRuntimes(): Promise<({ name: RuntimeName } & ({ runtime: Runtime } | { reason: string }))[]> {
  const { RUNTIME_NAMES } = await import("../runtimes/index.ts");
  const found = [];
  for (const name of RUNTIME_NAMES) {
    try {
      found.push({ name, runtime: await openRuntime(name, undefined) });
    } catch (error) {
      if (!(error instanceof MiiiiError)) throw error;
      found.push({ name, reason: error.message });
    }
  }
  return found;
}
