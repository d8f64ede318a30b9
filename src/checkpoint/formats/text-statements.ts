import { MiiiiError } from "../../core/index.ts";
import type { Statement, Statements } from "./lazy.ts";
import { isObject, parseJson } from "./strict-json.ts";

/** How deep plain values are looked for in a config. */
const DEEPEST = 6;

/** The plain values of a JSON object, those of objects inside it as well. */
export function statementsOf(value: unknown): Statements {
  const found: Statement[] = [];
  let level = [value];
  for (let depth = 0; depth <= DEEPEST; depth++) {
    const next: unknown[] = [];
    for (const object of level) {
      if (!isObject(object)) continue;
      for (const [key, entry] of Object.entries(object)) {
        // Weights & Biases keeps each setting as the value of its key.
        const inside = isObject(entry) && Object.keys(entry).every((name) => name === "value" || name === "desc");
        const plain = inside ? entry.value : entry;
        if (plain === null || typeof plain === "string" || typeof plain === "number" || typeof plain === "boolean")
          found.push({ key, value: plain });
        else next.push(plain);
      }
    }
    level = next;
  }
  return found;
}

/** Longer texts are no config. */
const LONGEST = 100_000;

const LINE = /^[\s-]*([A-Za-z_][\w./-]{0,80})\s*:\s+(.{1,200}?)\s*(?:#.*)?$/;

/** In a file of TOML or INI. */
const ASSIGNMENT = /^\s*([A-Za-z_][\w./-]{0,80})\s*=\s*(.{1,200}?)\s*(?:#.*)?$/;

/** A key by itself, whose value Weights & Biases writes below it. */
const BARE = /^([A-Za-z_][\w./-]{0,80}):\s*$/;

function plainValue(text: string): Statement["value"] {
  const bare = text.replace(/^(["'])(.*)\1$/s, "$2");
  if (bare !== text) return bare;
  if (/^(?:true|yes|on)$/i.test(text)) return true;
  if (/^(?:false|no|off)$/i.test(text)) return false;
  if (/^(?:null|~)$/i.test(text)) return null;
  return /^[-+]?[\d.]+(?:e[-+]?\d+)?$/i.test(text) ? Number(text) : text;
}

/** What a text says that is JSON or lines of YAML, as configs are kept in one string or in a file beside the model. */
export function textStatements(text: string): Statements {
  if (text.length > LONGEST) return [];
  if (/^\s*\{/.test(text)) {
    try {
      return statementsOf(parseJson(text, "a text"));
    } catch (error) {
      if (error instanceof MiiiiError) return [];
      throw error;
    }
  }
  let above: string | undefined;
  return text.split(/\r?\n/).flatMap((line): Statement[] => {
    const [, key, value] = LINE.exec(line) ?? [];
    const own = /^\s+(?:value|desc):/.test(line);
    if (!own) above = BARE.exec(line)?.[1];
    if (key === undefined || value === undefined) return [];
    return [{ key: own && key === "value" && above !== undefined ? above : key, value: plainValue(value) }];
  });
}

/** What a config that lies in a file says: JSON or YAML, or TOML and INI by their ending. */
export function fileStatements(text: string, name: string): Statements {
  if (!/\.(?:toml|ini|cfg)$/i.test(name)) return textStatements(text);
  if (text.length > LONGEST) return [];
  return text.split(/\r?\n/).flatMap((line): Statement[] => {
    const [, key, value] = ASSIGNMENT.exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [{ key, value: plainValue(value) }];
  });
}

/** What the words of a command line say: `--act gelu`, `--act=gelu`, and Hydra's `model.act=gelu`. */
export function commandStatements(words: readonly string[]): Statements {
  return words.flatMap((word, i): Statement[] => {
    const [, key, given] = /^(?:--?)?([A-Za-z_][\w./-]{0,80})(?:=(.*))?$/s.exec(word) ?? [];
    if (key === undefined) return [];
    const next = words[i + 1];
    const value = given ?? (word.startsWith("-") && next !== undefined && !next.startsWith("-") ? next : undefined);
    return value === undefined ? [] : [{ key: key.replaceAll("-", "_"), value: plainValue(value) }];
  });
}
