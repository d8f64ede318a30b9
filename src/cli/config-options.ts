import type { Argv, Options } from "yargs";
import { ensure, MiiiiError } from "../core/index.ts";
import { DROPOUT_MASKS, INITS, type RunConfig } from "../model/index.ts";
import { LABELS } from "../tasks/index.ts";

/** The settings that `miiii train` takes as options; the preset decides the task. */
export type ConfigField = Exclude<keyof RunConfig, "preset" | "task">;

interface FieldOption {
  readonly kind: "number" | "integer" | "boolean" | readonly string[];
  readonly description: string;
}

/** An option for each setting; the compiler holds the list complete. */
const FIELDS: { readonly [field in ConfigField]: FieldOption } = {
  p: { kind: "integer", description: "prime modulus and number base, 5 to 251" },
  seed: { kind: "integer", description: "seed of split, weights, labels and dropout" },
  epochs: { kind: "integer", description: "epochs in all" },
  labels: { kind: LABELS, description: "n mod q, or whether q divides n" },
  shuffle_labels: { kind: "boolean", description: "permute the labels over the samples: the baseline without structure" },
  d_model: { kind: "integer", description: "width of the residual stream" },
  n_heads: { kind: "integer", description: "attention heads" },
  d_head: { kind: "integer", description: "width of an attention head" },
  d_mlp: { kind: "integer", description: "neurons" },
  init: { kind: INITS, description: "how weights are drawn" },
  lr: { kind: "number", description: "learning rate" },
  warmup: { kind: "integer", description: "steps of linear warm-up" },
  beta1: { kind: "number", description: "decay of AdamW's first moment" },
  beta2: { kind: "number", description: "decay of AdamW's second moment" },
  eps: { kind: "number", description: "AdamW's epsilon" },
  weight_decay: { kind: "number", description: "decoupled weight decay" },
  grokfast_alpha: { kind: "number", description: "decay of Grokfast's moving average" },
  grokfast_lambda: { kind: "number", description: "Grokfast's amplification; 0 turns it off" },
  dropout: { kind: "number", description: "dropout rate on the residual stream" },
  dropout_mask: { kind: DROPOUT_MASKS, description: "one mask a step, or one a sample" },
  train_fraction: { kind: "number", description: "share of the p² samples to train on" },
};

/** The fields by name. */
export const CONFIG_FIELD_NAMES = Object.keys(FIELDS) as readonly ConfigField[];

/** `grokfast_lambda` as it is typed: `grokfast-lambda`. */
export function dashed(field: string): string {
  return field.replaceAll("_", "-");
}

/** The seed that was given, or 0. */
export function seedOf(seed: number | undefined): number {
  ensure(
    seed === undefined || (seed >= 0 && seed < 2 ** 32),
    "usage",
    () => `--seed: must be an integer from 0 to 2^32 − 1, got ${seed}`,
  );
  return seed ?? 0;
}

/** What was typed after an option, as a number; a usage error where it is none. */
export function parseNumber(option: string, typed: unknown, kind: "number" | "integer" = "number"): number {
  if (Array.isArray(typed)) throw new MiiiiError("usage", `--${option}: must be given once, got ${typed.join(" and ")}`);
  const text = String(typed).trim();
  const value = text === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new MiiiiError("usage", `--${option}: must be a number, got ${JSON.stringify(text)}`);
  if (kind === "integer" && !Number.isInteger(value))
    throw new MiiiiError("usage", `--${option}: must be an integer, got ${text}`);
  return value;
}

/** An option that takes a number, with its value checked when parsed. */
export function numberOption(option: string, description: string, kind: "number" | "integer" = "number", more: Options = {}) {
  return {
    ...more,
    description: `${description} [${kind}]`,
    requiresArg: true,
    coerce: (typed: unknown): number | undefined => (typed === undefined ? undefined : parseNumber(option, typed, kind)),
  } as const satisfies Options;
}

function optionOf(field: ConfigField): Options {
  const { kind, description } = FIELDS[field];
  const group = "Settings (default: the preset's):";
  if (kind === "boolean") return { type: "boolean", description, group };
  if (kind === "number" || kind === "integer") return numberOption(dashed(field), description, kind, { group });
  return { choices: kind, description, requiresArg: true, group };
}

/** Declares every setting as an option. */
export function withConfigOptions<T>(parser: Argv<T>): Argv<T> {
  return CONFIG_FIELD_NAMES.reduce((y, field) => y.option(dashed(field), optionOf(field)) as Argv<T>, parser);
}

/** The settings that were typed, by field. */
export function configOverrides(argv: Readonly<Record<string, unknown>>): Partial<RunConfig> {
  const given = CONFIG_FIELD_NAMES.flatMap((field) => {
    const value = argv[dashed(field)];
    return value === undefined ? [] : [[field, value] as const];
  });
  return Object.fromEntries(given) as Partial<RunConfig>;
}
