import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** An interpreter and what it holds of the packages asked for. */
export interface Python {
  /** The interpreter's path; absent where there is none. */
  readonly path?: string;
  /** Python and its version, or why there is none. */
  readonly python: string;
  readonly versions: { readonly [name: string]: string };
}

/** Packages and their versions, in the order of a file of lines `name==version`. */
export function pinsOf(requirements: string): Map<string, string> {
  const lines = readFileSync(requirements, "utf8").trim().split("\n");
  return new Map(lines.map((line) => line.split("==") as [string, string]));
}

/** The last lines of what a program said, as one. */
export function lastLines(text: string, count: number): string {
  return text.trim().split("\n").slice(-count).join(" | ");
}

function call(command: string, words: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(command, [...words], { encoding: "utf8", maxBuffer: 1 << 26 });
}

/** The versions that an interpreter finds, and its own. */
export function inspectPython(path: string, packages: Iterable<string>): Python {
  const program = [
    "import importlib.metadata as m, json, platform, sys",
    "def version(name):",
    "    try: return m.version(name)",
    "    except m.PackageNotFoundError: return None",
    "found = {n: v for n in sys.argv[1:] if (v := version(n)) is not None}",
    "print(json.dumps([platform.python_version(), found]))",
  ].join("\n");
  const { stdout, status } = call(path, ["-c", program, ...packages]);
  if (status !== 0) return { python: `no Python at ${path}`, versions: {} };
  const [version, versions] = JSON.parse(stdout) as [string, Record<string, string>];
  return { path, python: `Python ${version}`, versions };
}

/** Whether the machine has a working CUDA driver. */
export function hasCuda(python: string): boolean {
  const program = "import ctypes, sys; sys.exit(ctypes.CDLL('libcuda.so.1').cuInit(0))";
  return call(python, ["-c", program]).status === 0;
}

/**
 * Makes a virtual environment and installs what is missing from it, one package after the other, so that one that cannot be had
 * leaves the others.
 *
 * @param wanted - files of pinned packages.
 * @param needed - the packages to install, of those pinned.
 * @param install - false: take what is there.
 * @param tell - told of what takes long or fails, a line at a time.
 * @param name - the environment's folder in `.venv`; all comparisons share `peers`.
 */
export function preparePython(
  wanted: readonly string[],
  needed: readonly string[],
  install: boolean,
  tell: (line: string) => void,
  name = "peers",
): Python {
  const home = join(ROOT, ".venv", name);
  const path = process.platform === "win32" ? join(home, "Scripts", "python.exe") : join(home, "bin", "python");
  if (install && !existsSync(path)) {
    const base = process.env.PYTHON ?? (process.platform === "win32" ? "python" : "python3");
    tell(`making a virtual environment with ${base}`);
    const { status, stderr, error } = call(base, ["-m", "venv", home]);
    if (status !== 0) tell(`no virtual environment: ${error?.message ?? lastLines(stderr, 2)}`);
  }
  const found = inspectPython(path, needed);
  if (found.path === undefined) return { python: "no Python with its venv module", versions: {} };
  if (!install) return found;
  const pins = new Map(wanted.flatMap((file) => [...pinsOf(file)]));
  for (const wish of needed) {
    const version = pins.get(wish);
    if (found.versions[wish] === version) continue;
    tell(`installing ${wish} ${version}`);
    const words = ["-m", "pip", "install", "-q", "--disable-pip-version-check", ...wanted.flatMap((file) => ["-c", file])];
    const { status, stderr } = call(path, [...words, `${wish}==${version}`]);
    if (status !== 0) tell(`${wish} ${version} cannot be installed: ${lastLines(stderr, 1)}`);
  }
  return inspectPython(path, needed);
}
