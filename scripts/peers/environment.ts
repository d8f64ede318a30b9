import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeSafetensors, encodeSafetensors } from "../../src/checkpoint/index.ts";
import type { Json, NdArray } from "../../src/core/index.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** The repository's root. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The pinned Python packages, in the order in which they are installed. */
export const PACKAGES = ["numpy", "scipy", "safetensors", "onnxruntime", "torch", "transformer_lens"] as const;

/** A Python package that checks may need. */
export type Package = (typeof PACKAGES)[number];

/** What is asked of a Python script. */
export interface Question {
  readonly tensors?: ReadonlyMap<string, NdArray>;
  readonly arguments?: Json;
}

/** What it answered. */
export interface Answer {
  readonly tensors: ReadonlyMap<string, NdArray>;
  readonly values: { readonly [name: string]: Json };
}

/** A Python with the peers in it. */
export interface Peers {
  /** Python and its version, or why there is none. */
  readonly python: string;
  /** Installed versions of the packages. */
  readonly versions: { readonly [name in Package]?: string };
  /** Runs a script of `py/` in `folder` and reads its answer; throws with the end of what it said where it fails. */
  ask(script: string, folder: string, question: Question): Answer;
}

function pins(): Map<Package, string> {
  const lines = readFileSync(join(HERE, "requirements.txt"), "utf8").trim().split("\n");
  const found = new Map(lines.map((line) => line.split("==") as [string, string]));
  return new Map(PACKAGES.map((name) => [name, found.get(name) ?? ""]));
}

/** One thread a process, no caches inside the repository, and no look-ups elsewhere. */
const ENVIRONMENT = {
  ...process.env,
  OMP_NUM_THREADS: "1",
  OPENBLAS_NUM_THREADS: "1",
  MKL_NUM_THREADS: "1",
  PYTHONDONTWRITEBYTECODE: "1",
  PYTHONWARNINGS: "ignore",
  HF_HUB_OFFLINE: "1",
  CUDA_VISIBLE_DEVICES: "",
};

function call(command: string, words: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(command, [...words], { encoding: "utf8", env: ENVIRONMENT, maxBuffer: 1 << 26 });
}

const lastLines = (text: string, count: number) => text.trim().split("\n").slice(-count).join(" | ");

/** The versions that the virtual environment holds. */
function installed(python: string): { readonly [name in Package]?: string } {
  const program = [
    "import importlib.metadata as m, json, sys",
    "def version(name):",
    "    try: return m.version(name)",
    "    except m.PackageNotFoundError: return None",
    "print(json.dumps({n: v for n in sys.argv[1:] if (v := version(n)) is not None}))",
  ].join("\n");
  const { stdout, status } = call(python, ["-c", program, ...PACKAGES]);
  return status === 0 ? JSON.parse(stdout) : {};
}

/**
 * Makes the virtual environment `.venv/peers` and installs what is missing from it, one package after the other, so that one that
 * cannot be had leaves the others.
 *
 * @param install - false: take what is there.
 * @param tell - told of what takes long or fails, a line at a time.
 */
export function preparePeers(install: boolean, tell: (line: string) => void): Peers {
  const home = join(ROOT, ".venv", "peers");
  const python = process.platform === "win32" ? join(home, "Scripts", "python.exe") : join(home, "bin", "python");
  if (install && !existsSync(python)) {
    const base = process.env.PYTHON ?? (process.platform === "win32" ? "python" : "python3");
    tell(`making a virtual environment with ${base}`);
    const { status, stderr, error } = call(base, ["-m", "venv", home]);
    if (status !== 0) tell(`no virtual environment: ${error?.message ?? lastLines(stderr, 2)}`);
  }
  const { stdout, status } = call(python, ["-c", "import platform; print(platform.python_version())"]);
  const none = (reason: string): Peers => ({
    python: reason,
    versions: {},
    ask: () => {
      throw new Error(reason);
    },
  });
  if (status !== 0) return none("no Python with its venv module");
  const wanted = pins();
  if (install) {
    const have = installed(python);
    for (const [name, version] of wanted) {
      if (have[name] === version) continue;
      tell(`installing ${name} ${version}`);
      const words = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", join(HERE, "requirements.txt")];
      const { status: done, stderr } = call(python, [...words, `${name}==${version}`]);
      if (done !== 0) tell(`${name} ${version} cannot be installed: ${lastLines(stderr, 1)}`);
    }
  }
  return {
    python: `Python ${stdout.trim()}`,
    versions: installed(python),
    ask(script, folder, question) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "in.safetensors"), encodeSafetensors(question.tensors ?? new Map(), {}));
      writeFileSync(join(folder, "in.json"), JSON.stringify(question.arguments ?? {}));
      const { status: done, stderr } = call(python, [join(HERE, "py", `${script}.py`), folder]);
      if (done !== 0) throw new Error(`${script}.py: ${lastLines(stderr, 3)}`);
      const file = join(folder, "out.safetensors");
      const { tensors } = decodeSafetensors(readFileSync(file), file);
      return { tensors, values: JSON.parse(readFileSync(join(folder, "out.json"), "utf8")) };
    },
  };
}
