import { randomBytes } from "node:crypto";
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { MiiiiError, messageOf } from "../core/index.ts";

/** Why the system refused: Node's message without the call and the path that it repeats. */
export function systemReason(error: unknown): string {
  return messageOf(error).split(", ")[0] ?? "unknown reason";
}

/** Writes everything to an open file; a short write is continued. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

function syncFolder(path: string): void {
  // Windows cannot open a folder to flush it; its renames are journalled.
  if (process.platform === "win32") return;
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A name beside `path` that no other process uses: its owner's number, so that what a dead one left can be swept, and chance. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(6).toString("hex")}.tmp`);
}

/** Whether a process of this machine lives. One that belongs to another user does, although it may not be signalled. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Removes temporary files in a folder whose processes are dead; what cannot be read or removed stays. */
export function sweepTemporaries(folder: string): void {
  try {
    for (const name of readdirSync(folder)) {
      const pid = /^\..+\.(\d{1,10})\.(?:[0-9a-f]{12}\.)?tmp$/.exec(name)?.[1];
      if (pid !== undefined && Number(pid) !== process.pid && !isAlive(Number(pid))) rmSync(join(folder, name), { force: true });
    }
  } catch {
    // Rubbish that stays does no harm.
  }
}

/** Where a file's content goes: through symbolic links to what they name, so that the links stay. */
function destinationOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function writeThrough(path: string, bytes: Uint8Array): void {
  const fd = openSync(path, "w");
  try {
    writeAll(fd, bytes);
  } finally {
    closeSync(fd);
  }
}

function replaceFile(path: string, bytes: Uint8Array, mode: number | undefined): void {
  const temporary = temporaryBeside(path);
  try {
    const fd = openSync(temporary, "wx", mode ?? 0o666);
    try {
      // The process's umask may have taken from what the file had.
      if (mode !== undefined) fchmodSync(fd, mode & 0o7777);
      writeAll(fd, bytes);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // The first failure is the one to report.
    }
    throw error;
  }
}

/**
 * Writes a file so that readers, also after a crash, see the old content or the new one and never a part: a temporary file in the
 * same folder, flushed, renamed over `path`, and the folder flushed. Upon failure the temporary file is removed. An existing file
 * keeps its mode; a symbolic link stays and what it names is replaced; into a device or a pipe the bytes are written as they are.
 *
 * @throws kind `io`, naming the path and the system's reason.
 */
export function writeFileAtomic(path: string, bytes: Uint8Array): void {
  try {
    const destination = destinationOf(path);
    const stat = statSync(destination, { throwIfNoEntry: false });
    if (stat === undefined || stat.isFile() || stat.isDirectory())
      replaceFile(destination, bytes, stat?.isFile() ? stat.mode : undefined);
    else writeThrough(destination, bytes);
  } catch (error) {
    throw new MiiiiError("io", `${path}: cannot be written: ${systemReason(error)}`, { cause: error });
  }
}

/**
 * Makes a folder and those above it that are missing, one by one: Node 20's recursive mkdir never returns where a file system
 * makes none (/proc).
 *
 * @throws kind `io`, naming the path and the system's reason.
 */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let at = resolve(path); statOf(at) === undefined && dirname(at) !== at; at = dirname(at)) missing.unshift(at);
  try {
    for (const folder of missing) mkdirSync(folder);
  } catch (error) {
    throw new MiiiiError("io", `${path}: cannot be made: ${systemReason(error)}`, { cause: error });
  }
}

/** The content of a file; throws kind `io` where it is missing, no regular file, or cannot be read. */
export function readFileBytes(path: string): Uint8Array {
  const stat = statOf(path);
  if (!stat) throw new MiiiiError("io", `${path}: no such file`);
  if (stat.isDirectory()) throw new MiiiiError("io", `${path}: must be a file, is a directory`);
  if (!stat.isFile()) throw new MiiiiError("io", `${path}: must be a regular file`);
  try {
    return readFileSync(path);
  } catch (error) {
    throw new MiiiiError("io", `${path}: cannot be read: ${systemReason(error)}`, { cause: error });
  }
}

/** What lies at a path. */
export interface FileStat {
  readonly size: number;
  readonly mtimeMs: number;
  isFile(): boolean;
  isDirectory(): boolean;
}

/** What lies at a path; undefined where nothing does. */
export function statOf(path: string): FileStat | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new MiiiiError("io", `${path}: cannot be read: ${systemReason(error)}`, { cause: error });
  }
}
