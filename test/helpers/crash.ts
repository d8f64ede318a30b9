import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { TSX } from "./cli.ts";
import { ROOT } from "./source.ts";

/** A run that is small and yet has all that a run has: metrics, frequencies, checkpoints, states. */
const SETTINGS = "--preset nanda --p 11 --d-model 8 --n-heads 2 --epochs 14 --grokfast-lambda 1 --threads 1".split(" ");

/** The files that an interrupted run must have byte for byte as an uninterrupted one. */
const SAME = /^(config\.json|metrics\.jsonl|omega\.jsonl|resume\.safetensors|step-\d+\.safetensors)$/;

const HOOK = pathToFileURL(join(ROOT, "test/helpers/crash-hook.mjs")).href;
const MAIN = ["--import", TSX, join(ROOT, "src/cli/main.ts"), "train"];

/** How a training is killed: at the n-th file operation (before or after it), or after so many milliseconds. */
export type Kill = { readonly operation: number; readonly after: boolean } | { readonly ms: number };

function trainArgs(path: string): string[] {
  return existsSync(join(path, "config.json")) ? ["--resume", path] : [...SETTINGS, "--out", path];
}

async function killed(path: string, kill: Kill): Promise<boolean> {
  if ("operation" in kill) {
    const env = { ...process.env, CRASH_AT: String(kill.operation), CRASH_AFTER: kill.after ? "1" : "0" };
    return spawnSync(process.execPath, ["--import", HOOK, ...MAIN, ...trainArgs(path)], { env }).signal === "SIGKILL";
  }
  const child = spawn(process.execPath, [...MAIN, ...trainArgs(path)], { stdio: "ignore" });
  const ended = new Promise<boolean>((resolve) => child.once("exit", (_, signal) => resolve(signal === "SIGKILL")));
  setTimeout(() => child.kill("SIGKILL"), kill.ms);
  return ended;
}

/** The reference: the same run in one piece, by file. */
export function wholeRun(folder: string): ReadonlyMap<string, Buffer> {
  const path = join(folder, "whole");
  const { status, stderr } = spawnSync(process.execPath, [...MAIN, ...trainArgs(path)], { encoding: "utf8" });
  if (status !== 0) throw new Error(`the uninterrupted run must succeed: ${stderr}`);
  const files = readdirSync(path).filter((name) => SAME.test(name));
  return new Map(files.map((name) => [name, readFileSync(join(path, name))]));
}

/**
 * Trains a run that is killed as told, resumes it to its end and compares it with the uninterrupted one.
 *
 * @returns what is wrong with it; nothing where it is whole. `finished`: the kill came too late.
 */
export async function crash(whole: ReadonlyMap<string, Buffer>, kill: Kill): Promise<{ finished: boolean; faults: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), "miiii-crash-"));
  const path = join(folder, "run");
  try {
    const faults: string[] = [];
    const finished = !(await killed(path, kill));
    if (!finished) {
      const { status, stderr } = spawnSync(process.execPath, [...MAIN, ...trainArgs(path)], { encoding: "utf8" });
      // Killed after its last state, it has nothing left to do.
      if (status !== 0 && !/has 14 epochs already/.test(stderr)) faults.push(`resuming: ${stderr.trim().split("\n").at(-1)}`);
    }
    const names = existsSync(path) ? readdirSync(path) : [];
    for (const [name, bytes] of whole) {
      if (!names.includes(name)) faults.push(`${name} is missing`);
      else if (!readFileSync(join(path, name)).equals(bytes)) faults.push(`${name} differs`);
    }
    const rest = names.filter((name) => !SAME.test(name) && name !== "history.jsonl");
    if (rest.length > 0) faults.push(`left behind: ${rest.join(", ")}`);
    return { finished, faults };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
