import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const TFJS = "@tensorflow/tfjs-node";
const TFJS_VERSION = "4.22.0";
/** The oldest wheel with libtensorflow as a library of its own: nearest to the 2.9.1 that the addon is made for. */
const WHEEL = "tensorflow-cpu==2.12.0";
/** Any wheel for Linux on x86-64 serves: nothing of it is run by Python. */
const WHEEL_FOR = ["--python-version", "3.11", "--platform", "manylinux_2_17_x86_64"];

/** Takes the libraries and the C API's headers out of the wheel. */
const EXTRACT = `
import os, shutil, sys, zipfile
wheel, out = sys.argv[1:]
headers = ("tensorflow/c/", "tensorflow/core/platform/", "tensorflow/tsl/c/", "tensorflow/tsl/platform/")
with zipfile.ZipFile(wheel) as z:
    for name in z.namelist():
        inside = name.removeprefix("tensorflow/include/")
        if name.startswith("tensorflow/libtensorflow_"): to = os.path.join(out, "lib", os.path.basename(name))
        elif name != inside and inside.startswith(headers) and not name.endswith("/"): to = os.path.join(out, "include", inside)
        else: continue
        os.makedirs(os.path.dirname(to), exist_ok=True)
        with z.open(name) as source, open(to, "wb") as target: shutil.copyfileobj(source, target)
`;

/** Runs a command to its end; throws with its errors, or else its last lines, where it fails. */
export function must(command: string, words: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, [...words], { cwd, encoding: "utf8", maxBuffer: 1 << 28 });
  if (status !== 0) {
    const lines = `${stdout ?? ""}${stderr ?? ""}`.trim().split("\n");
    const errors = lines.filter((line) => line.includes("error: "));
    const last = (errors.length > 0 ? errors : lines).slice(-8).join("\n  ");
    throw new Error(`${command} ${words.slice(0, 4).join(" ")}: ${error?.message ?? `exit code ${status}`}\n  ${last}`);
  }
  return stdout;
}

/** Whether the addon loads and computes there; its versions if so. */
export function addonVersions(folder: string): string | undefined {
  const program = `
    const tf = require("${TFJS}");
    if (tf.matMul([[1, 2]], [[3], [4]]).dataSync()[0] !== 11) process.exit(1);
    console.log(tf.version["tfjs-node"] + ", libtensorflow " + tf.backend().binding.TF_Version);`;
  const { status, stdout } = spawnSync(process.execPath, ["-e", program], { cwd: folder, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** libtensorflow and its headers, from the wheel to where the addon's build looks for them. */
function placeLibtensorflow(folder: string, deps: string): void {
  const home = join(folder, "venv");
  const python = join(home, "bin", "python");
  if (!existsSync(python)) must(process.env.PYTHON ?? "python3", ["-m", "venv", home], folder);
  const wheels = join(folder, "wheels");
  const words = ["-m", "pip", "download", "-q", "--no-cache-dir", "--no-deps", "--only-binary=:all:", ...WHEEL_FOR];
  must(python, [...words, "-d", wheels, WHEEL], folder);
  const [wheel = ""] = readdirSync(wheels);
  rmSync(deps, { recursive: true, force: true });
  must(python, ["-c", EXTRACT, join(wheels, wheel), deps], folder);
  rmSync(wheels, { recursive: true });
  symlinkSync("libtensorflow_cc.so.2", join(deps, "lib", "libtensorflow.so"));
  symlinkSync("libtensorflow_framework.so.2", join(deps, "lib", "libtensorflow_framework.so"));
}

/**
 * Puts tfjs-node with a working native addon into `folder`, unless it is there: the package from npm without its install step,
 * libtensorflow out of PyPI's wheel, and the addon built by node-gyp from the package's own sources. Takes Linux on x86-64,
 * Python 3 with venv, make and a C++ compiler.
 *
 * @returns the versions of both.
 */
export function prepareAddon(folder: string, tell: (line: string) => void): string {
  mkdirSync(folder, { recursive: true });
  const there = addonVersions(folder);
  if (there !== undefined) return there;
  if (!existsSync(join(folder, "package.json"))) writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  tell(`installing ${TFJS} ${TFJS_VERSION} without its install step`);
  must("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", `${TFJS}@${TFJS_VERSION}`], folder);
  const home = join(folder, "node_modules", TFJS);
  const deps = join(home, "deps");
  if (!existsSync(join(deps, "lib", "libtensorflow_framework.so"))) {
    tell(`taking libtensorflow out of the wheel ${WHEEL} (230 MB to fetch, 600 MB on disk)`);
    placeLibtensorflow(folder, deps);
  }
  tell("building the addon");
  must("npm", ["exec", "--no", "--", "node-pre-gyp", "install", "--build-from-source"], home);
  const built = addonVersions(folder);
  if (built === undefined)
    throw new Error(`the addon was built, but does not compute: node -e 'require("${TFJS}")' in ${folder}`);
  return built;
}
