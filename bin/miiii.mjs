#!/usr/bin/env node
// The command. A packed copy holds what it was built to; a checkout is built here on first use and whenever its sources are newer,
// so that nothing has to run when its packages are installed.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const main = join(root, "dist/cli/main.js");
const sources = join(root, "src");

function newest(folder) {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Math.max(
    ...names.map((entry) => (entry.isFile() ? statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs : 0)),
  );
}

if (existsSync(sources) && (!existsSync(main) || newest(sources) > statSync(main).mtimeMs)) {
  process.stderr.write("miiii: building this checkout (some 15 seconds, once)\n");
  const { status } = spawnSync(process.execPath, ["--import", "tsx", join(root, "scripts/build.ts")], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) {
    process.stderr.write("miiii: the build failed; are the packages installed (npm ci)?\n");
    process.exit(1);
  }
}
if (!existsSync(main)) {
  process.stderr.write("miiii: this package was packed before it was built; in its checkout, npm run pack builds it first\n");
  process.exit(1);
}
await import(new URL("../dist/cli/main.js", import.meta.url).href);
