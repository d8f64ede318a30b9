import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { dirname, relative, resolve, sep } from "node:path";
import { statOf, systemReason, temporaryBeside, writeFileAtomic } from "../checkpoint/index.ts";
import { ensure, MiiiiError } from "../core/index.ts";

/**
 * Throws unless a file can be written at `path`, before any work is done for it: its folder must exist and take a file. A device
 * or a pipe is taken as it is: a look at it would be a write to it.
 */
export function ensureWritable(path: string): void {
  const stat = statOf(path);
  ensure(stat?.isDirectory() !== true, "io", () => `${path}: must be a file to write to, is a folder`);
  if (stat !== undefined && !stat.isFile()) return;
  const folder = dirname(path);
  ensure(statOf(folder)?.isDirectory() === true, "io", () => `${path}: cannot be written: the folder ${folder} must exist`);
  const probe = temporaryBeside(path);
  try {
    const fd = openSync(probe, "wx");
    try {
      // A full disk lets a file be made and takes no byte.
      writeSync(fd, "\n");
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new MiiiiError("io", `${path}: cannot be written: ${systemReason(error)}`, { cause: error });
  } finally {
    rmSync(probe, { force: true });
  }
}

/** Writes text whole or not at all. */
export function writeText(path: string, text: string): void {
  writeFileAtomic(path, new TextEncoder().encode(text));
}

/** A value as JSON, indented by one space; lists of numbers stand on one line. */
export function jsonText(value: object): string {
  const indented = JSON.stringify(value, null, 1);
  return `${indented.replace(/\[\n\s+(-?[\d.e+-]+(?:,\n\s+-?[\d.e+-]+)*)\n\s+\]/g, (_, list: string) => `[${list.replace(/\n\s+/g, " ")}]`)}\n`;
}

/** A word as a shell takes it: quoted where it needs to be. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A path as the user would type it: relative within the working directory, else absolute. */
export function shownPath(path: string): string {
  const absolute = resolve(path);
  const from = relative(process.cwd(), absolute);
  return from === ".." || from.startsWith(`..${sep}`) || from === "" ? absolute : from;
}
