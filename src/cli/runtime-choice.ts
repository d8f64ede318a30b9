import { ensure } from "../core/index.ts";
import type { Runtime, RuntimeName } from "../runtimes/index.ts";

/** Opens the runtime that was asked for, or the best that works here; `threads` bounds those of the CPU. */
export async function openRuntime(name: RuntimeName | "auto", threads: number | undefined): Promise<Runtime> {
  ensure(threads === undefined || threads >= 1, "usage", () => `--threads: must be at least 1, got ${threads}`);
  const { onnxRuntime } = await import("../runtimes/index.ts");
  switch (name) {
    case "auto":
    case "onnx":
      return onnxRuntime(threads === undefined ? {} : { threads });
    case "tensorflow":
      ensure(false, "runtime", () => "runtime tensorflow: must be installed, and is not");
      break;
    default:
      return name satisfies never;
  }
}
