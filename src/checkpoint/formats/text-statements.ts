import { MiiiiError } from "../../core/index.ts";
import type { Statement, Statements } from "./lazy.ts";
import { isLoose, looseStatements, NAMES_INSIDE } from "./loose-statements.ts";
import { plainValue } from "./plain-value.ts";
import { isObject, parseJson } from "./strict-json.ts";

/** How deep plain values are looked for in a config. */
const DEEPEST = 6;

/** Longer lists are data. */
const LONGEST_LIST = 200;

/** The plain values of a JSON object, those of objects inside it as well. */
export function statementsOf(value: unknown): Statements {
  const found: Statement[] = [];
  let level: [string, unknown][] = [["", value]];
  for (let depth = 0; depth <= DEEPEST; depth++) {
    const next: [string, unknown][] = [];
    for (const [above, object] of level) {
      if (Array.isArray(object) && object.length <= LONGEST_LIST)
        next.push(...object.map((item): [string, unknown] => ["", item]));
      if (!isObject(object)) continue;
      for (const [key, entry] of Object.entries(object)) {
        // Weights & Biases keeps each setting as the value of its key.
        const inside = isObject(entry) && Object.keys(entry).every((name) => name === "value" || name === "desc");
        const plain = inside ? entry.value : entry;
        if (plain === null || typeof plain === "string" || typeof plain === "number" || typeof plain === "boolean")
          found.push({ key, value: plain }, ...(above !== "" && NAMES_INSIDE.test(key) ? [{ key: above, value: plain }] : []));
        else next.push([key, plain]);
      }
    }
    level = next;
  }
  return found;
}

/** Longer texts are no config. */
const LONGEST = 4_000_000;

const LINE = /^[\s-]*(["']?)([A-Za-z_][\w./-]{0,80})\1\s*:\s+(?:!!?[\w/:.]{1,80}\s+)?(?:&(\w{1,40})\s+)?(.{1,200}?)\s*(?:#.*)?$/;

/** Longer lines are data, and patterns over them take their time. */
const LONGEST_LINE = 2000;

/** In a file of TOML or INI. */
const ASSIGNMENT = /^\s*([A-Za-z_][\w./-]{0,80})\s*=\s*(.{1,200}?)\s*(?:#.*)?$/;

/** A key by itself, whose value Weights & Biases writes below it. */
const BARE = /^[\s-]*([A-Za-z_][\w./-]{0,80}):\s*$/;

const linesOf = (text: string) => text.split(/\r?\n/).filter((line) => line.length <= LONGEST_LINE);

/** What lines of YAML say; those of another kind say nothing. */
function yamlStatements(text: string): Statements {
  let above: string | undefined;
  const anchors = new Map<string, string>();
  return linesOf(text).flatMap((line): Statement[] => {
    // `- model.act=gelu`, as Hydra keeps what it was called with.
    const [, override] = /^\s*-\s+['"]?([\w./+-]{1,80}=.{0,200}?)['"]?\s*$/.exec(line) ?? [];
    if (override !== undefined) return [...commandStatements([override.replace(/^\++/, "")])];
    const [, , key, anchor, said] = LINE.exec(line) ?? [];
    if (anchor !== undefined && said !== undefined) anchors.set(anchor, said);
    const value = said?.startsWith("*") ? anchors.get(said.slice(1)) : said;
    const own = /^\s+(?:value|desc):/.test(line);
    const parent = above;
    if (!own) above = BARE.exec(line)?.[1];
    if (key === undefined || value === undefined) return [];
    if (/^[{[]/.test(value)) return [...looseStatements(`${key}: ${value}`)];
    const plain = plainValue(value);
    if (own && key === "value" && parent !== undefined) return [{ key: parent, value: plain }];
    return [{ key, value: plain }, ...(parent !== undefined && NAMES_INSIDE.test(key) ? [{ key: parent, value: plain }] : [])];
  });
}

/**
 * What a text says that is JSON or lines of YAML, as configs are kept in one string or in a file beside the model; or what Python
 * prints of a dict or of an object, or a command line.
 */
export function textStatements(text: string): Statements {
  if (text.length > LONGEST) return [];
  if (/^\s*[[{]/.test(text)) {
    try {
      return statementsOf(parseJson(text, "a text"));
    } catch (error) {
      if (!(error instanceof MiiiiError)) throw error;
    }
  }
  if (isLoose(text)) return looseStatements(text);
  if (/(?:^|\s)--[A-Za-z]/.test(text) && !/\n/.test(text.trim())) return commandStatements(text.trim().split(/\s+/, 1000));
  return yamlStatements(text);
}

/** What a config that lies in a file says: JSON or YAML, or TOML and INI by their ending. */
export function fileStatements(text: string, name: string): Statements {
  const plain = text.replace(/^\ufeff/, "");
  if (!/\.(?:toml|ini|cfg)$/i.test(name)) return textStatements(plain);
  if (text.length > LONGEST) return [];
  return linesOf(plain).flatMap((line): Statement[] => {
    const [, key, value] = ASSIGNMENT.exec(line) ?? [];
    if (key === undefined || value === undefined) return [];
    return value.startsWith("{") ? [...looseStatements(`${key} = ${value}`)] : [{ key, value: plainValue(value) }];
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
