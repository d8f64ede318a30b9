import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { ROOT } from "./helpers/source.ts";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly bin: Readonly<Record<string, string>>;
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

test("an install fetches nothing beyond the packages", () => {
  assert.match(readFileSync(join(ROOT, ".npmrc"), "utf8"), /^onnxruntime-node-install=skip$/m);
});

test("the package holds the build, the shipped runs and the licence, and no sources or tests", () => {
  // npm prints warnings about its configuration on stderr.
  const listing = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const parsed = JSON.parse(listing) as { files: { path: string }[] }[] | Record<string, { files: { path: string }[] }>;
  const [packed] = Object.values(parsed);
  assert.ok(packed !== undefined);
  const paths = packed.files.map(({ path }) => path);
  for (const file of ["LICENSE", "README.md", "CHANGELOG.md", "package.json"])
    assert.ok(paths.includes(file), `${file} is missing`);
  const built = ["dist/cli/main.js", "dist/index.js", "dist/index.d.ts"];
  for (const file of built) assert.ok(paths.includes(file), `${file} is missing; npm run build makes it`);
  for (const run of readdirSync(join(ROOT, "fixtures"), { withFileTypes: true })) {
    if (run.isDirectory()) assert.ok(paths.includes(`fixtures/${run.name}/config.json`), `fixtures/${run.name} is missing`);
  }
  const allowed = /^(dist|fixtures)\/|^(LICENSE|README\.md|CHANGELOG\.md|package\.json)$/;
  assert.deepEqual(
    paths.filter((path) => !allowed.test(path)),
    [],
  );
});

test("the shipped runs take at most 60 MB", () => {
  const sizes = readdirSync(join(ROOT, "fixtures"), { recursive: true, encoding: "utf8" }).map((name) => {
    const stat = statSync(join(ROOT, "fixtures", name));
    return stat.isFile() ? stat.size : 0;
  });
  const total = sizes.reduce((a, b) => a + b, 0);
  assert.ok(total <= 60e6, `${total} bytes`);
});

test("the built command starts and tells its version", () => {
  const bin = join(ROOT, manifest.bin.miiii ?? "");
  assert.ok(existsSync(bin), `${bin} is missing; npm run build makes it`);
  assert.match(readFileSync(bin, "utf8"), /^#!\/usr\/bin\/env node\n/);
  const { status, stdout } = spawnSync(process.execPath, [bin, "--version"], { encoding: "utf8" });
  assert.deepEqual([status, stdout], [0, `${manifest.version}\n`]);
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
