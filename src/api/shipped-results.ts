import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import type { Json } from "../core/index.ts";
import { type ResultCache, resultCache } from "./result-cache.ts";
import { shippedPath } from "./shipped.ts";

/** The file of each shipped result by its key, as `RUN/ANALYSIS`. */
export type ShippedIndex = Readonly<Record<string, string>>;

/** The folder of the results that come with the shipped runs; an installed package has none. */
export const SHIPPED_RESULTS = shippedPath("results");

/** A shipped result's file. */
export function shippedFile(name: string, folder = SHIPPED_RESULTS): string {
  return join(folder, `${name}.json.br`);
}

/** Which results are shipped: none where there is no whole index. */
export function shippedIndex(folder = SHIPPED_RESULTS): ShippedIndex {
  try {
    return JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as ShippedIndex;
  } catch {
    return {};
  }
}

/** A result as it is shipped: its JSON, compressed; the same bytes for the same result. */
export function packResult(result: Json): Uint8Array {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT };
  return brotliCompressSync(JSON.stringify(result), { params });
}

/** A shipped result; undefined where there is none, or none that is whole. */
export function readShipped(name: string | undefined, folder = SHIPPED_RESULTS): Json | undefined {
  if (name === undefined) return undefined;
  try {
    return JSON.parse(brotliDecompressSync(readFileSync(shippedFile(name, folder))).toString("utf8")) as Json;
  } catch {
    return undefined;
  }
}

/**
 * A cache that also finds what is shipped, by the same keys: results of another model, setting, seed or other code are not found.
 * Nothing is written there.
 */
export function withShipped(cache: ResultCache, folder = SHIPPED_RESULTS): ResultCache {
  let index: ShippedIndex | undefined;
  return {
    ...cache,
    read: (key) => {
      index ??= shippedIndex(folder);
      return cache.read(key) ?? readShipped(index[key], folder);
    },
  };
}

/** Where commands look for results, and keep theirs: the user's cache, and the shipped ones. */
export function keptResults(): ResultCache {
  return withShipped(resultCache());
}
