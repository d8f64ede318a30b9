import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./source.ts";

/** What a command printed and exited with. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What lets Node run the sources. */
export const TSX = join(ROOT, "node_modules/tsx/dist/esm/index.mjs");

/** Commands under test keep results in a folder of their own process: none of another version, none of the user's. */
const CACHE = mkdtempSync(join(tmpdir(), "miiii-cache-"));
process.on("exit", () => rmSync(CACHE, { recursive: true, force: true }));
const env = { ...process.env, MIIII_CACHE: CACHE };

function runScript(script: string, args: readonly string[], cwd: string, input?: string) {
  const options = { cwd, env, encoding: "utf8", maxBuffer: 2 ** 28, ...(input === undefined ? {} : { input }) } as const;
  return spawnSync(process.execPath, ["--import", TSX, join(ROOT, script), ...args], options);
}

/** Starts the command line in a process of its own; the caller waits for it. */
export function startCli(args: readonly string[], cwd = ROOT, stdout: "ignore" | "pipe" = "ignore"): ChildProcess {
  return spawn(process.execPath, ["--import", TSX, join(ROOT, "src/cli/main.ts"), ...args], {
    cwd,
    stdio: ["ignore", stdout, "pipe"],
  });
}

/** Runs the command line in a process of its own, from its sources. */
export function spawnCli(args: readonly string[], cwd = ROOT): CommandResult {
  const { status, stdout, stderr } = runScript("src/cli/main.ts", args, cwd);
  return { code: status, stdout, stderr };
}

/** Runs command lines one after the other in one process: quicker than one each, and the same but for `main.ts`. */
export function runCommands(commands: readonly (readonly string[])[], cwd = ROOT): CommandResult[] {
  const { status, stdout, stderr } = runScript("test/helpers/cli-batch.ts", [], cwd, JSON.stringify(commands));
  if (status !== 0) throw new Error(`the commands' process failed: ${stderr}`);
  return JSON.parse(stdout) as CommandResult[];
}
