import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { MiiiiError } from "../core/index.ts";
import { isAlive, statOf, systemReason, temporaryBeside, writeAll } from "./files.ts";
import { isObject } from "./formats/strict-json.ts";

/** Who trains a run. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process began, in the system's ticks since boot: a number that is given anew to another process has another. */
  readonly process_start: string | null;
  readonly since: string;
}

/** The right to write to a run's folder, held by one process at a time. */
export interface RunLock {
  /**
   * Shows other machines that the holder lives; throws kind `io` where the lock, and with it the folder, is no longer its own.
   */
  refresh(): void;
  /** Gives the right back; does nothing where it is gone already. */
  release(): void;
}

/** Thrown where another process, which lives, has a run. */
export class RunLockedError extends MiiiiError {
  constructor(message: string) {
    super("io", message);
    this.name = "RunLockedError";
  }
}

/** The name of the file in a run's folder. */
export const LOCK_NAME = "run.lock";

/** A holder on another machine that has shown no life for so long is taken for dead. */
const SILENT_MS = 10 * 60_000;

/** When a process began, on Linux; null where the system does not say. */
function startOf(pid: number): string | null {
  try {
    // The name in parentheses may hold spaces and parentheses itself.
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\)\s/s, "")
      .split(" ");
    return fields[19] ?? null;
  } catch {
    return null;
  }
}

function holderOf(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value) || !Number.isSafeInteger(value.pid) || typeof value.host !== "string") return undefined;
    return value as unknown as Holder;
  } catch {
    return undefined;
  }
}

/** Milliseconds since a file was last touched, by the clock of its own file system. */
function silence(path: string): number {
  const probe = temporaryBeside(path);
  try {
    closeSync(openSync(probe, "wx"));
    return statSync(probe).mtimeMs - statSync(path).mtimeMs;
  } finally {
    rmSync(probe, { force: true });
  }
}

function isStale(path: string, text: string): boolean {
  const holder = holderOf(text);
  // Half-written, on a file system without links: its writer may be at it just now.
  if (holder === undefined) return silence(path) > 10_000;
  if (holder.host !== hostname()) return silence(path) > SILENT_MS;
  if (!isAlive(holder.pid)) return true;
  const start = startOf(holder.pid);
  return holder.process_start !== null && start !== null && start !== holder.process_start;
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

/** Writes a file that must not be there yet. */
function writeNew(path: string, text: string): void {
  const fd = openSync(path, "wx");
  try {
    writeAll(fd, new TextEncoder().encode(text));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes the lock, whole from the moment that it is there; false where there is one. */
function create(path: string, text: string): boolean {
  const aside = temporaryBeside(path);
  try {
    writeNew(aside, text);
    try {
      linkSync(aside, path);
    } catch (error) {
      if (codeOf(error) === "EEXIST") throw error;
      // Not every file system has links: there a process that is killed in the midst of it leaves half a lock for some seconds.
      writeNew(path, text);
    }
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw new MiiiiError("io", `${path}: cannot be written: ${systemReason(error)}`, { cause: error });
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Takes a dead holder's lock away. Of several processes that try, one gets it; a live lock that came in between is put back. */
function takeAway(path: string, text: string): void {
  const aside = temporaryBeside(path);
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw new MiiiiError("io", `${path}: cannot be removed: ${systemReason(error)}`, { cause: error });
  }
  try {
    if (readFileSync(aside, "utf8") !== text) linkSync(aside, path);
  } catch {
    // Somebody else has made a new one.
  } finally {
    rmSync(aside, { force: true });
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * Takes the lock of a run's folder, which must exist. Locks of dead processes are recognised and replaced.
 *
 * @throws RunLockedError naming the process that trains the run.
 */
export function lockRun(run: { readonly path: string }): RunLock {
  const path = join(run.path, LOCK_NAME);
  const holder: Holder = {
    pid: process.pid,
    host: hostname(),
    process_start: startOf(process.pid),
    since: new Date().toISOString(),
  };
  const own = `${JSON.stringify(holder)}\n`;
  for (let tries = 0; !create(path, own); tries++) {
    const text = read(path);
    if (text === undefined) continue;
    const other = holderOf(text);
    if (tries >= 3 || !isStale(path, text)) {
      const who = other === undefined ? "another process" : `process ${other.pid} on ${other.host} since ${other.since}`;
      throw new RunLockedError(
        `${run.path}: must not be in training already, is by ${who}; stop that first (or, if it is dead, remove ${LOCK_NAME})`,
      );
    }
    takeAway(path, text);
  }
  const release = () => {
    process.off("exit", release);
    if (statOf(path) !== undefined && read(path) === own) rmSync(path, { force: true });
  };
  process.on("exit", release);
  return {
    release,
    refresh() {
      if (read(path) !== own)
        throw new MiiiiError(
          "io",
          `${run.path}: must stay this process's own while it trains; its folder was emptied or taken over`,
        );
      const now = new Date();
      utimesSync(path, now, now);
    },
  };
}

/** Whether somebody trains a run at this moment, as far as its lock tells; nothing is written. */
export function isTrained(run: { readonly path: string }): boolean {
  const path = join(run.path, LOCK_NAME);
  const text = read(path);
  if (text === undefined) return false;
  const holder = holderOf(text);
  // By this machine's clock, since a look must not write; that of a file server may go otherwise by less than the time that
  // matters.
  const silent = Date.now() - (statOf(path)?.mtimeMs ?? 0);
  if (holder === undefined || holder.host !== hostname()) return silent < SILENT_MS;
  const start = startOf(holder.pid);
  return isAlive(holder.pid) && (holder.process_start === null || start === null || start === holder.process_start);
}
