import { MiiiiError } from "./errors.ts";

/** What an analysis may return: plain JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Throws where a value holds a number that JSON cannot (NaN, ±Infinity), which it would silently write as `null`. */
export function ensureFiniteJson(value: Json, where: string): void {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new MiiiiError("numeric", `${where}: must be finite, got ${value}`);
  } else if (Array.isArray(value)) {
    value.forEach((entry, i) => ensureFiniteJson(entry, `${where}[${i}]`));
  } else if (value !== null && typeof value === "object") {
    for (const [key, entry] of Object.entries(value)) ensureFiniteJson(entry as Json, `${where}.${key}`);
  }
}
