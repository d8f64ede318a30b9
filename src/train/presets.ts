import { ensure } from "../core/index.ts";
import type { RunConfig } from "../model/index.ts";

/** The named configurations of a run. */
export const PRESETS = ["nanda", "miiii", "miiii-fast", "basis", "masked", "no-grokfast", "no-dropout"] as const;

/** The name of a preset. */
export type Preset = (typeof PRESETS)[number];

/** Modular addition as published (Nanda et al. 2023). */
const NANDA: RunConfig = {
  preset: "nanda",
  task: "nanda",
  p: 113,
  labels: "remainder",
  shuffle_labels: false,
  seed: 0,
  d_model: 128,
  n_heads: 4,
  d_head: 32,
  d_mlp: 512,
  init: "nanda",
  epochs: 10_000,
  lr: 1e-3,
  warmup: 10,
  beta1: 0.9,
  beta2: 0.98,
  eps: 1e-8,
  weight_decay: 1,
  grokfast_alpha: 0.98,
  grokfast_lambda: 0,
  dropout: 0,
  dropout_mask: "step",
  train_fraction: 0.3,
};

/** Table 2, Syrkis & Søgaard 2024. */
const MIIII: RunConfig = {
  ...NANDA,
  preset: "miiii",
  task: "miiii",
  d_model: 256,
  d_head: 64,
  d_mlp: 1024,
  init: "he-jax",
  epochs: 65_536,
  lr: 3e-4,
  warmup: 0,
  weight_decay: 1 / 3,
  grokfast_lambda: 0.5,
  dropout: 0.1,
  train_fraction: 0.5,
};

/** What the fast variants change, meant to grok in some 10,000 to 20,000 epochs instead of 65,536. */
const FAST: Partial<RunConfig> = { init: "he", lr: 1e-3, weight_decay: 1, epochs: 20_000 };

function base(preset: Preset): RunConfig {
  switch (preset) {
    case "nanda":
      return NANDA;
    case "miiii":
      return MIIII;
    case "miiii-fast":
      return { ...MIIII, ...FAST };
    case "basis":
    case "masked":
      return { ...MIIII, task: preset };
    case "no-grokfast":
      return { ...MIIII, grokfast_lambda: 0 };
    case "no-dropout":
      return { ...MIIII, dropout: 0 };
    default:
      return preset satisfies never;
  }
}

/** The names of a config's fields. */
export const CONFIG_FIELDS = Object.keys(NANDA) as readonly (keyof RunConfig)[];

/**
 * A preset's configuration with the given fields replaced. `fast` asks for the fast variant of a full-size preset and is named so
 * (`basis-fast`). Where d_model alone is replaced, d_head and d_mlp follow it (d_model / n_heads, 4·d_model).
 */
export function presetConfig(preset: Preset, overrides: Partial<RunConfig> = {}, fast = false): RunConfig {
  ensure(!fast || preset !== "nanda", "usage", () => "preset nanda: has no fast variant, got --fast");
  const start = base(preset);
  const config = {
    ...start,
    ...(fast ? FAST : {}),
    preset: fast && !preset.endsWith("-fast") ? `${preset}-fast` : preset,
    ...overrides,
  };
  const resized = overrides.d_model !== undefined || overrides.n_heads !== undefined;
  ensure(
    !resized || overrides.d_head !== undefined || Number.isInteger(config.d_model / config.n_heads),
    "usage",
    () => `d_model: must be a multiple of n_heads = ${config.n_heads} where d_head is not given, got ${config.d_model}`,
  );
  const d_head = overrides.d_head ?? (resized ? config.d_model / config.n_heads : config.d_head);
  const d_mlp = overrides.d_mlp ?? (overrides.d_model !== undefined ? 4 * config.d_model : config.d_mlp);
  return checkConfig({ ...config, d_head, d_mlp });
}

/** A gigabyte of float32, beside which moments, gradients and averages are three more. */
const MOST_WEIGHTS = 2 ** 28;

/** Throws a usage error that names the first field out of its range; returns the config. */
export function checkConfig(config: RunConfig): RunConfig {
  const rule = (field: keyof RunConfig, holds: boolean, must: string) =>
    ensure(holds, "usage", () => `${field}: must be ${must}, got ${config[field]}`);
  const natural = (field: "d_model" | "n_heads" | "d_head" | "d_mlp" | "epochs", least = 1) =>
    rule(field, Number.isSafeInteger(config[field]) && config[field] >= least, `an integer of at least ${least}`);
  for (const field of ["d_model", "n_heads", "d_head", "d_mlp"] as const) natural(field);
  natural("epochs", 0);
  rule("seed", Number.isInteger(config.seed) && config.seed >= 0 && config.seed < 2 ** 32, "an integer from 0 to 2^32 − 1");
  rule("warmup", Number.isInteger(config.warmup) && config.warmup >= 0, "an integer of at least 0");
  rule("lr", config.lr > 0 && Number.isFinite(config.lr), "a positive number");
  rule("eps", config.eps > 0 && Number.isFinite(config.eps), "a positive number");
  rule("weight_decay", config.weight_decay >= 0 && Number.isFinite(config.weight_decay), "a number of at least 0");
  rule("grokfast_lambda", config.grokfast_lambda >= 0 && Number.isFinite(config.grokfast_lambda), "a number of at least 0");
  for (const field of ["beta1", "beta2", "grokfast_alpha", "dropout"] as const) {
    rule(field, config[field] >= 0 && config[field] < 1, "in [0, 1)");
  }
  const { p, d_model, n_heads, d_head, d_mlp } = config;
  const weights = d_model * (2 * p + 4 * n_heads * d_head + 2 * d_mlp);
  ensure(
    weights <= MOST_WEIGHTS,
    "usage",
    () =>
      `d_model = ${d_model}, n_heads = ${n_heads}, d_head = ${d_head}, d_mlp = ${d_mlp}: must be at most ${MOST_WEIGHTS} weights, got ${weights}`,
  );
  rule("train_fraction", config.train_fraction > 0 && config.train_fraction < 1, "between 0 and 1");
  return config;
}
