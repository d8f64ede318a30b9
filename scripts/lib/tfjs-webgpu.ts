import { createRequire } from "node:module";
import type * as Tf from "@tensorflow/tfjs";
import type * as Dawn from "webgpu";
import { MiiiiError, messageOf } from "../../src/core/index.ts";
import type { Runtime } from "../../src/runtimes/index.ts";
import { tensorflowRuntimeOf } from "../../src/runtimes/tensorflow.ts";

const BACKEND = "@tensorflow/tfjs-backend-webgpu";
const VERSION = "4.22.0";

/**
 * TensorFlow.js's own WebGPU backend under the same program, operation by operation: what our WebGPU runtime is held against.
 * Dawn stands in for the browser that the backend expects.
 *
 * @throws MiiiiError where a package or an adapter is missing.
 */
export async function tfjsWebgpuRuntime(): Promise<Runtime> {
  // One instance of TensorFlow.js, to which the backend adds itself: what `import` loads would be another.
  const require = createRequire(import.meta.url);
  try {
    const dawn = require("webgpu") as typeof Dawn;
    Object.assign(globalThis, dawn.globals);
    const navigator = { gpu: dawn.create([]), userAgent: "node" };
    Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true, writable: true });
    const tf = require("@tensorflow/tfjs") as typeof Tf;
    require(BACKEND);
    if (!(await tf.setBackend("webgpu"))) throw new Error("no adapter found");
    await tf.ready();
    return tensorflowRuntimeOf(tf, { version: `${BACKEND} ${VERSION}`, device: "the first adapter", gpu: true });
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND";
    const why = missing ? `a package is missing: npm install --no-save webgpu@0.6.2 ${BACKEND}@${VERSION}` : messageOf(error);
    throw new MiiiiError("runtime", `tfjs-webgpu: ${why.split("\n")[0]}`, { cause: error });
  }
}
