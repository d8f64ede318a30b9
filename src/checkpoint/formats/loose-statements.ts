import type { Statement, Statements } from "./lazy.ts";
import { plainValue } from "./plain-value.ts";

/** Longer texts are code or prose rather than a printed config. */
const LONGEST = 4_000_000;

/**
 * A key and what stands after its colon or equals sign: a quoted text, a bare word or number, or an opening bracket. No part can
 * be matched in two ways, so that the time is linear in the text.
 */
const PAIR =
  /(["']?)\b([A-Za-z_][\w./-]{0,80})\1\s{0,4}[:=]\s{0,40}(?:"([^"\n]{0,200})"|'([^'\n]{0,200})'|(<(?:class|function)[^>\n]{0,200}>)|([-+]?[\w.]{1,120})|([{(]))/g;

/** What a class or a function is called where a config keeps it as an object of its own: Hydra, Lightning, MPT. */
export const NAMES_INSIDE = /^(?:_target_|class_path|name|type|fn|cls|class_name)$/i;

/**
 * The pairs of key and value of a text that is nearly JSON (with comments, NaN, a key twice), of YAML or TOML in braces, or of
 * what Python prints of a dict, a dataclass or a `Namespace`. Nesting is not looked at, but that `act: {name: gelu}` says that
 * `act` is gelu.
 */
export function looseStatements(text: string): Statements {
  if (text.length > LONGEST) return [];
  let above: string | undefined;
  return [...text.matchAll(PAIR)].flatMap(([, , key = "", double, single, printed, bare, opened]): Statement[] => {
    if (opened !== undefined) {
      above = key;
      return [];
    }
    const value = double ?? single ?? printed ?? plainValue(bare ?? "");
    const own = above !== undefined && NAMES_INSIDE.test(key) ? [{ key: above, value }] : [];
    above = undefined;
    return [...own, { key, value }];
  });
}

/** Whether a text is a config as {@link looseStatements} reads it, and neither code nor prose nor a model's printed modules. */
export function isLoose(text: string): boolean {
  if (/^\s*[[{]/.test(text)) return true;
  // `Namespace(lr=0.1)`, `Config(act='gelu')`, `act=gelu, lr=0.1`
  return (
    text.length <= 100_000 && /^\s*(?:[\w.]{1,120}\()?\s*[A-Za-z_]\w{0,80}\s?=(?!=)/.test(text) && !/\bdef |\blambda /.test(text)
  );
}
