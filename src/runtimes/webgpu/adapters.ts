import { createRequire } from "node:module";
import { MiiiiError, messageOf } from "../../core/index.ts";
import type { WebgpuAdapter } from "./adapter.ts";

/** What an adapter is opened with. */
export interface FoundAdapter extends WebgpuAdapter {
  readonly open: () => Promise<GPUAdapter>;
}

const PACKAGE = "webgpu";

/** Dawn goes on looking after its instances; one that was collected as garbage would crash the process. */
const instances: GPU[] = [];

async function loadDawn(): Promise<{ create: (options: string[]) => GPU; version: string }> {
  try {
    const dawn = await import("webgpu");
    const create = (options: string[]): GPU => {
      const instance = dawn.create(options);
      instances.push(instance);
      return instance;
    };
    const { version } = createRequire(import.meta.url)(`${PACKAGE}/package.json`) as { version: string };
    return { create, version };
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
    const why = missing ? "it is not installed: npm install webgpu@0.6.2" : messageOf(error).split("\n")[0];
    throw new MiiiiError("runtime", `webgpu: needs the package ${PACKAGE} beside miiii: ${why}`, { cause: error });
  }
}

/** Backends and names of the adapters. Dawn tells them only when it is asked for one that does not exist. */
async function adapterNames(create: (options: string[]) => GPU): Promise<{ backend: string; name: string }[]> {
  let told = "";
  try {
    await create(["adapter=\u0001"]).requestAdapter();
  } catch (error) {
    told = messageOf(error);
  }
  const found = [...told.matchAll(/backend: '([^']*)', name: '([^\n]*)'/g)].map(([, backend = "", name = ""]) => ({
    backend,
    name,
  }));
  return found.filter(
    ({ backend, name }, i) =>
      backend !== "null" && found.findIndex((each) => each.backend === backend && each.name === name) === i,
  );
}

/** The adapters of this machine, hardware first. Throws where the package is missing. */
export async function findAdapters(): Promise<{ adapters: FoundAdapter[]; version: string }> {
  const { create, version } = await loadDawn();
  const adapters: FoundAdapter[] = [];
  for (const { backend, name } of await adapterNames(create)) {
    const open = async () => {
      const adapter = await create([`backend=${backend}`, `adapter=${name}`]).requestAdapter({
        powerPreference: "high-performance",
      });
      if (adapter === null) throw new MiiiiError("runtime", `webgpu: adapter ${name} (${backend}) must open, it does not`);
      return adapter;
    };
    const { info } = await open();
    adapters.push({ name, backend, vendor: info.vendor, kind: info.isFallbackAdapter ? "software" : "hardware", open });
  }
  const rank = ({ kind }: WebgpuAdapter) => (kind === "hardware" ? 0 : 1);
  return { adapters: adapters.sort((a, b) => rank(a) - rank(b)), version };
}

/** The adapter that was asked for by its number or part of its name, or the first one. */
export function chooseAdapter<A extends WebgpuAdapter>(adapters: readonly A[], wanted: string | undefined): A {
  const [first] = adapters;
  if (first === undefined) {
    const loader = process.platform === "linux" ? " and its loader libvulkan1" : "";
    throw new MiiiiError("runtime", `webgpu: no adapter found: needs a GPU with a Vulkan, Metal or Direct3D 12 driver${loader}`);
  }
  if (wanted === undefined) return first;
  const byName = adapters.find(({ name }) => name.toLowerCase().includes(wanted.toLowerCase()));
  const chosen = (/^\d+$/.test(wanted) ? adapters[Number(wanted)] : undefined) ?? byName;
  if (chosen !== undefined) return chosen;
  const list = adapters.map(({ name, backend }, i) => `${i}: ${name} (${backend})`).join(", ");
  throw new MiiiiError("usage", `--adapter: must be the number or part of the name of one of ${list}; got ${wanted}`);
}
