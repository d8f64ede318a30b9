import { ensure } from "../core/index.ts";
import {
  CONFIG_FIELDS,
  isAllowed,
  layeredConfig,
  type PresetLayer,
  type RunConfig,
  requirementOf,
  settingOf,
} from "../model/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import { headsOf } from "../tasks/index.ts";
import { checkLateTasks } from "./curriculum.ts";

/** The named configurations of a run. */
export const PRESETS = [
  "nanda",
  "miiii",
  "miiii-fast",
  "miiii-fast-v2",
  "miiii-fast-v1",
  "basis",
  "masked",
  "joint",
  "no-grokfast",
  "no-dropout",
] as const;

/** The name of a preset. */
export type Preset = (typeof PRESETS)[number];

/** A preset in a line, for lists. */
export function presetSummary(preset: Preset): string {
  switch (preset) {
    case "nanda":
      return "(x0 + x1) mod p as in Nanda et al. 2023: 30 % of the data; groks at about 7,000 epochs";
    case "miiii":
      return "n mod q for every prime q < p as in Table 2 of Syrkis & Søgaard 2024: 65,536 epochs";
    case "miiii-fast":
      return "the same model on 80 % of the data, with a schedule on which every task groks: 29 of 29 within 7,500 epochs";
    case "miiii-fast-v2":
      return "miiii-fast as it was before: half of the data, weight decay 1; 20 and 11 of 29 tasks within 12,000 epochs";
    case "miiii-fast-v1":
      return "miiii-fast-v2 as it was before that: dropout 0.1 with one mask a step; half of the tasks within 20,000 epochs";
    case "basis":
      return "miiii with labels shuffled over the samples: the baseline without structure (--fast)";
    case "masked":
      return "miiii with q ∈ {2, 3, 5, 7} masked out of the loss (--fast)";
    case "joint":
      return "miiii and (x0 + x1) mod p in one model, an output head more (--fast)";
    case "no-grokfast":
      return "miiii without Grokfast's filter (--fast)";
    case "no-dropout":
      return "miiii without dropout (--fast)";
    default:
      return preset satisfies never;
  }
}

/** The layers of the settings' table that make up a preset. */
const LAYERS: { readonly [preset in Preset]: readonly PresetLayer[] } = {
  nanda: [],
  miiii: ["miiii"],
  "miiii-fast": ["miiii", "fast"],
  "miiii-fast-v2": ["miiii", "fast-v2"],
  "miiii-fast-v1": ["miiii", "fast-v1"],
  basis: ["miiii", "basis"],
  masked: ["miiii", "masked"],
  joint: ["miiii", "joint"],
  "no-grokfast": ["miiii", "no-grokfast"],
  "no-dropout": ["miiii", "no-dropout"],
};

/**
 * A preset's configuration with the given fields replaced. `fast` asks for the fast variant of a full-size preset and is named so
 * (`basis-fast`). Where d_model alone is replaced, d_head and d_mlp follow it (d_model / n_heads, 4·d_model).
 */
export function presetConfig(preset: Preset, overrides: Partial<RunConfig> = {}, fast = false): RunConfig {
  const alone: readonly Preset[] = ["nanda", "miiii-fast-v2", "miiii-fast-v1"];
  ensure(!fast || !alone.includes(preset), "usage", () => `preset ${preset}: has no fast variant, got --fast`);
  // What an ablation takes away stays away in its fast variant.
  const layers = LAYERS[preset];
  const config = {
    ...layeredConfig([...layers.slice(0, 1), ...(fast ? (["fast"] as const) : []), ...layers.slice(1)]),
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

/**
 * Throws a usage error unless a runtime computes in the precision that a run asks for: GPUs by WebGPU and TensorFlow.js have no
 * float64, and a run that said otherwise would silently train on the CPU.
 */
export function checkPrecision({ precision }: Pick<RunConfig, "precision">, { name }: Pick<Runtime, "name">): void {
  ensure(
    precision === "float32" || name === "onnx",
    "usage",
    () => `precision: float64 needs the runtime onnx (--runtime onnx), ${name} computes in float32 alone`,
  );
}

/** A gigabyte of float32, beside which moments, gradients and averages are three more. */
const MOST_WEIGHTS = 2 ** 28;

/** Throws a usage error that names the first field out of its range; returns the config. */
export function checkConfig(config: RunConfig): RunConfig {
  for (const field of CONFIG_FIELDS) {
    const setting = settingOf(field);
    ensure(isAllowed(setting, config[field]), "usage", () => `${field}: must be ${requirementOf(setting)}, got ${config[field]}`);
  }
  checkLateTasks(config, headsOf(config));
  const { p, d_model, n_heads, d_head, d_mlp } = config;
  const weights = d_model * (2 * p + 4 * n_heads * d_head + 2 * d_mlp);
  ensure(
    weights <= MOST_WEIGHTS,
    "usage",
    () =>
      `d_model = ${d_model}, n_heads = ${n_heads}, d_head = ${d_head}, d_mlp = ${d_mlp}: must be at most ${MOST_WEIGHTS} weights, got ${weights}`,
  );
  return config;
}
