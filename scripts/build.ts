import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CODE_DIGESTS, digestCode } from "../src/api/code-digest.ts";
import { bundleBrowserCode } from "../src/report/bundle-browser.ts";
import { PAGE_BUNDLE } from "../src/report/bundles.ts";

// Compiles src to a fresh dist, bundles the pages' browser code into it and makes the command executable.
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");
rmSync(dist, { recursive: true, force: true });
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const { status } = spawnSync(process.execPath, [tsc, "-p", join(root, "tsconfig.build.json")], { stdio: "inherit" });
if (status === 0) {
  // The part of sweeps that is Python.
  for (const file of ["worker.py", "requirements.txt"]) copyFileSync(join(root, "src", "sweep", file), join(dist, "sweep", file));
  for (const page of ["report", "serve"]) {
    const source = pathToFileURL(`${join(root, "src", page)}/`);
    writeFileSync(join(dist, page, PAGE_BUNDLE), await bundleBrowserCode(source));
  }
  // Compiled or not, the code is the same: results kept by the one are found by the other.
  const digests = digestCode(pathToFileURL(`${join(root, "src")}/`), ".ts");
  writeFileSync(join(dist, "api", CODE_DIGESTS), JSON.stringify(digests));
  chmodSync(join(dist, "cli", "main.js"), 0o755);
} else process.exitCode = status ?? 1;
