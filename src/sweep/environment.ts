import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "../api/cache-folder.ts";
import { makeFolder } from "../checkpoint/index.ts";
import { MiiiiError } from "../core/index.ts";

const REQUIREMENTS = fileURLToPath(new URL("./requirements.txt", import.meta.url));

/** The program that holds the study. */
export const WORKER = fileURLToPath(new URL("./worker.py", import.meta.url));

const LEAST = [3, 9] as const;

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

function call(command: string, words: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(command, [...words], { encoding: "utf8" });
}

interface Interpreter {
  readonly path: string;
  readonly version: readonly [number, number];
  /** Whether it has Optuna in the version wanted. */
  readonly optuna: boolean;
  readonly venv: boolean;
}

function wantedOptuna(): string {
  return /^optuna==(\S+)$/m.exec(readFileSync(REQUIREMENTS, "utf8"))?.[1] ?? "";
}

/** What an interpreter is; undefined where there is none of the name. */
function inspect(command: string): Interpreter | undefined {
  const program = [
    "import importlib.metadata as m, importlib.util as u, json, sys",
    "def version(name):",
    "    try: return m.version(name)",
    "    except m.PackageNotFoundError: return None",
    "has = all(u.find_spec(name) for name in ('venv', 'ensurepip'))",
    "print(json.dumps([sys.executable, list(sys.version_info[:2]), version('optuna'), has]))",
  ].join("\n");
  const { status, stdout } = call(command, ["-c", program]);
  if (status !== 0) return undefined;
  const [path, version, optuna, venv] = JSON.parse(stdout) as [string, [number, number], string | null, boolean];
  return { path, version, optuna: optuna === wantedOptuna(), venv };
}

function findInterpreter(): Interpreter {
  const given = process.env.MIIII_PYTHON;
  const names = given === undefined || given === "" ? ["python3", "python"] : [given];
  const found = names.map(inspect).filter((python) => python !== undefined);
  const good = found.find(({ version: [major, minor] }) => major > LEAST[0] || (major === LEAST[0] && minor >= LEAST[1]));
  const needs = `sweep: needs Python ${LEAST.join(".")} or newer for Optuna`;
  if (good !== undefined) return good;
  const old = found[0];
  const what = old === undefined ? `found none as ${names.join(" or ")}` : `${names[0]} is ${old.version.join(".")}`;
  throw new MiiiiError("runtime", `${needs}, ${what}; install one, or set MIIII_PYTHON to its path`);
}

const executable = (home: string) =>
  process.platform === "win32" ? join(home, "Scripts", "python.exe") : join(home, "bin", "python");

function run(command: string, words: readonly string[]): Promise<{ readonly status: number | null; readonly stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, [...words], { stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", (error) => resolve({ status: null, stderr: error.message }));
    child.on("close", (status) => resolve({ status, stderr }));
  });
}

async function build(python: Interpreter, home: string): Promise<void> {
  // Made beside its place and renamed: several processes may make it at once, and one may be stopped.
  const draft = `${home}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    const made = await run(python.path, ["-m", "venv", draft]);
    if (made.status !== 0)
      throw new MiiiiError("runtime", `sweep: ${python.path} cannot make a virtual environment: ${lastLine(made.stderr)}`);
    const words = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", REQUIREMENTS];
    const installed = await run(executable(draft), words);
    if (installed.status !== 0) {
      const offline = "without a network, set MIIII_PYTHON to a Python that has it";
      throw new MiiiiError("runtime", `sweep: Optuna cannot be installed (${offline}): ${lastLine(installed.stderr)}`);
    }
    try {
      renameSync(draft, home);
    } catch (error) {
      if (!existsSync(executable(home))) throw error;
    }
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Where the environment of an interpreter is, made or not. */
function homeOf({ version }: Interpreter): string {
  const pins = createHash("sha256").update(readFileSync(REQUIREMENTS)).digest("hex").slice(0, 8);
  return join(cacheFolder(), `optuna-${wantedOptuna()}-python${version.join(".")}-${pins}`);
}

/** A Python that has Optuna already; undefined where {@link optunaPython} would have to make an environment, or could not. */
export function readyPython(): string | undefined {
  try {
    const python = findInterpreter();
    if (python.optuna) return python.path;
    const path = executable(homeOf(python));
    return existsSync(path) ? path : undefined;
  } catch (error) {
    if (error instanceof MiiiiError) return undefined;
    throw error;
  }
}

/**
 * A Python with Optuna: that of MIIII_PYTHON or of the path where it has the pinned version already, else a virtual environment
 * in the user's cache, made at first use.
 *
 * @param onNote - told of what takes long.
 * @throws kind `runtime` where there is no Python of at least 3.9, or where the environment cannot be made.
 */
export async function optunaPython(onNote: (line: string) => void): Promise<string> {
  const python = findInterpreter();
  if (python.optuna) return python.path;
  const home = homeOf(python);
  if (!existsSync(executable(home))) {
    if (!python.venv) {
      const hint = "install it (Debian: python3-venv), or set MIIII_PYTHON to a Python that has Optuna";
      const which = `Python ${python.version.join(".")} at ${python.path}`;
      throw new MiiiiError("runtime", `sweep: ${which} lacks its venv module; ${hint}`);
    }
    makeFolder(cacheFolder());
    onNote(`making a virtual environment with Optuna ${wantedOptuna()} in ${home}; this happens once`);
    await build(python, home);
  }
  return executable(home);
}
