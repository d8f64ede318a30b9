import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { test } from "node:test";
import { parseSource, ROOT, readSources, type SourceFile } from "./helpers/source.ts";

/**
 * Folders in the order in which data flows, each with those that it may import when it runs; `all above` it for the two that
 * bring things together.
 */
const TABLE: Readonly<Record<string, readonly string[] | "all above">> = {
  core: [],
  math: ["core"],
  tasks: ["core"],
  ops: ["core"],
  model: ["core", "tasks", "ops"],
  runtimes: ["core", "ops"],
  checkpoint: ["core", "tasks", "model"],
  train: ["core", "math", "tasks", "model", "runtimes"],
  activations: ["core", "tasks", "model", "runtimes", "checkpoint"],
  figures: ["core"],
  analyses: ["core", "math", "tasks", "figures"],
  claims: ["core", "math", "tasks", "model", "analyses"],
  report: ["core", "math", "tasks", "model", "figures", "analyses", "claims"],
  api: "all above",
  sweep: ["core", "math", "tasks", "model", "runtimes", "checkpoint", "train", "figures", "analyses", "api"],
  serve: ["core", "tasks", "model", "checkpoint", "figures", "analyses", "claims", "report", "api"],
  cli: "all above",
};
const FLOW = Object.keys(TABLE);

/** Whether a folder may import another when it runs. */
function allows(folder: string, target: string): boolean {
  const own = TABLE[folder];
  return own === "all above"
    ? FLOW.indexOf(target) >= 0 && FLOW.indexOf(target) < FLOW.indexOf(folder)
    : own?.includes(target) === true;
}

/** Packages that one folder wraps, so that their peculiarities stay there. */
const WRAPPED: Readonly<Record<string, string>> = {
  "fft.js": "math",
  "ml-matrix": "math",
  "onnxruntime-node": "runtimes",
  hono: "serve",
  "hono/streaming": "serve",
  "@hono/node-server": "serve",
  yaml: "sweep",
  yargs: "cli",
  "cli-progress": "cli",
};

/** Folders that compute: no file, no process, no clock, no chance that is not seeded. */
const PURE = ["core", "math", "tasks", "ops", "model", "analyses"];
const IMPURE_MODULES =
  /^(node:(fs|fs\/promises|child_process|worker_threads|net|http|https|os|process)|vega|@resvg\/.*|onnxruntime-node|yargs)$/;
const CLOCKS = ["Date.now", "performance.now", "new Date", "process.hrtime"];

/** The folder that a relative import leads to, or undefined for packages and for files at the top of src. */
function folderOf(file: SourceFile, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return /^src\/([^/]+)\//.exec(posix.join(posix.dirname(file.path), specifier))?.[1];
}

/** Breaches of the import table in one file. Types may come from anywhere upstream: they are gone when the code runs. */
function importBreaches(file: SourceFile): string[] {
  const breaches: string[] = [];
  for (const { specifier, typeOnly, line } of file.imports) {
    const where = `${file.path}:${line}`;
    const target = folderOf(file, specifier);
    if (specifier.startsWith(".") && !/\.(ts|json)$/.test(specifier)) breaches.push(`${where}: "${specifier}" must end in .ts`);
    if (target !== undefined && target !== file.folder && file.folder !== "") {
      const upstream = FLOW.indexOf(target) >= 0 && FLOW.indexOf(target) < FLOW.indexOf(file.folder);
      const allowed = allows(file.folder, target) || (typeOnly && upstream);
      if (!allowed) breaches.push(`${where}: ${file.folder}/ may not import ${target}/`);
    }
    const owner = WRAPPED[specifier];
    if (owner !== undefined && owner !== file.folder) breaches.push(`${where}: only ${owner}/ may import ${specifier}`);
  }
  return breaches;
}

/** Breaches of the house rules on what code may touch. */
function ruleBreaches(file: SourceFile): string[] {
  const breaches: string[] = [];
  const forbid = (name: string, why: string) => {
    const line = file.mentions.get(name);
    if (line !== undefined) breaches.push(`${file.path}:${line}: ${name}: ${why}`);
  };
  forbid("Math.random", "randomness comes from a seeded stream");
  if (file.folder !== "cli") {
    for (const name of ["process.argv", "process.exit", "process.exitCode"]) forbid(name, "only cli/ reads arguments and exits");
    for (const name of file.mentions.keys()) if (name.startsWith("console.")) forbid(name, "only cli/ prints");
  }
  if (PURE.includes(file.folder)) for (const clock of CLOCKS) forbid(clock, "computation does not look at the clock");
  if (file.lines > 400) breaches.push(`${file.path}: must not exceed 400 lines, has ${file.lines}`);
  return breaches;
}

/** Impure modules that running `file` loads, each with the chain of imports that leads there. */
function impurities(sources: ReadonlyMap<string, SourceFile>, file: SourceFile): string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  const follow = (current: SourceFile, chain: readonly string[]): void => {
    if (seen.has(current.path)) return;
    seen.add(current.path);
    for (const { specifier, typeOnly, lazy } of current.imports) {
      if (typeOnly || lazy) continue;
      const steps = [...chain, current.path];
      if (IMPURE_MODULES.test(specifier)) found.push(`${steps.join(" → ")} → ${specifier}`);
      const next = sources.get(posix.join(posix.dirname(current.path), specifier));
      if (next !== undefined) follow(next, steps);
    }
  };
  follow(file, []);
  return found;
}

const sources = readSources("src");

test("every folder of src stands in the import table", () => {
  const folders = new Set([...sources.values()].map((file) => file.folder).filter((folder) => folder !== ""));
  assert.deepEqual(
    [...folders].filter((folder) => !FLOW.includes(folder)),
    [],
  );
  assert.ok(folders.size >= 5, `only ${folders.size} folders were read`);
});

test("imports follow the table", () => {
  assert.deepEqual([...sources.values()].flatMap(importBreaches), []);
});

/** Folders of analyses/ that several analyses share. */
const SHARED = ["kit", "logits", "closed-form"];

test("an analysis reaches into no other: what several need is shared, and what is shared knows none of them", () => {
  const roomOf = (path: string) => /^src\/analyses\/([^/]+)\//.exec(path)?.[1];
  const reaches = [...sources.values()].flatMap(({ path, imports }) =>
    imports.flatMap(({ specifier, line }) => {
      const [room, other] = [roomOf(path), roomOf(posix.join(posix.dirname(path), specifier))];
      const isReach = room !== undefined && other !== undefined && other !== room && !SHARED.includes(other);
      return isReach ? [`${path}:${line}: ${specifier}`] : [];
    }),
  );
  assert.deepEqual(reaches, []);
});

test("house rules: seeded randomness, no clock in computation, printing and exiting in cli alone, files below 400 lines", () => {
  assert.deepEqual([...sources.values()].flatMap(ruleBreaches), []);
});

test("lines of comments keep to the formatter's width", () => {
  const wide = ["src", "scripts", "test"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .flatMap((name) =>
        readFileSync(join(ROOT, folder, name), "utf8")
          .split("\n")
          .flatMap((line, i) => (line.length > 130 && /^\s*(\/\/|\/\*|\* )/.test(line) ? [`${folder}/${name}:${i + 1}`] : [])),
      ),
  );
  assert.deepEqual(wide, []);
});

test("analyses and what they load touch no file, process or renderer", () => {
  const pure = [...sources.values()].filter((file) => PURE.includes(file.folder));
  assert.deepEqual(
    pure.flatMap((file) => impurities(sources, file)),
    [],
  );
});

test("index.ts only re-exports; that of an analysis is its definition", () => {
  for (const [path, file] of sources) {
    if (!path.endsWith("/index.ts") || /^src\/analyses\/[^/]+\/index\.ts$/.test(path)) continue;
    assert.equal(file.mentions.size, 0, `${path} holds code`);
  }
});

/** Files that import each other in a circle, types included: each circle once, as the chain that closes it. */
function circles(files: ReadonlyMap<string, SourceFile>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const follow = (path: string, chain: readonly string[]): void => {
    const from = chain.indexOf(path);
    if (from >= 0) found.push([...chain.slice(from), path].join(" → "));
    if (from >= 0 || done.has(path)) return;
    for (const { specifier, lazy } of files.get(path)?.imports ?? []) {
      const next = posix.join(posix.dirname(path), specifier);
      if (!lazy && files.has(next)) follow(next, [...chain, path]);
    }
    done.add(path);
  };
  for (const path of files.keys()) follow(path, []);
  return found;
}

test("no file imports itself by way of others, types included", () => {
  assert.deepEqual(circles(sources), []);
  const circle = ["a", "b"].map((name) => {
    const other = name === "a" ? "b" : "a";
    return parseSource(`src/core/${name}.ts`, `import type { X } from "./${other}.ts";`);
  });
  assert.equal(circles(new Map(circle.map((file) => [file.path, file]))).length, 1);
});

test("the checks see a breach", () => {
  const breach = (path: string, text: string) => {
    const file = parseSource(path, text);
    return [...importBreaches(file), ...ruleBreaches(file)].length;
  };
  assert.equal(breach("src/math/x.ts", `import { a } from "../tasks/index.ts";`), 1);
  assert.equal(breach("src/math/x.ts", `import type { a } from "../tasks/index.ts";`), 1);
  assert.equal(breach("src/analyses/x.ts", `import { a } from "../model/index.ts";`), 1);
  assert.equal(breach("src/analyses/x.ts", `import { type a } from "../model/index.ts";`), 0);
  assert.equal(breach("src/analyses/x.ts", `const a = await import("../cli/main.ts");`), 1);
  assert.equal(breach("src/report/x.ts", `export { a } from "../analyses/a.ts";`), 0);
  assert.equal(breach("src/analyses/x.ts", `import SVD from "ml-matrix";`), 1);
  assert.equal(breach("src/core/x.ts", `import { a } from "./a.js";`), 1);
  assert.equal(breach("src/core/x.ts", `// Math.random()\nexport const s = "Math.random()";`), 0);
  assert.equal(breach("src/cli/x.ts", "export const r = Math.random();"), 1);
  assert.equal(breach("src/train/x.ts", "process.exit(1);"), 1);
  assert.equal(breach("src/model/x.ts", "export const t = new Date();"), 1);
  assert.equal(breach("src/core/x.ts", "\n".repeat(402)), 1);
  const chain = new Map([
    ["src/analyses/a.ts", parseSource("src/analyses/a.ts", `import { b } from "../figures/b.ts";`)],
    ["src/figures/b.ts", parseSource("src/figures/b.ts", `import { readFileSync } from "node:fs";`)],
  ]);
  const [a] = chain.values();
  assert.ok(a !== undefined);
  assert.deepEqual(impurities(chain, a), ["src/analyses/a.ts → src/figures/b.ts → node:fs"]);
});
