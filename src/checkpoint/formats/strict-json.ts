import { MiiiiError, messageOf, quoted, shortened } from "../../core/index.ts";

/** What an object's JSON came to: unknown values by name. */
export type JsonObject = { readonly [key: string]: unknown };

/** Whether a parsed value is an object (no array, no null). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A parsed value in a few words for a message. Lists and objects are not written out: nested deeply enough, that alone would
 * exhaust the stack.
 */
export function shownValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) {
    const plain = value.length <= 12 && value.every((entry) => entry === null || typeof entry !== "object");
    return plain ? shortened(JSON.stringify(value), 100) : `a list of ${value.length}`;
  }
  if (isObject(value)) return `an object of ${Object.keys(value).length} keys`;
  return typeof value === "string" ? quoted(value) : shortened(String(value), 100);
}

/** A key that occurs twice in one object of valid JSON text: `JSON.parse` would keep the last silently. */
function duplicateKey(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  let last: string | undefined;
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (token === ":") {
      const key = JSON.parse(last ?? '""') as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    } else last = token;
  }
  return undefined;
}

/** JSON text from UTF-8 bytes; throws, naming `where`, upon invalid UTF-8, invalid JSON or a key that occurs twice. */
export function parseJsonBytes(bytes: Uint8Array, where: string): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new MiiiiError("input", `${where}: must be valid UTF-8, and is not`);
  }
  return parseJson(text, where);
}

/** JSON text, each key once; throws naming `where`. */
export function parseJson(text: string, where: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof RangeError ? "it is nested too deeply" : messageOf(error).replaceAll(/\s+/g, " ");
    throw new MiiiiError("input", `${where}: must be valid JSON: ${reason}`);
  }
  const twice = duplicateKey(text);
  if (twice !== undefined) throw new MiiiiError("input", `${where}: each key must occur once, got ${quoted(twice)} twice`);
  return value;
}
