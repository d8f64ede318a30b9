/**
 * `npm run mutants [-- TEXT] [-- I/N]`: applies each deliberate fault to a copy of the tree, runs the tests beside it and tells
 * which faults lived. TEXT: only those whose file or kind holds it; I/N: the I-th of N slices of them.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { MUTANTS } from "./mutants/list.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const words = process.argv.slice(2);
const [slice = 1, slices = 1] = (words.find((word) => /^\d+\/\d+$/.test(word)) ?? "1/1").split("/").map(Number);
const wanted = words.find((word) => !/^\d+\/\d+$/.test(word)) ?? "";
const matching = MUTANTS.filter(({ file, kind }) => file.includes(wanted) || kind.includes(wanted));
const placeOf = (part: number) => Math.round((part * matching.length) / slices);
const chosen = matching.slice(placeOf(slice - 1), placeOf(slice));
const copy = mkdtempSync(join(tmpdir(), "miiii-mutants-"));
const MINUTES = 5;

/** Whether a test file passes on the copy as it stands. */
function passes(test: string): boolean {
  // Without --test: a file is one process, and its tests fail it.
  const args = ["--import", "tsx", test];
  const { status } = spawnSync(process.execPath, args, { cwd: copy, stdio: "ignore", timeout: MINUTES * 60_000 });
  return status === 0;
}

const sound = new Set<string>();

/** The test files beside a fault that are there; each must pass without the fault, or it would notice nothing. */
function testsOf(tests: readonly string[]): string[] {
  const files = tests.filter((test) => existsSync(join(copy, test)));
  for (const test of files) {
    if (!sound.has(test) && !passes(test)) throw new Error(`mutants: ${test} must pass without a fault`);
    sound.add(test);
  }
  return files;
}

let survived = 0;
try {
  for (const name of ["src", "test", "scripts", "bin", "docs", "package.json", "tsconfig.json", "README.md"])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  for (const name of ["node_modules", "fixtures"]) symlinkSync(join(root, name), join(copy, name));
  for (const { kind, file, find, replace, tests } of chosen) {
    const beside = testsOf(tests);
    const path = join(copy, file);
    const text = readFileSync(path, "utf8");
    writeFileSync(
      path,
      text.replace(find, () => replace),
    );
    // Failing tests, or some that never end.
    const dead = beside.some((test) => !passes(test));
    writeFileSync(path, text);
    if (!dead) survived += 1;
    console.log(`${dead ? "killed  " : "SURVIVED"}  ${file}  ${kind}: ${find.trim().split("\n")[0]?.slice(0, 70)}`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(`${chosen.length - survived} of ${chosen.length} killed`);
if (survived > 0) process.exitCode = 1;
