/**
 * `npm run mutants [-- TEXT]`: applies each deliberate fault to a copy of the tree, runs the tests beside it and tells which faults
 * lived. TEXT: only those whose file or kind holds it.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { MUTANTS } from "./mutants/list.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wanted = process.argv[2] ?? "";
const chosen = MUTANTS.filter(({ file, kind }) => file.includes(wanted) || kind.includes(wanted));
const copy = mkdtempSync(join(tmpdir(), "miiii-mutants-"));
const MINUTES = 5;

/** Whether the tests notice: they fail, or never end. */
function killed(tests: readonly string[]): boolean {
  const files = tests.filter((test) => existsSync(join(copy, test)));
  return files.some((test) => {
    const args = ["--import", "tsx", "--test", test];
    const { status } = spawnSync(process.execPath, args, { cwd: copy, stdio: "ignore", timeout: MINUTES * 60_000 });
    return status !== 0;
  });
}

let survived = 0;
try {
  for (const name of ["src", "test", "scripts", "bin", "docs", "fixtures", "package.json", "tsconfig.json", "README.md"])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  for (const { kind, file, find, replace, tests } of chosen) {
    const path = join(copy, file);
    const text = readFileSync(path, "utf8");
    writeFileSync(
      path,
      text.replace(find, () => replace),
    );
    const dead = killed(tests);
    writeFileSync(path, text);
    if (!dead) survived += 1;
    console.log(`${dead ? "killed  " : "SURVIVED"}  ${file}  ${kind}: ${find.trim().split("\n")[0]?.slice(0, 70)}`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(`${chosen.length - survived} of ${chosen.length} killed`);
if (survived > 0) process.exitCode = 1;
