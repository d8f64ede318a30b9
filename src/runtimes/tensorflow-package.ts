import { createRequire } from "node:module";
import type * as Tf from "@tensorflow/tfjs";
import { MiiiiError, messageOf } from "../core/index.ts";
import type { Runtime } from "./runtime.ts";
import { tensorflowRuntimeOf } from "./tensorflow.ts";

type Api = typeof Tf;

const GPU_PACKAGE = "@tensorflow/tfjs-node-gpu";
const CPU_PACKAGE = "@tensorflow/tfjs-node";
/** The packages that can serve, best first. */
const PACKAGES = [GPU_PACKAGE, CPU_PACKAGE] as const;

/** What `tfjs-node` adds to a backend of TensorFlow.js. */
interface NativeBackend {
  readonly isUsingGpuDevice?: boolean;
  readonly binding?: { readonly TF_Version?: string };
}

/** Loads a package: what importing it gives, and its version. Throws what the import throws. */
export type PackageLoader = (name: string) => Promise<{ readonly imported: object; readonly version: string }>;

async function loadBesideMiiii(name: string): Promise<{ imported: object; version: string }> {
  const imported = (await import(name)) as object;
  const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { version: string };
  return { imported, version };
}

const NOT_INSTALLED = "not installed";

/** Why a package does not serve, in a few words. */
function reasonOf(name: string, error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const [first = ""] = messageOf(error).split("\n");
  if ((code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") && first.includes(`'${name}'`)) return NOT_INSTALLED;
  const again = `npm rebuild ${name} --foreground-scripts tries again and shows what fails`;
  if (first.includes("native addon module")) return `installed, but its install step did not make the native addon; ${again}`;
  if (code === "ERR_DLOPEN_FAILED") return `its native addon cannot be loaded: ${first}; ${again}`;
  if (/util\S*\.(isNullOrUndefined|isArray)\b/.test(first))
    return `it calls functions of node:util that Node 23 removed; it needs Node 20 or 22, this is ${process.version}`;
  return first;
}

/** One product: some builds load but cannot compute, for example on a Node that is too new. */
function tryAddon(tf: Api): void {
  const [product] = tf.tidy(() => tf.matMul(tf.tensor2d([[1, 2]]), tf.tensor2d([[3], [4]])).dataSync());
  if (product !== 11) throw new Error(`1·3 + 2·4 must be 11, it computes ${product}`);
}

function deviceOf(name: string, { isUsingGpuDevice }: NativeBackend): string {
  if (isUsingGpuDevice === true) return "GPU (CUDA)";
  return name === GPU_PACKAGE ? `CPU: ${name} finds no GPU; it needs an NVIDIA driver, CUDA 11.2 and cuDNN 8.1` : "CPU";
}

/**
 * The runtime over `@tensorflow/tfjs-node-gpu` (CUDA), or else over `@tensorflow/tfjs-node` (CPU).
 *
 * @param load - imports a package; default: as installed beside miiii.
 * @throws MiiiiError (`runtime`) saying what is missing and what to do, where neither loads and computes.
 */
export async function tensorflowRuntime(load: PackageLoader = loadBesideMiiii): Promise<Runtime> {
  // Its notes about the processor's instructions are no news; warnings stay.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "1";
  const reasons: string[] = [];
  const installed: string[] = [];
  for (const name of PACKAGES) {
    try {
      const { imported, version } = await load(name);
      const tf = ("default" in imported ? imported.default : imported) as Api;
      await tf.ready();
      tryAddon(tf);
      const backend = tf.backend() as NativeBackend;
      const library = backend.binding?.TF_Version;
      return tensorflowRuntimeOf(tf, {
        version: `${name} ${version}${library === undefined ? "" : ` (libtensorflow ${library})`}`,
        device: deviceOf(name, backend),
        gpu: backend.isUsingGpuDevice === true,
      });
    } catch (error) {
      const reason = reasonOf(name, error);
      reasons.push(`${name}: ${reason}`);
      if (reason !== NOT_INSTALLED) installed.push(`${name}: ${reason}`);
    }
  }
  throw new MiiiiError(
    "runtime",
    // What is there and fails is what to mend; the other package is no news then, and a message has its length.
    installed.length > 0
      ? `tensorflow: ${installed.join("; ")}`
      : `tensorflow: needs ${GPU_PACKAGE} (NVIDIA GPU) or ${CPU_PACKAGE} beside miiii; ${reasons.join("; ")}`,
  );
}
