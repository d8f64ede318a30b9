/**
 * `npm run pack:gpu [FILE]`: one archive (default `miiii-linux-x64.tar.xz`) with all that a Linux x64 machine without
 * Node and without a network needs for `scripts/gpu/run.sh`. Prints the size of each part. See docs/performance.md.
 */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { ROOT } from "../lib/python.ts";

/** Packages beside the dependencies: what runs on GPUs, and what runs TypeScript. */
const EXTRA = ["webgpu", "tsx"];
const LIMIT = 64 * 2 ** 20;

/** Files of packages that nothing here reads: other platforms, types, source maps, a second copy of a binary. */
const UNUSED = [
  /\.(map|d\.ts|d\.mts|d\.cts|md)$/,
  /onnxruntime-node\/bin\/[^/]+\/(?!linux\/x64\b)[^/]+\/[^/]+\//,
  /webgpu\/dist\/(?!linux-x64)[^/]+\//,
  /\/esbuild\/bin\/esbuild$/,
];

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** A package's folder as Node would find it from another folder. */
function find(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

/** The folders of packages and of all that they depend on. Optional ones that are not installed are for other platforms. */
function closure(names: readonly string[]): Set<string> {
  const found = new Set<string>();
  const visit = (name: string, from: string, required: boolean): void => {
    const folder = find(name, from);
    if (folder === undefined) {
      if (required) throw new Error(`pack: ${name}, needed in ${relative(ROOT, from) || "."}, is not installed`);
      return;
    }
    if (found.has(folder)) return;
    found.add(folder);
    const { dependencies = {}, optionalDependencies = {} } = manifest(folder);
    for (const next of Object.keys(dependencies)) visit(next, folder, !(next in optionalDependencies));
    for (const next of Object.keys(optionalDependencies)) visit(next, folder, false);
  };
  for (const name of names) visit(name, ROOT, true);
  return found;
}

/** Copies a package without the packages nested in it, which are copied in their own right where they are needed. */
function copyPackage(folder: string, target: string): void {
  cpSync(folder, join(target, relative(ROOT, folder)), {
    recursive: true,
    filter: (path) => {
      const inside = relative(ROOT, path);
      if (path !== folder && basename(path) === "node_modules") return false;
      return statSync(path).isDirectory()
        ? !UNUSED.some((rule) => rule.test(`${inside}/`))
        : !UNUSED.some((rule) => rule.test(inside));
    },
  });
}

function bytesIn(path: string): number {
  const stat = statSync(path);
  return stat.isDirectory() ? readdirSync(path).reduce((sum, name) => sum + bytesIn(join(path, name)), 0) : stat.size;
}

/** When the youngest file of a folder was last written. */
function newest(path: string): number {
  const stat = statSync(path);
  return stat.isDirectory() ? Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name)))) : stat.mtimeMs;
}

/** Where this machine has the loader of Vulkan drivers. */
function vulkanLoader(): string | undefined {
  try {
    const line = execFileSync("/sbin/ldconfig", ["-p"], { encoding: "utf8" })
      .split("\n")
      .find((text) => text.includes("libvulkan.so.1 ") && text.includes("x86-64"));
    return line?.split("=>")[1]?.trim();
  } catch {
    return undefined;
  }
}

const file = resolve(process.argv[2] ?? "miiii-linux-x64.tar.xz");
mkdirSync(dirname(file), { recursive: true });
if (process.platform !== "linux" || process.arch !== "x64")
  throw new Error("pack: carries this machine's Node, so it must run on Linux x64");
const built = join(ROOT, "dist/cli/main.js");
if (!existsSync(built)) throw new Error("pack: needs the built project: npm run build");
if (newest(join(ROOT, "src")) > statSync(built).mtimeMs) console.error("pack: src/ is newer than dist/: npm run build?");
const staging = mkdtempSync(join(tmpdir(), "miiii-pack-"));
const target = join(staging, "miiii");
try {
  for (const folder of ["bin", "lib", "test/helpers"]) mkdirSync(join(target, folder), { recursive: true });
  copyFileSync(realpathSync(process.execPath), join(target, "bin/node"));
  chmodSync(join(target, "bin/node"), 0o755);
  spawnSync("strip", [join(target, "bin/node")]); // an eighth smaller without its symbols, where strip is installed
  const vulkan = vulkanLoader();
  if (vulkan === undefined) console.error("pack: no libvulkan.so.1 here (Debian: libvulkan1); the target must have one");
  else copyFileSync(realpathSync(vulkan), join(target, "lib/libvulkan.so.1"));
  for (const folder of ["dist", "src", "scripts", "test/helpers"]) {
    if (existsSync(join(ROOT, folder)))
      cpSync(join(ROOT, folder), join(target, folder), {
        recursive: true,
        filter: (path) => !basename(path).startsWith("scratch-"),
      });
  }
  for (const name of readdirSync(join(ROOT, "test")))
    if (name.startsWith("webgpu")) copyFileSync(join(ROOT, "test", name), join(target, "test", name));
  for (const name of ["package.json", "tsconfig.json", "LICENSE"]) copyFileSync(join(ROOT, name), join(target, name));
  for (const folder of closure([...Object.keys(manifest(ROOT).dependencies ?? {}), ...EXTRA])) copyPackage(folder, target);

  const packages = readdirSync(join(target, "node_modules")).map((name) => `node_modules/${name}`);
  const parts = ["bin", "lib", "dist", "src", "scripts", "test", ...packages].map((name) => ({
    name,
    bytes: bytesIn(join(target, name)),
  }));
  const shown = parts.filter(({ bytes }) => bytes >= 2 ** 19).sort((a, b) => b.bytes - a.bytes);
  const rest = parts.reduce((sum, { bytes }) => sum + bytes, 0) - shown.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { name, bytes } of [...shown, { name: "the rest", bytes: rest }])
    console.log(`${(bytes / 2 ** 20).toFixed(1).padStart(7)} MiB  ${name}`);
  const words = ["-C", staging, "--sort=name", "--owner=0", "--group=0", "-cJf", file, "miiii"];
  execFileSync("tar", words, { env: { ...process.env, XZ_OPT: "-6 -T2" } });
  const { size } = statSync(file);
  console.log(`${(size / 2 ** 20).toFixed(1).padStart(7)} MiB  ${file}, packed`);
  if (size > LIMIT) throw new Error(`pack: must stay within ${LIMIT} bytes, got ${size}`);
} finally {
  rmSync(staging, { recursive: true, force: true });
}
