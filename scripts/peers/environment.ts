import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeSafetensors, encodeSafetensors } from "../../src/checkpoint/index.ts";
import type { Json, NdArray } from "../../src/core/index.ts";
import { lastLines, preparePython, ROOT } from "../lib/python.ts";

export { ROOT };

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** The pinned Python packages, in the order in which they are installed. */
export const PACKAGES = ["numpy", "scipy", "safetensors", "onnxruntime", "torch", "transformer_lens"] as const;

/** A Python package that checks may need. */
export type Package = (typeof PACKAGES)[number];

/**
 * Versions of TransformerLens with `HookedTransformer`, which its fourth has no more: each lies in a folder of its own and shares
 * all else with the environment.
 */
export const HOOKED_LENSES = ["2.18.0", "3.9.0"] as const;

/** What is asked of a Python script. */
export interface Question {
  /** One of {@link HOOKED_LENSES} in place of the environment's. */
  readonly lens?: string;
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
  /** Those of {@link HOOKED_LENSES} that are there. */
  readonly lenses: readonly string[];
  /** Runs a script of `py/` in `folder` and reads its answer; throws with the end of what it said where it fails. */
  ask(script: string, folder: string, question: Question): Answer;
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

function call(command: string, words: readonly string[], more: Readonly<Record<string, string>> = {}): SpawnSyncReturns<string> {
  return spawnSync(command, [...words], { encoding: "utf8", env: { ...ENVIRONMENT, ...more }, maxBuffer: 1 << 26 });
}

const lensFolder = (version: string) => join(ROOT, ".venv", `lens-${version}`);

/** Installs a version of TransformerLens by itself, without what it requires: the environment has that. */
function installLens(python: string, version: string, tell: (line: string) => void): void {
  if (existsSync(join(lensFolder(version), "transformer_lens"))) return;
  tell(`installing transformer_lens ${version} in a folder of its own`);
  const words = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--target", lensFolder(version)];
  const { status, stderr } = call(python, [...words, `transformer_lens==${version}`, "better_abc"]);
  if (status !== 0) tell(`transformer_lens ${version} cannot be installed: ${lastLines(stderr, 1)}`);
}

/**
 * The virtual environment with the pinned packages.
 *
 * @param install - false: take what is there.
 * @param tell - told of what takes long or fails, a line at a time.
 * @param packages - those needed; all where left out.
 */
export function preparePeers(install: boolean, tell: (line: string) => void, packages: readonly Package[] = PACKAGES): Peers {
  const { path, python, versions } = preparePython([join(HERE, "requirements.txt")], packages, install, tell);
  const lenses = path !== undefined && packages.includes("transformer_lens") ? HOOKED_LENSES : [];
  if (install && path !== undefined) for (const version of lenses) installLens(path, version, tell);
  return {
    python,
    versions,
    lenses: lenses.filter((version) => existsSync(join(lensFolder(version), "transformer_lens"))),
    ask(script, folder, question) {
      if (path === undefined) throw new Error(python);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "in.safetensors"), encodeSafetensors(question.tensors ?? new Map(), {}));
      writeFileSync(join(folder, "in.json"), JSON.stringify(question.arguments ?? {}));
      const more = question.lens === undefined ? {} : { PYTHONPATH: lensFolder(question.lens) };
      const { status: done, stderr } = call(path, [join(HERE, "py", `${script}.py`), folder], more);
      if (done !== 0) throw new Error(`${script}.py: ${lastLines(stderr, 3)}`);
      const file = join(folder, "out.safetensors");
      const { tensors } = decodeSafetensors(readFileSync(file), file);
      return { tensors, values: JSON.parse(readFileSync(join(folder, "out.json"), "utf8")) };
    },
  };
}
