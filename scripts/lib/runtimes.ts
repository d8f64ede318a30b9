import { openRuntime, probeRuntimes } from "../../src/api/runtime-choice.ts";
import { MiiiiError } from "../../src/core/index.ts";
import { RUNTIME_NAMES, type Runtime, type RuntimeName } from "../../src/runtimes/index.ts";
import { tfjsWebgpuRuntime } from "./tfjs-webgpu.ts";

/** TensorFlow.js's own WebGPU backend: no runtime of ours, and measured only where it is named. */
const PEER = "tfjs-webgpu";

/** A runtime that works here. */
export interface Found {
  readonly name: RuntimeName | typeof PEER;
  readonly runtime: Runtime;
}

/**
 * The runtimes of this machine but for a GPU made of software, or those of a comma-separated list; why others are missing goes to
 * stderr.
 *
 * @param threads - bounds ONNX Runtime's CPU threads.
 * @throws MiiiiError where one that was asked for does not work.
 */
export async function chosenRuntimes(list: string | undefined, threads: number | undefined): Promise<readonly Found[]> {
  const found: Found[] = [];
  const open = async (name: RuntimeName) =>
    found.push({ name, runtime: (await openRuntime(name, name === "onnx" ? { threads } : {})).runtime });
  if (list !== undefined) {
    for (const word of list.split(",")) {
      if (word === PEER) {
        found.push({ name: PEER, runtime: await tfjsWebgpuRuntime() });
        continue;
      }
      const name = RUNTIME_NAMES.find((known) => known === word);
      if (name === undefined)
        throw new MiiiiError("usage", `--runtimes: must be of ${[...RUNTIME_NAMES, PEER].join(", ")}, got ${word}`);
      await open(name);
    }
    return found;
  }
  for (const probe of await probeRuntimes()) {
    const { name } = probe;
    if (!("runtime" in probe)) console.error(`${name}: ${probe.reason}`);
    else if (name === "onnx") await open(name);
    else if (name === "webgpu" && probe.runtime.gpu !== true) {
      console.error(`${name}: ${probe.runtime.device} is no GPU, so it is left out unless named`);
    } else found.push({ name, runtime: probe.runtime });
  }
  return found;
}
