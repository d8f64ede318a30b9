import { onnxRuntime } from "../onnx/onnx.ts";
import type { Runtime } from "../runtime.ts";
import type { Gpu } from "./device.ts";
import { planProgram } from "./plan.ts";
import { WebgpuProgram } from "./program.ts";
import { MILLISECONDS_AT_ONCE, RUNS_AT_ONCE } from "./tuning.ts";

/** How many runs of so many milliseconds each are given to the device at once: what a trainer may put between evaluations. */
export function runsFor(milliseconds: number): number {
  return Math.max(1, Math.min(RUNS_AT_ONCE, Math.floor(MILLISECONDS_AT_ONCE / milliseconds)));
}

/** A runtime over an opened device. */
export function webgpuRuntimeOf(gpu: Gpu, version: string, device: string, hardware = false): Runtime {
  const { maxStorageBuffersPerShaderStage, maxComputeWorkgroupStorageSize } = gpu.device.limits;
  let milliseconds = 0;
  const limits = { storageBuffers: maxStorageBuffersPerShaderStage, workgroupBytes: maxComputeWorkgroupStorageSize };
  return {
    name: "webgpu",
    version,
    device,
    gpu: hardware,
    get runsAtOnce() {
      return runsFor(milliseconds);
    },
    async compile(source) {
      if (source.dtype === "float64") return onnxRuntime().compile(source);
      const program = await WebgpuProgram.compile(gpu, planProgram(source, limits));
      return {
        setState: (state) => program.setState(state),
        getState: () => program.getState(),
        dispose: () => program.dispose(),
        async run(feeds) {
          const start = performance.now();
          const results = await program.run(feeds);
          milliseconds = (performance.now() - start) / Math.max(1, feeds.length);
          return results;
        },
      };
    },
  };
}
