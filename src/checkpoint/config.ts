import { ensure, messageOf } from "../core/index.ts";
import { DROPOUT_MASKS, INITS, type ModelConfig, parameterShapes, type RunConfig } from "../model/index.ts";
import { isObject } from "./formats/strict-json.ts";

/** What every model file says of itself: task and sizes. Models trained elsewhere say no more; this project's say all. */
export type StoredConfig = Pick<RunConfig, "task" | "p" | "labels" | "shuffle_labels" | keyof ModelConfig> & Partial<RunConfig>;

const TASKS: Record<RunConfig["task"], true> = { nanda: true, miiii: true, basis: true, masked: true };
const LABELS: Record<RunConfig["labels"], true> = { remainder: true, divisibility: true };

type Kind = "integer" | "number" | "boolean" | "string" | readonly string[];

/** The kind of each setting; the compiler holds the list complete. */
const KINDS: { readonly [key in keyof RunConfig]-?: Kind } = {
  task: Object.keys(TASKS),
  p: "integer",
  labels: Object.keys(LABELS),
  shuffle_labels: "boolean",
  d_model: "integer",
  n_heads: "integer",
  d_head: "integer",
  d_mlp: "integer",
  preset: "string",
  seed: "integer",
  init: INITS,
  epochs: "integer",
  lr: "number",
  warmup: "integer",
  beta1: "number",
  beta2: "number",
  eps: "number",
  weight_decay: "number",
  grokfast_alpha: "number",
  grokfast_lambda: "number",
  dropout: "number",
  dropout_mask: DROPOUT_MASKS,
  train_fraction: "number",
};

const REQUIRED = ["task", "p", "labels", "shuffle_labels", "d_model", "n_heads", "d_head", "d_mlp"] as const;

function matches(value: unknown, kind: Kind): boolean {
  if (kind === "integer") return Number.isSafeInteger(value);
  if (kind === "number") return typeof value === "number" && Number.isFinite(value);
  if (kind === "boolean" || kind === "string") return typeof value === kind;
  return kind.includes(value as string);
}

function checkSettings(value: unknown, where: string, required: readonly string[]): asserts value is StoredConfig {
  ensure(isObject(value), "input", () => `${where}: config must be an object, got ${JSON.stringify(value)?.slice(0, 100)}`);
  for (const [key, kind] of Object.entries(KINDS) as [string, Kind][]) {
    const found = Object.hasOwn(value, key) ? value[key] : undefined;
    if (found === undefined && !required.includes(key)) continue;
    ensure(matches(found, kind), "input", () => {
      const must = typeof kind === "string" ? `of kind ${kind}` : `one of ${kind.join(", ")}`;
      return `${where}: config.${key} must be ${must}, got ${JSON.stringify(found)?.slice(0, 100) ?? "nothing"}`;
    });
  }
  try {
    parameterShapes(value as unknown as StoredConfig);
  } catch (error) {
    ensure(false, "input", () => `${where}: config: ${messageOf(error)}`);
  }
}

/** The config of a model file: task and sizes must be there, the settings of training may be. */
export function parseStoredConfig(value: unknown, where: string): StoredConfig {
  checkSettings(value, where, REQUIRED);
  return value;
}

/** The config of a run of this project: every setting must be there. */
export function parseRunConfig(value: unknown, where: string): RunConfig {
  checkSettings(value, where, Object.keys(KINDS));
  return value as RunConfig;
}

/** Config as text with its keys in order, so that equal configs give equal text. */
export function configText(config: StoredConfig): string {
  return JSON.stringify(Object.fromEntries(Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1))));
}
