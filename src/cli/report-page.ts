import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { ensureWritable } from "../api/output.ts";
import type { Reference } from "../api/references.ts";
import { makeFolder, statOf } from "../checkpoint/index.ts";
import { ensure } from "../core/index.ts";
import { reportMark } from "../report/index.ts";

/** Which report a page is: the same for the same runs, whatever becomes of them. */
export function reportIdentity(references: readonly Reference[]): string {
  const runs = references.map(({ label, path }) => [label, resolve(path)]);
  return createHash("sha256").update(JSON.stringify(runs)).digest("hex").slice(0, 16);
}

/** Bytes from a page's beginning that hold its mark. */
const HEAD = 16_384;

/** The identity of the report that a file holds; undefined for any other file. */
function identityIn(path: string): string | undefined {
  const head = Buffer.alloc(HEAD);
  const file = openSync(path, "r");
  try {
    return reportMark(head.toString("utf8", 0, readSync(file, head, 0, HEAD, 0)));
  } finally {
    closeSync(file);
  }
}

/** Whether a report may be written there: nothing is there, a device or a pipe is, or the report of the same runs. */
function isFree(path: string, identity: string): boolean {
  const stat = statOf(path);
  return stat?.isFile() !== true || identityIn(path) === identity;
}

/** The runs' labels as part of a file's name. */
function fileName(references: readonly Reference[]): string {
  const words = references.map(({ label }) => label.replace(/[^\w.@-]+/g, "-"));
  return (words.length > 3 ? [...words.slice(0, 3), `and-${words.length - 3}`] : words).join("_");
}

/** Throws unless a page can be written at `path`: asked before anything is read for it. */
export function ensurePage(path: string): void {
  ensure(/\.html?$/i.test(path), "usage", () => `report: the page must be named *.html, got ${path}`);
  ensureWritable(path);
}

/**
 * The page's file, found to be writable; the folder of the default is made. A report of other runs is not overwritten: a named
 * file that holds one, or anything else, is refused, and beside the default another name is taken, which `onNote` is told.
 */
export function pagePath(
  out: string | undefined,
  references: readonly Reference[],
  identity: string,
  onNote: (text: string) => void,
): string {
  const path = out ?? join("reports", "index.html");
  if (out === undefined) makeFolder(dirname(path));
  ensurePage(path);
  if (isFree(path, identity)) return path;
  ensure(
    out === undefined,
    "usage",
    () => `report: ${path} holds something else than the report of these runs; name another --out, or remove it`,
  );
  const name = fileName(references);
  for (let again = 1; ; again++) {
    const other = join(dirname(path), `${name}${again === 1 ? "" : `-${again}`}.html`);
    if (!isFree(other, identity)) continue;
    ensureWritable(other);
    onNote(`${path} is a report of other runs and stays; this one is ${basename(other)} beside it`);
    return other;
  }
}
