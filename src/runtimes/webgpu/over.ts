import { onnxRuntime } from "../onnx/onnx.ts";
import type { Runtime } from "../runtime.ts";
import type { Gpu } from "./device.ts";
import { planProgram } from "./plan.ts";
import { WebgpuProgram } from "./program.ts";

/** Runs of a step given to the device at once: what a trainer may put between two looks at the model. */
const RUNS_AT_ONCE = 256;

/** A runtime over an opened device. */
export function webgpuRuntimeOf(gpu: Gpu, version: string, device: string, hardware = false): Runtime {
  const { maxStorageBuffersPerShaderStage, maxComputeWorkgroupStorageSize } = gpu.device.limits;
  const limits = { storageBuffers: maxStorageBuffersPerShaderStage, workgroupBytes: maxComputeWorkgroupStorageSize };
  return {
    name: "webgpu",
    version,
    device,
    gpu: hardware,
    runsAtOnce: RUNS_AT_ONCE,
    async compile(source) {
      if (source.dtype === "float64") return onnxRuntime().compile(source);
      return WebgpuProgram.compile(gpu, planProgram(source, limits));
    },
  };
}
