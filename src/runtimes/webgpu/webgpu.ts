import type { Runtime } from "../runtime.ts";
import type { WebgpuAdapter } from "./adapter.ts";
import { chooseAdapter, findAdapters } from "./adapters.ts";
import { Gpu } from "./device.ts";
import { webgpuRuntimeOf } from "./over.ts";
import { tryOut } from "./try-out.ts";

/** The devices of this machine that WebGPU can compute on, GPUs first. Throws where the package is missing. */
export async function webgpuAdapters(): Promise<WebgpuAdapter[]> {
  const { adapters } = await findAdapters();
  return adapters.map(({ name, backend, vendor, kind }) => ({ name, backend, vendor, kind }));
}

/**
 * Any vendor's GPU through WebGPU: programs become WGSL shaders, and state stays on the device. WebGPU has no float64: programs
 * that need it (statistics during training) run on ONNX Runtime.
 *
 * @param options - `adapter`: number or part of the name of the device, see {@link webgpuAdapters}; the first one where absent.
 */
export async function webgpuRuntime(options: { readonly adapter?: string } = {}): Promise<Runtime> {
  const { adapters, version } = await findAdapters();
  const adapter = chooseAdapter(adapters, options.adapter);
  const gpu = await Gpu.open(await adapter.open());
  const software = adapter.kind === "software" ? ", software" : "";
  const runtime = webgpuRuntimeOf(
    gpu,
    `webgpu ${version}`,
    `${adapter.name} (${adapter.backend}${software})`,
    adapter.kind === "hardware",
  );
  await tryOut(runtime);
  return runtime;
}
