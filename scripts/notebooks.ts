/**
 * `npm run notebooks [-- NAME…]`: executes the notebooks in place, with Deno's kernel and Jupyter's nbconvert. What a machine lacks is named,
 * and its notebooks are left as they are.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Fetched by npm on first use where the machine has none: too large to come with every checkout. */
const DENO = "deno@2.9.6";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "notebooks");
const wanted = process.argv.slice(2);
const names = readdirSync(folder).filter(
  (name) => name.endsWith(".ipynb") && (wanted.length === 0 || wanted.some((word) => name.includes(word))),
);

const works = (command: string, args: readonly string[]) => spawnSync(command, args, { cwd: root, stdio: "ignore" }).status === 0;

const npx = ["exec", "--yes", `--package=${DENO}`, "--", "deno"];
const local = join(root, "node_modules/deno/bin.cjs");
const deno = [...(existsSync(local) ? [[process.execPath, local]] : []), ["deno"], ["npm", ...npx]].find(
  ([command = "", ...args]) => works(command, [...args, "--version"]),
);

const missing = [
  ...(works("jupyter-nbconvert", ["--version"]) ? [] : ["jupyter-nbconvert (Debian: apt-get install jupyter-nbconvert)"]),
  ...(deno === undefined ? [DENO] : []),
];

if (missing.length > 0) {
  for (const name of names) console.log(`${name}: skipped, this machine lacks ${missing.join(" and ")}`);
} else {
  const scratch = mkdtempSync(join(tmpdir(), "miiii-notebooks-"));
  try {
    const kernel = join(scratch, "kernels", "deno");
    mkdirSync(kernel, { recursive: true });
    const argv = [...(deno ?? []), "jupyter", "--kernel", "--conn", "{connection_file}"];
    writeFileSync(join(kernel, "kernel.json"), JSON.stringify({ argv, display_name: "Deno", language: "typescript" }));
    for (const name of names) {
      const args = ["--to", "notebook", "--execute", "--inplace", "--ExecutePreprocessor.timeout=1800", join(folder, name)];
      const { status } = spawnSync("jupyter-nbconvert", args, {
        cwd: root,
        env: { ...process.env, JUPYTER_PATH: scratch },
        stdio: ["ignore", "inherit", "inherit"],
      });
      console.log(`${name}: ${status === 0 ? "executed" : "failed"}`);
      if (status !== 0) process.exitCode = 1;
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
