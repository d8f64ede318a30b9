import { readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Analysis } from "../analyses/kit/define.ts";
import { makeFolder, readFileBytes, sha256, statOf, sweepTemporaries, writeFileAtomic } from "../checkpoint/index.ts";
import { type Json, MiiiiError } from "../core/index.ts";
import { cacheFolder } from "./cache-folder.ts";
import type { Model } from "./models.ts";
import { type ResultContext, resultKey } from "./result-key.ts";

/** Results of analyses, kept by the content of all that they depend on. Safe with several processes; bounded. */
export interface ResultCache {
  /** The name of what an analysis gives for a model. */
  keyOf(analysis: Analysis, model: Model, context: ResultContext): string;
  /** The kept result; undefined where there is none, or none that is whole. */
  read(key: string): Json | undefined;
  write(key: string, result: Json): void;
}

/** The most that results may take on the disk, in bytes. */
const MOST_BYTES = 500e6;

/** The entries of the folder with their sizes, those unused for longest first. */
function entries(folder: string): { readonly path: string; readonly size: number; readonly used: number }[] {
  if (statOf(folder)?.isDirectory() !== true) return [];
  const found = readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const stat = name.endsWith(".json") ? statSync(path, { throwIfNoEntry: false }) : undefined;
    return stat === undefined ? [] : [{ path, size: stat.size, used: stat.mtimeMs }];
  });
  return found.sort((a, b) => a.used - b.used);
}

/** Removes what has not been used for longest, until the rest takes at most `bytes`. */
function bound(folder: string, bytes: number): void {
  const all = entries(folder);
  let total = all.reduce((sum, { size }) => sum + size, 0);
  for (const { path, size } of all) {
    if (total <= bytes) return;
    rmSync(path, { force: true });
    total -= size;
  }
}

/** The folder of kept results. */
export function resultsFolder(): string {
  return join(cacheFolder(), "results");
}

/** How many results are kept, and the bytes that they take. */
export function cacheSize(folder = resultsFolder()): { readonly results: number; readonly bytes: number } {
  const all = entries(folder);
  return { results: all.length, bytes: all.reduce((sum, { size }) => sum + size, 0) };
}

/** Forgets every kept result; returns what there was. */
export function clearCache(folder = resultsFolder()): { readonly results: number; readonly bytes: number } {
  const before = cacheSize(folder);
  bound(folder, -1);
  return before;
}

/**
 * The cache in a folder. A folder that cannot be written to makes every look-up a miss: a cache is never a reason to fail.
 *
 * @param mostBytes - what results may take before those unused for longest go.
 */
export function resultCache(folder = resultsFolder(), mostBytes = MOST_BYTES): ResultCache {
  const fileOf = (key: string) => join(folder, `${key}.json`);
  return {
    keyOf: resultKey,
    read(key) {
      const file = fileOf(key);
      try {
        if (statOf(file) === undefined) return undefined;
        const text = new TextDecoder().decode(readFileBytes(file));
        const line = text.indexOf("\n");
        const body = text.slice(line + 1);
        if (line < 0 || text.slice(0, line) !== sha256(new TextEncoder().encode(body))) {
          rmSync(file, { force: true });
          return undefined;
        }
        const now = new Date();
        utimesSync(file, now, now);
        return JSON.parse(body) as Json;
      } catch {
        return undefined;
      }
    },
    write(key, result) {
      const body = JSON.stringify(result);
      const digest = sha256(new TextEncoder().encode(body));
      try {
        makeFolder(dirname(fileOf(key)));
        sweepTemporaries(folder);
        writeFileAtomic(fileOf(key), new TextEncoder().encode(`${digest}\n${body}`));
        bound(folder, mostBytes);
      } catch (error) {
        if (!(error instanceof MiiiiError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
      }
    },
  };
}
