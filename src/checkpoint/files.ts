import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
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

/**
 * Writes a file so that readers, also after a crash, see the old content or the new one and never a part: a temporary file in the
 * same folder, flushed, renamed over `path`, and the folder flushed. Upon failure the temporary file is removed.
 *
 * @throws kind `io`, naming the path and the system's reason.
 */
export function writeFileAtomic(path: string, bytes: Uint8Array): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    const fd = openSync(temporary, "w");
    try {
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
      // The first failure is the one to tell.
    }
    throw new MiiiiError("io", `${path}: cannot be written: ${systemReason(error)}`, { cause: error });
  }
}

/**
 * Makes a folder and those above it that are missing, one by one: Node 20's recursive mkdir never returns where a file system makes
 * none (/proc).
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

/** What lies at a path; undefined where nothing does. */
export function statOf(path: string): ReturnType<typeof statSync> | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new MiiiiError("io", `${path}: cannot be read: ${systemReason(error)}`, { cause: error });
  }
}
