import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readFileSync, readSync } from "node:fs";
import { ensure, ensureFiniteJson, type Json, MiiiiError } from "../core/index.ts";
import { readFileBytes, statOf, systemReason, writeAll, writeFileAtomic } from "./files.ts";
import { isObject, parseJson } from "./formats/strict-json.ts";

/** A line of a series over time. */
export interface EpochRow {
  readonly epoch: number;
}

/** The rows of a file of JSON lines, and what a reader should be told. */
export interface JsonLines<T extends EpochRow> {
  readonly rows: T[];
  readonly warnings: string[];
}

const NEWLINE = 0x0a;

/** Removes a half-written last line, so that the next one starts on its own. */
function dropHalfLine(fd: number, path: string): void {
  const { size } = fstatSync(fd);
  if (size === 0) return;
  const last = new Uint8Array(1);
  readSync(fd, last, 0, 1, size - 1);
  if (last[0] !== NEWLINE) ftruncateSync(fd, readFileSync(path).lastIndexOf(NEWLINE) + 1);
}

/**
 * Appends one row and flushes it to the disk. A half-written last line, left by a crash, is removed first.
 *
 * @throws kind `numeric` where the row holds a number that is not finite, kind `io` where the file cannot be written.
 */
export function appendJsonLine(path: string, row: EpochRow): void {
  ensureFiniteJson(row as unknown as Json, `${path}: epoch ${row.epoch}`);
  try {
    const fd = openSync(path, "a+");
    try {
      dropHalfLine(fd, path);
      writeAll(fd, new TextEncoder().encode(`${JSON.stringify(row)}\n`));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new MiiiiError("io", `${path}: cannot be written: ${systemReason(error)}`, { cause: error });
  }
}

function parseRow(line: string, where: string): EpochRow {
  const row = parseJson(line, where);
  const epoch = isObject(row) ? row.epoch : undefined;
  ensure(
    Number.isSafeInteger(epoch) && (epoch as number) >= 0,
    "input",
    () => `${where}: must be an object with an epoch of 0 or more`,
  );
  return row as EpochRow;
}

/**
 * The rows of a file of JSON lines, epochs ascending; none where the file is missing. A half-written last line is dropped and a
 * warning says so; anything else that is wrong is an error that names the line. What a row holds beside its epoch is not checked.
 */
export function readJsonLines<T extends EpochRow>(path: string): JsonLines<T> {
  if (!statOf(path)) return { rows: [], warnings: [] };
  const lines = new TextDecoder().decode(readFileBytes(path)).split("\n");
  const warnings: string[] = [];
  const half = lines.pop();
  if (half !== "") warnings.push(`${path}: the last line is half-written and left out`);
  const rows: EpochRow[] = [];
  for (const [i, line] of lines.entries()) {
    const where = `${path}: line ${i + 1}`;
    let row: EpochRow;
    try {
      row = parseRow(line, where);
    } catch (error) {
      // A crash may also leave a line of zeros, newline and all.
      if (i < lines.length - 1 || half !== "") throw error;
      warnings.push(`${path}: the last line is half-written and left out`);
      break;
    }
    const before = rows.at(-1);
    ensure(
      !before || before.epoch < row.epoch,
      "input",
      () => `${where}: epochs must ascend, got ${row.epoch} after ${before?.epoch}`,
    );
    rows.push(row);
  }
  return { rows: rows as T[], warnings };
}

/** Keeps the rows up to and including an epoch, as resuming from there asks for; returns how many rows were dropped. */
export function truncateJsonLines(path: string, lastEpoch: number): number {
  if (!statOf(path)) return 0;
  const { rows } = readJsonLines(path);
  const kept = rows.filter((row) => row.epoch <= lastEpoch);
  writeFileAtomic(path, new TextEncoder().encode(kept.map((row) => `${JSON.stringify(row)}\n`).join("")));
  return rows.length - kept.length;
}
