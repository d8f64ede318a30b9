import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { extname } from "node:path";
import { ensure, MiiiiError } from "../core/index.ts";
import type { Runtime, RuntimeName } from "../runtimes/index.ts";

/** What `--runtime` takes. */
export const RUNTIME_CHOICES = ["auto", "onnx", "webgpu", "tensorflow"] as const satisfies readonly (RuntimeName | "auto")[];

/** How a runtime is opened. */
export interface RuntimeOptions {
  /** Bounds the CPU threads; for `onnx`. */
  readonly threads?: number | undefined;
  /** Number or part of the name of a GPU; for `webgpu`. */
  readonly adapter?: string | undefined;
}

/** A runtime, and why `auto` took it. */
export interface ChosenRuntime {
  readonly runtime: Runtime;
  readonly why?: string;
}

/** GPU runtimes in the order in which `auto` tries them. */
export const GPU_RUNTIMES = ["webgpu", "tensorflow"] as const;

async function open(name: RuntimeName, { threads, adapter }: RuntimeOptions): Promise<Runtime> {
  const { onnxRuntime, tensorflowRuntime, webgpuRuntime } = await import("../runtimes/index.ts");
  switch (name) {
    case "onnx":
      return onnxRuntime(threads === undefined ? {} : { threads });
    case "webgpu":
      return webgpuRuntime(adapter === undefined ? {} : { adapter });
    case "tensorflow":
      return tensorflowRuntime();
    default:
      return name satisfies never;
  }
}

function isInstalled(packageName: string): boolean {
  try {
    createRequire(import.meta.url).resolve(packageName);
    return true;
  } catch {
    return false;
  }
}

/**
 * Opens a runtime that was not asked for by name. Without a driver, Dawn writes warnings of its own to stderr, which look like a
 * crash: so another process tries WebGPU first, with its stderr closed.
 */
async function openQuietly(name: RuntimeName): Promise<Runtime> {
  if (name === "webgpu" && isInstalled("webgpu")) {
    const module = new URL(`../runtimes/index${extname(import.meta.url)}`, import.meta.url).href;
    const tryOut = `import(${JSON.stringify(module)}).then(({ webgpuRuntime }) => webgpuRuntime()).then(() => "works", (error) => error.message)
      .then((text) => process.stdout.write(text, () => process.exit()))`;
    const { stdout } = spawnSync(process.execPath, [...process.execArgv, "--input-type=module", "-e", tryOut], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    if (stdout !== "works") throw new MiiiiError("runtime", stdout || "webgpu: the probe process exited without output");
  }
  return open(name, {});
}

/** A GPU where one works, else ONNX Runtime, which works everywhere and is the fastest on CPUs. */
async function best(): Promise<ChosenRuntime> {
  for (const name of GPU_RUNTIMES) {
    try {
      const runtime = await openQuietly(name);
      if (runtime.gpu === true) return { runtime, why: `${name} computes on a GPU` };
    } catch (error) {
      if (!(error instanceof MiiiiError)) throw error;
    }
  }
  return { runtime: await open("onnx", {}), why: "no GPU is at hand; `miiii runtimes` says why" };
}

/** Opens the runtime that was asked for. */
export async function openRuntime(name: RuntimeName | "auto", options: RuntimeOptions = {}): Promise<ChosenRuntime> {
  const { threads, adapter } = options;
  ensure(threads === undefined || threads >= 1, "usage", () => `--threads: must be at least 1, got ${threads}`);
  ensure(
    threads === undefined || adapter === undefined,
    "usage",
    () => "--threads is for the CPU and --adapter for a GPU: give one",
  );
  const only = threads !== undefined ? "onnx" : adapter !== undefined ? "webgpu" : undefined;
  ensure(
    only === undefined || name === "auto" || name === only,
    "usage",
    () => `--${threads === undefined ? "adapter" : "threads"}: is for the runtime ${only}, got ${name}`,
  );
  if (name !== "auto") return { runtime: await open(name, options) };
  return only === undefined ? best() : { runtime: await open(only, options) };
}

/** What this machine can train on: each runtime, or why it does not work here. */
export async function probeRuntimes(): Promise<({ name: RuntimeName } & ({ runtime: Runtime } | { reason: string }))[]> {
  const { RUNTIME_NAMES } = await import("../runtimes/index.ts");
  const found = [];
  for (const name of RUNTIME_NAMES) {
    try {
      found.push({ name, runtime: await openQuietly(name) });
    } catch (error) {
      if (!(error instanceof MiiiiError)) throw error;
      found.push({ name, reason: error.message });
    }
  }
  return found;
}
