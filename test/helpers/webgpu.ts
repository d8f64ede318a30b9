import { existsSync } from "node:fs";
import { float32, type NdArray, type randomStream, sizeOf } from "../../src/core/index.ts";
import type { Ops, ProgramSource } from "../../src/ops/index.ts";
import { type FoundAdapter, findAdapters } from "../../src/runtimes/webgpu/adapters.ts";
import { Gpu } from "../../src/runtimes/webgpu/device.ts";
import { webgpuRuntimeOf } from "../../src/runtimes/webgpu/over.ts";

/** Software Vulkan devices of Debian's packages chromium and mesa-vulkan-drivers. */
const SOFTWARE = [
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json",
  "/usr/share/vulkan/icd.d/lvp_icd.json",
];

/** An adapter to test on: this machine's own, or else a software one; undefined where there is none. */
export async function findTestAdapter(): Promise<FoundAdapter | undefined> {
  const [own] = (await findAdapters()).adapters;
  if (own !== undefined || process.env.VK_DRIVER_FILES !== undefined) return own;
  for (const file of SOFTWARE.filter((name) => existsSync(name))) {
    process.env.VK_DRIVER_FILES = file;
    const [found] = (await findAdapters()).adapters;
    if (found !== undefined) return found;
  }
  delete process.env.VK_DRIVER_FILES;
  return undefined;
}

/** A runtime on a device of its own. */
export async function openTestRuntime(adapter: FoundAdapter) {
  const gpu = await Gpu.open(await adapter.open());
  return { gpu, runtime: webgpuRuntimeOf(gpu, "test", adapter.name) };
}

/** A float32 program of named inputs. */
export function sourceOf(
  inputs: Record<string, NdArray>,
  build: <T>(ops: Ops<T>, x: Record<string, T>) => Record<string, T>,
): ProgramSource {
  const specs = Object.fromEntries(Object.entries(inputs).map(([name, { dtype, shape }]) => [name, { dtype, shape }]));
  return { dtype: "float32", inputs: specs, build: (ops, given) => build(ops, given as never) };
}

/** Normal numbers of a shape, drawn one after another. */
export const normalsFrom =
  (random: ReturnType<typeof randomStream>) =>
  (...shape: number[]) =>
    float32(
      Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
      shape,
    );
