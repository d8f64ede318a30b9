import { ensure } from "../../core/index.ts";
import { isObject, parseJson } from "../formats/strict-json.ts";
import type { HeadsFrom } from "./candidates.ts";
import type { ImportFormat } from "./read-file.ts";

/**
 * How a model from elsewhere was read, as it stands in every output: in JSON, in the imported file's metadata, in a page's
 * provenance. What a file leaves open was settled by these answers, and with other ones it would be another function.
 */
export type ImportRecord = {
  format: ImportFormat;
  /** Files of a folder, or shards. */
  files?: string[];
  /** Where in the file the model lies, such as `model` or `epoch_400`; empty for the file itself. */
  state: string;
  /** Other models of the file: how many, and where the first of them lie. */
  other_states?: { count: number; first: string[] };
  /** The layout that reads every tensor; `mixed` where none does. */
  layout: string;
  /** Square matrices, whose shape leaves the orientation open, and fused ones, as they were taken. */
  orientations: string[];
  n_heads: number;
  /** `shape`: they have an axis; `stated`: the file, or the config beside it, says so; `option`; `trial`: told by accuracy. */
  n_heads_from: HeadsFrom;
  /** Which token is the low digit, where that matters. */
  low_digit?: "first" | "second";
  activation: string;
  /** `assumed`: nothing says which, and ReLU is taken. */
  activation_from: "assumed" | "stated" | "option";
  /** The read-out is the embedding, as the file has none of its own. */
  tied_embeddings: boolean;
  /** Tensors left out because the user said so (`--ignore`): the model computes without them. */
  left_out: string[];
  /** Masks, counters and records, which compute nothing. */
  not_read: string[];
  /** What else a reader should know. */
  notes: string[];
  /** Mean accuracy over the output heads, on all samples; for divisibility labels beyond that of a constant guess. */
  accuracy?: number;
  /** How many ways to read the file were evaluated. */
  tried?: number;
};

type Field = keyof ImportRecord;

const KINDS: { readonly [field in Field]-?: (value: unknown) => boolean } = (() => {
  const text = (value: unknown) => typeof value === "string";
  const texts = (value: unknown) => Array.isArray(value) && value.every(text);
  const number = (value: unknown) => typeof value === "number" && Number.isFinite(value);
  return {
    format: text,
    files: texts,
    state: text,
    other_states: (value: unknown) => isObject(value) && number(value.count) && texts(value.first),
    layout: text,
    orientations: texts,
    n_heads: number,
    n_heads_from: text,
    low_digit: text,
    activation: text,
    activation_from: text,
    tied_embeddings: (value: unknown) => typeof value === "boolean",
    left_out: texts,
    not_read: texts,
    notes: texts,
    accuracy: number,
    tried: number,
  };
})();
const OPTIONAL: readonly Field[] = ["files", "other_states", "low_digit", "accuracy", "tried"];

/** The record in the metadata of a file that was imported; throws where it is not one. */
export function parseRecord(text: string, where: string): ImportRecord {
  const value = parseJson(text, `${where}: metadata reading`);
  ensure(isObject(value), "input", () => `${where}: metadata reading must be an object`);
  for (const [field, is] of Object.entries(KINDS) as [Field, (value: unknown) => boolean][]) {
    const found = Object.hasOwn(value, field) ? value[field] : undefined;
    const missing = found === undefined && OPTIONAL.includes(field);
    ensure(missing || is(found), "input", () => `${where}: metadata reading: ${field} must be as miiii import writes it`);
  }
  return value as unknown as ImportRecord;
}
