/**
 * Packs the project, installs the packed file in an empty folder and compiles README's library example and those of the
 * docstrings there, strictly and with the libraries' declarations checked, as `nodenext` and as `bundler` resolve it; then runs
 * it, and the command, on this Node and on a newer one.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A second version of Node that the packed file must work on. */
const OTHER_NODE = "24.9.0";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), "miiii-consumer-"));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { devDependencies: Record<string, string> };
// The user says nothing of ONNX Runtime; npm here may carry settings of the checkout.
const env = { ...process.env, npm_config_ignore_scripts: "false" };

function run(command: string, args: readonly string[], cwd = folder): string {
  return execFileSync(command, args, { cwd, encoding: "utf8", env, stdio: ["ignore", "pipe", "inherit"] });
}

/** The `@example`s of the sources' docstrings, each as a module that imports what it names. */
function examplesOfDocstrings(): string[] {
  const exported = readFileSync(join(root, "src/index.ts"), "utf8").matchAll(/^export \{([^}]*)\}/gm);
  const names = [...exported].flatMap(([, list = ""]) => list.match(/(?<!type )\b[A-Za-z]\w+\b(?!\s\w)/g) ?? []);
  const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  return files.flatMap((file) => {
    const docstrings = readFileSync(join(root, "src", file), "utf8").matchAll(/^ \* @example([^@]*?)\n? ?\*\//gm);
    return [...docstrings].flatMap(([, text = ""]) => {
      const code = text.replaceAll(/^ \* ?/gm, "").trim();
      const used = names.filter((name) => new RegExp(`\\b${name}\\b`).test(code));
      // Others are of what is not exported.
      if (used.length === 0) return [];
      return [code.includes("import {") ? code : `import { ${used.join(", ")} } from "miiii";\n${code}\nexport {};\n`];
    });
  });
}

try {
  const packed = run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], root)
    .trim()
    .split("\n")
    .at(-1);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const types = ["typescript", "@types/node"].map((name) => `${name}@${manifest.devDependencies[name]}`);
  run("npm", ["install", "--silent", "--no-audit", "--no-fund", `./${packed}`, ...types]);
  const example = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8"))?.[1];
  if (example === undefined) throw new Error("README.md must have an example in TypeScript");
  writeFileSync(join(folder, "example.ts"), example);
  examplesOfDocstrings().forEach((code, i) => {
    writeFileSync(join(folder, `docstring-${i}.ts`), code);
  });
  const tsc = createRequire(join(folder, "package.json")).resolve("typescript/bin/tsc");
  const strict = "--strict --target es2023 --types node --outDir out".split(" ");
  for (const module of [["nodenext"], ["esnext", "--moduleResolution", "bundler"]]) {
    run(process.execPath, [tsc, ...strict, "--module", ...module, ...readdirSync(folder).filter((name) => name.endsWith(".ts"))]);
  }
  console.log(run(process.execPath, ["out/example.js"]).trimEnd());
  // The same on another major version of Node, as npm has it.
  const other = (...args: string[]) => run("npm", ["exec", "--yes", `--package=node@${OTHER_NODE}`, "--", "node", ...args]);
  let version: string | undefined;
  try {
    version = other("--version").trim();
  } catch {
    console.log(`Node ${OTHER_NODE} cannot be had here: the second pass is skipped`);
  }
  if (version !== undefined) {
    console.log(`Node ${version}\n${other("out/example.js").trimEnd()}`);
    console.log(other("node_modules/miiii/bin/miiii.mjs", "analyze", "fft", "nanda").trimEnd());
    console.log(other("node_modules/miiii/bin/miiii.mjs", "inspect", "miiii-p53", "--evaluate").trimEnd());
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
