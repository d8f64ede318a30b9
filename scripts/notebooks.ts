/**
 * `npm run notebooks [-- WORD…]`: executes the notebooks whose names hold one of the words, or all, in place, in a virtual
 * environment of pinned packages that it makes (`.venv/notebooks`): Jupyter's nbclient, Deno with its kernel for TypeScript,
 * Python's with Altair. What a machine lacks is named, and its notebooks are left as they are.
 *
 * Options: `--check`: execute them all the same, and leave the files as they are. `--no-install`: take the Python packages that
 * are there.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { pinsOf, preparePython, ROOT } from "./lib/python.ts";

const FOLDER = join(ROOT, "notebooks");
const REQUIREMENTS = join(FOLDER, "requirements.txt");
/** What a kernel's notebooks need, beside what executes any. */
const KERNELS: Readonly<Record<string, readonly string[]>> = {
  deno: ["deno"],
  python3: ["ipykernel", "altair", "vl-convert-python", "pandas", "pyarrow"],
};
const EXECUTION = ["nbclient", "nbformat"];

function kernelOf(name: string): string {
  const book: { metadata: { kernelspec: { name: string } } } = JSON.parse(readFileSync(join(FOLDER, name), "utf8"));
  return book.metadata.kernelspec.name;
}

/** Tells Jupyter how to start each kernel: this environment's own, whatever else is installed. */
function writeKernels(scratch: string, python: string): void {
  const deno = join(dirname(python), process.platform === "win32" ? "deno.exe" : "deno");
  const commands = {
    deno: [deno, "jupyter", "--kernel", "--conn", "{connection_file}"],
    // It warns of its sockets on this machine, which no notebook here can change.
    python3: [python, "-m", "ipykernel_launcher", "--log-level=ERROR", "-f", "{connection_file}"],
  };
  for (const [name, argv] of Object.entries(commands)) {
    const kernel = join(scratch, "kernels", name);
    mkdirSync(kernel, { recursive: true });
    const language = name === "deno" ? "typescript" : "python";
    writeFileSync(join(kernel, "kernel.json"), JSON.stringify({ argv, display_name: name, language }));
  }
}

const { values, positionals: words } = parseArgs({
  allowPositionals: true,
  options: { check: { type: "boolean" }, "no-install": { type: "boolean" } },
});
const names = readdirSync(FOLDER).filter(
  (name) => name.endsWith(".ipynb") && (words.length === 0 || words.some((word) => name.includes(word))),
);
const pins = pinsOf(REQUIREMENTS);
const install = values["no-install"] !== true;
const found = preparePython([REQUIREMENTS], [...pins.keys()], install, (line) => console.error(line), "notebooks");
const counts = { executed: 0, failed: 0, skipped: 0 };
const scratch = mkdtempSync(join(tmpdir(), "miiii-notebooks-"));
try {
  if (found.path !== undefined) writeKernels(scratch, found.path);
  for (const name of names) {
    const absent = [...EXECUTION, ...(KERNELS[kernelOf(name)] ?? [])].filter((needed) => found.versions[needed] === undefined);
    if (found.path === undefined || absent.length > 0) {
      console.log(`${name}: skipped, this machine lacks ${absent.join(", ")} (${found.python})`);
      counts.skipped += 1;
      continue;
    }
    const out = values.check === true ? join(scratch, name) : join(FOLDER, name);
    const { status } = spawnSync(found.path, [join(ROOT, "scripts/notebooks/execute.py"), join(FOLDER, name), out], {
      env: { ...process.env, JUPYTER_PATH: scratch, NO_COLOR: "1", PYDEVD_DISABLE_FILE_VALIDATION: "1" },
      stdio: ["ignore", "inherit", "inherit"],
    });
    counts[status === 0 ? "executed" : "failed"] += 1;
    console.log(`${name}: ${status === 0 ? "executed" : "failed"}`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`${counts.executed} notebooks executed, ${counts.failed} failed, ${counts.skipped} skipped`);
if (counts.failed > 0 || names.length === 0) process.exitCode = 1;
