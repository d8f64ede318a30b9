import { openRuntime, probeRuntimes } from "../../src/cli/runtime-choice.ts";
import { MiiiiError } from "../../src/core/index.ts";
import type { Runtime, RuntimeName } from "../../src/runtimes/index.ts";

/** A runtime that works here. */
export interface Found {
  readonly name: RuntimeName;
  readonly runtime: Runtime;
}

/**
 * The runtimes of this machine but for a GPU made of software, or those of a comma-separated list; why others are missing goes to stderr.
 *
 * @param threads - bounds ONNX Runtime's CPU threads.
 * @throws MiiiiError where one that was asked for does not work.
 */
export async function chosenRuntimes(list: string | undefined, threads: number | undefined): Promise<readonly Found[]> {
  const wanted = list?.split(",");
  const found: Found[] = [];
  for (const probe of await probeRuntimes()) {
    const { name } = probe;
    if (wanted !== undefined && !wanted.includes(name)) continue;
    if ("runtime" in probe) {
      if (wanted === undefined && name === "webgpu" && probe.runtime.gpu !== true) {
        console.error(`${name}: ${probe.runtime.device} is no GPU, so it is left out unless named`);
        continue;
      }
      found.push({ name, runtime: name === "onnx" ? (await openRuntime(name, { threads })).runtime : probe.runtime });
    } else if (wanted === undefined) console.error(`${name}: ${probe.reason}`);
    else throw new MiiiiError("runtime", `${name}: ${probe.reason}`);
  }
  const missing = wanted?.filter((name) => !found.some((one) => one.name === name)) ?? [];
  if (missing.length > 0) throw new MiiiiError("usage", `--runtimes: no runtime is called ${missing.join(", ")}`);
  return found;
}
