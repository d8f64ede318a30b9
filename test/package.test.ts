import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { ROOT } from "./helpers/source.ts";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Manifest;

test("direct dependencies are pinned exactly, and the lock file agrees", () => {
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as { packages: { "": Manifest } };
  const direct = { ...manifest.dependencies, ...manifest.devDependencies };
  for (const [name, version] of Object.entries(direct)) assert.match(version, /^\d+\.\d+\.\d+$/, name);
  const locked = lock.packages[""];
  assert.deepEqual({ ...locked.dependencies, ...locked.devDependencies }, direct);
});

test("an install fetches nothing beyond the packages, and npm knows every setting", () => {
  assert.equal(readFileSync(join(ROOT, ".npmrc"), "utf8"), "ignore-scripts=true\nsave-exact=true\n");
  // Before onnxruntime-node's install script: the files that it would fetch are there, so it fetches none.
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, "bin/preinstall.mjs")], { encoding: "utf8" });
  assert.deepEqual([status, stderr], [0, ""]);
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: undefined, npm_config_local_prefix: undefined };
  const script = join(ROOT, "node_modules/onnxruntime-node/script/install.js");
  const install = spawnSync(process.execPath, [script], { encoding: "utf8", env, timeout: 20_000 });
  assert.deepEqual([install.status, install.stdout], [0, ""], install.stderr);
});

// First, since it builds a fresh checkout, which the tests below look at.
test("the command builds a checkout where needed, starts and tells its version", () => {
  const bin = join(ROOT, manifest.bin.miiii ?? "");
  assert.match(readFileSync(bin, "utf8"), /^#!\/usr\/bin\/env node\n/);
  const { status, stdout } = spawnSync(process.execPath, [bin, "--version"], { encoding: "utf8" });
  assert.deepEqual([status, stdout], [0, `${manifest.version}\n`]);
});

test("a package that was packed without its build says so", () => {
  const folder = mkdtempSync(join(tmpdir(), "miiii-package-"));
  try {
    mkdirSync(join(folder, "bin"));
    copyFileSync(join(ROOT, "bin/miiii.mjs"), join(folder, "bin/miiii.mjs"));
    writeFileSync(join(folder, "package.json"), '{"type": "module"}');
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, "bin/miiii.mjs"), "list"], { encoding: "utf8" });
    assert.deepEqual([status, stdout], [1, ""]);
    assert.match(stderr, /^miiii: this package was packed before it was built; .*npm run pack builds it first\n$/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  assert.equal(manifest.scripts.pack, "npm pack --ignore-scripts=false");
  assert.equal(manifest.scripts.prepack, "npm run build");
});

/** Runs that an installed package has: those of the answer, their twins and a second seed. */
const PACKED_RUNS = ["basis-p53", "miiii-fast", "miiii-p53", "miiii-p53-1", "nanda", "nanda-shuffled"];

test("the package holds the build, some shipped runs, the docs and the licence, no sources or tests, in at most 15 MB", () => {
  // npm prints warnings about its configuration on stderr.
  const listing = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  type Packed = { size: number; files: { path: string }[] };
  const [packed] = Object.values(JSON.parse(listing) as Packed[] | Record<string, Packed>);
  assert.ok(packed !== undefined);
  assert.ok(packed.size <= 15e6, `${packed.size} bytes`);
  const paths = packed.files.map(({ path }) => path);
  for (const file of ["LICENSE", "README.md", "CHANGELOG.md", "CITATION.cff", "package.json", "docs/README.md"])
    assert.ok(paths.includes(file), `${file} is missing`);
  const built = [
    "bin/miiii.mjs",
    "bin/preinstall.mjs",
    "dist/cli/main.js",
    "dist/sweep/worker.py",
    "dist/sweep/requirements.txt",
    "dist/index.js",
    "dist/index.d.ts",
  ];
  for (const file of built) assert.ok(paths.includes(file), `${file} is missing`);
  const runs = new Set(paths.flatMap((path) => /^fixtures\/([^/]+)\//.exec(path)?.[1] ?? []));
  assert.deepEqual([...runs].sort(), PACKED_RUNS);
  for (const run of PACKED_RUNS) {
    const files = readdirSync(join(ROOT, "fixtures", run));
    const last = files.filter((name) => name.endsWith(".safetensors")).sort();
    const needed = [...files.filter((name) => /\.jsonl?$/.test(name)), last.at(-1) ?? "a checkpoint"];
    for (const name of needed) assert.ok(paths.includes(`fixtures/${run}/${name}`), `fixtures/${run}/${name} is missing`);
  }
  const allowed = /^(bin|dist|fixtures|docs)\/|^(LICENSE|README\.md|CHANGELOG\.md|CITATION\.cff|package\.json)$/;
  assert.deepEqual(
    paths.filter((path) => !allowed.test(path)),
    [],
  );
});

test("the API reference has every export", () => {
  const exported = readFileSync(join(ROOT, "src/index.ts"), "utf8").matchAll(/^export (type )?\{([^}]*)\}/gm);
  const names = [...exported].flatMap(([, , list = ""]) => list.split(",").map((name) => name.replace(/^\s*type /, "").trim()));
  const page = readFileSync(join(ROOT, "docs/api/index.md"), "utf8");
  const missing = names.filter((name) => name !== "" && !page.includes(`\n### ${name.replaceAll("_", "\\_")}`));
  const count = names.filter((name) => name !== "").length;
  assert.ok(count >= 40 && count <= 60, `${count} exports: what a user needs by name, and no more`);
  assert.deepEqual(missing, [], "npm run docs:api renews docs/api");
});

test("the shipped runs take at most 120 MB", () => {
  const sizes = readdirSync(join(ROOT, "fixtures"), { recursive: true, encoding: "utf8" }).map((name) => {
    const stat = statSync(join(ROOT, "fixtures", name));
    return stat.isFile() ? stat.size : 0;
  });
  const total = sizes.reduce((a, b) => a + b, 0);
  assert.ok(total <= 120e6, `${total} bytes`);
});

test("the README's library example runs", () => {
  const code = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, "README.md"), "utf8"))?.[1];
  assert.ok(code !== undefined, "README.md has no example");
  const url = (path: string) => JSON.stringify(pathToFileURL(join(ROOT, path)).href);
  const source = code.replace('"miiii"', url("src/index.ts")).replace('"miiii/render"', url("src/figures/render.ts"));
  const args = ["--import", "tsx", "--input-type=module", "--eval", source];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /12, 18, 27,\s+39, 44, 46[\s\S]*\d{5,} characters of SVG\n$/);
});
