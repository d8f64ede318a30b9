import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readFileSync, readSync } from "node:fs";
import { ensureFiniteJson, type Json, MiiiiError } from "../core/index.ts";
import { readFileBytes, statOf, systemReason, writeAll, writeFileAtomic } from "./files.ts";
import { parseJson } from "./formats/strict-json.ts";
import { checkEpoch, type EpochRow, type RowCheck } from "./rows.ts";

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

/** How a file of JSON lines is read. */
export interface ReadOptions<T extends EpochRow> {
  /** What each line must be; that it has an epoch, where left out. */
  readonly check?: RowCheck<T>;
  /** Whether epochs may repeat and fall: those of a history do, where a run was resumed from an earlier state. */
  readonly unordered?: boolean;
}

/**
 * The rows of a file of JSON lines, epochs ascending; none where the file is missing. A half-written last line is dropped, and so
 * is everything from the first epoch on that does not ascend, which is what two processes leave that wrote to one run; warnings
 * say so.
 *
 * @throws kind `input` for any other line that is not what it must be, naming file, line and field.
 */
export function readJsonLines<T extends EpochRow>(path: string, options: ReadOptions<T> = {}): JsonLines<T> {
  if (!statOf(path)) return { rows: [], warnings: [] };
  // A binding of its own: TypeScript wants assertion functions declared with their type.
  const check: RowCheck<T> = options.check ?? checkEpoch;
  const lines = new TextDecoder().decode(readFileBytes(path)).split("\n");
  const warnings: string[] = [];
  const half = lines.pop();
  if (half !== "") warnings.push(`${path}: the last line is half-written and left out`);
  const rows: T[] = [];
  for (const [i, line] of lines.entries()) {
    const where = `${path}: line ${i + 1}`;
    let row: unknown;
    try {
      row = parseJson(line, where);
    } catch (error) {
      // A crash may also leave a line of zeros, newline and all.
      if (i < lines.length - 1 || half !== "") throw error;
      warnings.push(`${path}: the last line is half-written and left out`);
      break;
    }
    check(row, where);
    const before = rows.at(-1);
    if (options.unordered !== true && before !== undefined && before.epoch >= row.epoch) {
      const rest = lines.length - i;
      warnings.push(
        `${where}: epochs must ascend, got ${row.epoch} after ${before.epoch} (two processes in one run?); ` +
          `this and the ${rest - 1} lines after it are left out`,
      );
      break;
    }
    rows.push(row);
  }
  return { rows, warnings };
}

/** Keeps the rows up to and including an epoch, as resuming from there asks for; returns how many rows were dropped. */
export function truncateJsonLines(path: string, lastEpoch: number): number {
  if (!statOf(path)) return 0;
  const { rows } = readJsonLines(path);
  const kept = rows.filter((row) => row.epoch <= lastEpoch);
  if (kept.length === rows.length && isWhole(path, rows.length)) return 0;
  writeFileAtomic(path, new TextEncoder().encode(kept.map((row) => `${JSON.stringify(row)}\n`).join("")));
  return rows.length - kept.length;
}

/** Whether a file holds just so many lines. */
function isWhole(path: string, lines: number): boolean {
  const bytes = readFileBytes(path);
  return bytes.at(-1) === NEWLINE && bytes.reduce((count, byte) => count + Number(byte === NEWLINE), 0) === lines;
}
