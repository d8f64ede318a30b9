import { formatNumber } from "./html.ts";
import type { ReportRun } from "./types.ts";

type Config = ReportRun["config"];
type Value = Config[keyof Config];

/** Settings of modular addition as Nanda et al. 2023 have them. */
const ADDITION: Partial<Config> = {
  p: 113,
  train_fraction: 0.3,
  d_model: 128,
  n_heads: 4,
  init: "nanda",
  lr: 1e-3,
  warmup: 10,
  beta1: 0.9,
  beta2: 0.98,
  weight_decay: 1,
  grokfast_lambda: 0,
  dropout: 0,
};

/** Table 2, Syrkis & Søgaard 2024. */
const REMAINDERS: Partial<Config> = {
  ...ADDITION,
  train_fraction: 0.5,
  d_model: 256,
  init: "he-jax",
  lr: 3e-4,
  warmup: 0,
  weight_decay: 1 / 3,
  grokfast_alpha: 0.98,
  grokfast_lambda: 0.5,
  dropout: 0.1,
  dropout_mask: "step",
};

/** The papers' own settings for a task, without the number of epochs. */
export function paperSettings(task: Config["task"]): Partial<Config> {
  return task === "nanda" ? ADDITION : REMAINDERS;
}

/** The papers' modulus. */
export const PAPER_P = 113;

const PAPER_EPOCHS = 65_536;

const NAMES: Partial<Record<keyof Config, (value: Value) => string>> = {
  p: (value) => `p = ${value}`,
  train_fraction: (value) => `${Math.round(100 * Number(value))} % of the data`,
  d_model: (value) => `d_model = ${value}`,
  n_heads: (value) => `n_heads = ${value}`,
  weight_decay: (value) => `weight decay ${value}`,
  grokfast_lambda: (value) => `λ = ${value}`,
};

const close = (a: Value, b: Value) =>
  typeof a === "number" && typeof b === "number" ? Math.abs(a - b) <= 1e-3 * Math.abs(b) : a === b;

/**
 * In which settings a run differs from the paper's own, as a reader should know; undefined where it does not, or is not known. What
 * defines an ablation (λ = 0, no dropout) is no difference in it.
 */
export function settingsApart(config: Config): string | undefined {
  const paper = paperSettings(config.task);
  const ablated = ablatedField(config);
  const parts = (Object.keys(paper) as (keyof Config)[]).flatMap((field) => {
    const value = config[field];
    if (value === undefined || field === ablated || close(value, paper[field])) return [];
    // Without Grokfast or dropout there is nothing for their further settings to say.
    if (field === "grokfast_alpha" && config.grokfast_lambda === 0) return [];
    if (field === "dropout_mask" && config.dropout === 0) return [];
    return [NAMES[field]?.(value) ?? `${field.replaceAll("_", " ")} ${value}`];
  });
  const { d_model, n_heads, d_head, d_mlp, epochs, task } = config;
  if (d_head !== d_model / n_heads) parts.push(`d_head = ${d_head}`);
  if (d_mlp !== 4 * d_model) parts.push(`d_mlp = ${d_mlp}`);
  if (task !== "nanda" && epochs !== undefined && epochs < PAPER_EPOCHS) parts.push(`${formatNumber(epochs)} epochs`);
  return parts.length === 0 ? undefined : parts.join(", ");
}

/** The setting that makes a run an ablation, but for the task. */
function ablatedField({ task, grokfast_lambda, dropout }: Config): "grokfast_lambda" | "dropout" | undefined {
  if (task !== "miiii") return undefined;
  if (grokfast_lambda === 0) return "grokfast_lambda";
  return dropout === 0 ? "dropout" : undefined;
}

/** Fields in which comparable runs may differ: chance, length, name, and what an ablation changes. */
const FREE: readonly (keyof Config)[] = ["seed", "epochs", "preset", "task", "shuffle_labels"];

/** Whether two runs have the same settings but for seed, length and the one that `ablation` changes. */
export function sameSettings(ablation: Config, other: Config): boolean {
  const ablated = ablatedField(ablation);
  const fields = new Set([...Object.keys(ablation), ...Object.keys(other)]) as Set<keyof Config>;
  return [...fields].every((field) => FREE.includes(field) || field === ablated || close(ablation[field], other[field]));
}
