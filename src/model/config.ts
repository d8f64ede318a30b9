import { LABELS, TASK_NAMES, type TaskConfig } from "../tasks/index.ts";
import type { Activation } from "./activation.ts";
import { PARAMETER_NAMES } from "./names.ts";
import { choice, flag, integer, names, number, type PresetLayer, primes, type Setting, string, type ValueOf } from "./setting.ts";

/** How weights are drawn before training; see `initParameters`. */
export type Init = "nanda" | "he" | "he-jax";

/** The kinds of initialisation. */
export const INITS = ["nanda", "he", "he-jax"] as const satisfies readonly Init[];

/** `step`: one mask a step, shared by all samples (the original's). `sample`: a mask for each sample. */
export type DropoutMask = "step" | "sample";

/** The kinds of dropout masks. */
export const DROPOUT_MASKS = ["step", "sample"] as const satisfies readonly DropoutMask[];

/** How late tasks come into the loss. */
export type LateOrder = "together" | "one-by-one";

/** The orders of late tasks. */
export const LATE_ORDERS = ["together", "one-by-one"] as const satisfies readonly LateOrder[];

/** How the learning rate goes on after its warm-up. */
export type Schedule = "constant" | "wsd";

/** The schedules of the learning rate. */
export const SCHEDULES = ["constant", "wsd"] as const satisfies readonly Schedule[];

/** What a run's weights, gradients and moments are computed and kept in. */
export type Precision = "float32" | "float64";

/** The precisions of training. */
export const PRECISIONS = ["float32", "float64"] as const satisfies readonly Precision[];

/** Epochs from one decision on the tasks' weights to the next, where they follow accuracy or loss. */
export const DECISION_EVERY = 25;

/** Whether the tasks' weights change in the course of a run. */
export function hasTaskSchedule(config: Pick<RunConfig, "late_primes" | "loss_power">): boolean {
  return config.late_primes.length > 0 || config.loss_power !== 0;
}

const PERCENT = (share: number) => `${Math.round(100 * share)} % of the data`;

/**
 * Everything that fixes a training run, in the order of `miiii train --help`. This table gives {@link RunConfig}, the check of
 * stored configs, the command line's options, the presets and what a page says of a run's departures from the papers: a new field
 * is one entry.
 */
export const SETTINGS = {
  /** The preset's name, for people: the other fields say what it stands for. */
  preset: string({ value: "nanda", help: "the settings to start from", hidden: true, unstated: true, varies: true }),
  task: choice(TASK_NAMES, {
    value: "nanda",
    presets: { miiii: "miiii", basis: "basis", masked: "masked", joint: "joint" },
    help: "what is learned",
    hidden: true,
    everyModel: true,
    unstated: true,
    varies: true,
  }),
  /** The prime modulus and number base, 5 to 251. */
  p: integer({
    value: 113,
    least: 5,
    most: 251,
    prime: true,
    help: "prime modulus and number base, 5 to 251",
    everyModel: true,
    written: (p) => `p = ${p}`,
  }),
  seed: integer({
    value: 0,
    least: 0,
    most: 2 ** 32 - 1,
    help: "seed of split, weights, labels and dropout",
    unstated: true,
    varies: true,
  }),
  epochs: integer({
    value: 10_000,
    presets: { miiii: 65_536, fast: 7500, "fast-v2": 20_000, "fast-v1": 20_000 },
    least: 0,
    help: "epochs in all",
    unstated: true,
    varies: true,
  }),
  labels: choice(LABELS, {
    value: "remainder",
    help: "n mod q, or whether q divides n",
    everyModel: true,
    unstated: true,
  }),
  /** Permute whole label rows over the samples (always so for `basis`). */
  shuffle_labels: flag({
    help: "permute the labels over the samples: the baseline without structure",
    everyModel: true,
    unstated: true,
    varies: true,
  }),
  /** Tasks masked out of the loss, though still evaluated, by q; for the task `masked` 2, 3, 5, 7 where empty. */
  mask_primes: primes({ value: [], help: "tasks masked out of the loss, by q", later: true, unstated: true, varies: true }),
  /** Share of the p² samples trained on. */
  train_fraction: number({
    value: 0.3,
    presets: { miiii: 0.5, fast: 0.8, "fast-v2": 0.5 },
    above: 0,
    below: 1,
    help: "share of the p² samples to train on",
    written: PERCENT,
  }),
  d_model: integer({
    value: 128,
    presets: { miiii: 256 },
    least: 1,
    help: "width of the residual stream",
    everyModel: true,
    written: (width) => `d_model = ${width}`,
  }),
  n_heads: integer({ value: 4, least: 1, help: "attention heads", everyModel: true, written: (heads) => `n_heads = ${heads}` }),
  /** Width of an attention head; the scores are scaled by 1/√d_head. */
  d_head: integer({
    value: 32,
    presets: { miiii: 64 },
    least: 1,
    help: "width of an attention head",
    everyModel: true,
    unstated: true,
  }),
  d_mlp: integer({ value: 512, presets: { miiii: 1024 }, least: 1, help: "neurons", everyModel: true, unstated: true }),
  init: choice(INITS, {
    value: "nanda",
    presets: { miiii: "he-jax", fast: "he", "fast-v2": "he", "fast-v1": "he" },
    help: "how weights are drawn",
  }),
  /** AdamW's learning rate, reached after `warmup` linear steps. */
  lr: number({
    value: 1e-3,
    presets: { miiii: 3e-4, fast: 1e-3, "fast-v2": 1e-3, "fast-v1": 1e-3 },
    above: 0,
    help: "learning rate",
  }),
  warmup: integer({ value: 10, presets: { miiii: 0 }, least: 0, help: "steps of linear warm-up" }),
  beta1: number({ value: 0.9, least: 0, below: 1, help: "decay of AdamW's first moment" }),
  beta2: number({ value: 0.98, least: 0, below: 1, help: "decay of AdamW's second moment" }),
  eps: number({ value: 1e-8, above: 0, help: "AdamW's epsilon", unstated: true }),
  /** Decoupled weight decay, on every matrix. */
  weight_decay: number({
    value: 1,
    presets: { miiii: 1 / 3, fast: 0.5, "fast-v2": 1, "fast-v1": 1 },
    least: 0,
    help: "decoupled weight decay",
    written: (decay) => `weight decay ${decay}`,
  }),
  /** Grokfast-EMA's decay α. */
  grokfast_alpha: number({
    value: 0.98,
    least: 0,
    below: 1,
    help: "decay of Grokfast's moving average",
    idle: (config) => config.grokfast_lambda === 0,
  }),
  /** Grokfast-EMA's amplification λ; 0 turns it off. */
  grokfast_lambda: number({
    value: 0,
    presets: { miiii: 0.5, "no-grokfast": 0 },
    least: 0,
    help: "Grokfast's amplification; 0 turns it off",
    written: (lambda) => `λ = ${lambda}`,
  }),
  /** Dropout rate on the residual stream after each sub-block, in training alone. */
  dropout: number({
    value: 0,
    presets: { miiii: 0.1, fast: 0.2, "fast-v2": 0.2, "fast-v1": 0.1, "no-dropout": 0 },
    least: 0,
    below: 1,
    help: "dropout rate on the residual stream",
  }),
  dropout_mask: choice(DROPOUT_MASKS, {
    value: "step",
    presets: { fast: "sample", "fast-v2": "sample" },
    help: "one mask a step, or one a sample",
    idle: (config) => config.dropout === 0,
    written: (mask) => (mask === "sample" ? "a dropout mask for each sample" : "one dropout mask a step"),
  }),
  /** The exponent a: task q weighs (ln q)^a in the loss. */
  task_weights: number({
    value: -1,
    least: -8,
    most: 8,
    help: "exponent a of a task's weight (ln q)^a in the loss; the paper's is −1",
    later: true,
    written: (exponent) => `task weights (ln q)^${exponent}`,
  }),
  /** The power b: a task weighs (loss / ln q)^b more, by its training loss as of each {@link DECISION_EVERY}th epoch. */
  loss_power: number({
    value: 0,
    least: -4,
    most: 4,
    help: "power of a task's current loss in its weight; 0 leaves weights fixed",
    later: true,
  }),
  /** Weights follow the losses from the first decision at or after this epoch on, and are fixed before. */
  loss_power_epoch: integer({
    value: 0,
    least: 0,
    help: "epoch from which weights follow the loss",
    later: true,
    idle: (config) => config.loss_power === 0,
  }),
  /** Tasks that stand outside the loss at first, in the order in which they come in. */
  late_primes: primes({ value: [], help: "tasks left out of the loss at first, by q", later: true }),
  /** Epochs after which a late task comes in; 0 for never by epoch. */
  late_epoch: integer({ value: 0, least: 0, help: "epochs after which late tasks come in; 0: not by epoch", later: true }),
  /** Mean validation accuracy of the trained tasks at which a late task comes in; 0 for never by accuracy. */
  late_accuracy: number({
    value: 0,
    least: 0,
    most: 1,
    help: "mean validation accuracy of the trained tasks at which late tasks come in; 0: not by accuracy",
    later: true,
  }),
  /** `one-by-one`: each late task waits for the accuracy of all before it, and for `late_epoch` more epochs. */
  late_order: choice(LATE_ORDERS, {
    value: "together",
    help: "late tasks come in together, or one by one in their order",
    later: true,
    idle: (config) => Array.isArray(config.late_primes) && config.late_primes.length < 2,
  }),
  /** `wsd`: warm-up, stable, then linear decay to 0 over the last `decay_fraction` of the epochs. */
  schedule: choice(SCHEDULES, {
    value: "constant",
    presets: { fast: "wsd" },
    help: "learning rate: constant, or decayed linearly at the end",
    later: true,
    written: (schedule) => (schedule === "wsd" ? "learning rate falling to 0 at the end" : "constant learning rate"),
  }),
  decay_fraction: number({
    value: 0.2,
    above: 0,
    most: 1,
    help: "share of the epochs over which wsd decays",
    later: true,
    idle: (config) => config.schedule !== "wsd",
  }),
  /** Tensors that weight decay leaves alone. */
  no_decay: names(PARAMETER_NAMES, { value: [], help: "tensors without weight decay, by name", later: true }),
  /** Largest norm of a row of W_out (a neuron's output) and of W_U, which then have no weight decay; 0 for no bound. */
  max_row_norm: number({
    value: 0,
    least: 0,
    help: "largest norm of a row of W_out and W_U, which then have no weight decay; 0: no bound",
    later: true,
  }),
  /**
   * Decay of a moving average of the weights, which is evaluated and kept beside them; 0 for none. Training does not depend on
   * it.
   */
  weight_ema: number({
    value: 0,
    least: 0,
    below: 1,
    help: "decay of a moving average of the weights, evaluated and kept beside them; 0: none",
    later: true,
    unstated: true,
    varies: true,
  }),
  /** What the step computes in, and weights and moments are kept in; runs of either start from the same weights. */
  precision: choice(PRECISIONS, {
    value: "float32",
    help: "what training computes in; float64, as the paper's code did, on the runtime onnx alone",
    later: true,
    unstated: true,
  }),
  decay_without_dropout: flag({
    presets: { fast: true },
    help: "no dropout while wsd decays",
    later: true,
    written: (without) => (without ? "dropout ending there" : "dropout to the end"),
    idle: (config) => config.schedule !== "wsd",
  }),
  /** n equal parts of wsd's decay, with (n − 1)/n, …, 1/n and 0 of the dropout rate. */
  dropout_steps: integer({
    value: 1,
    presets: { fast: 4 },
    least: 1,
    most: 1000,
    help: "equal steps by which dropout falls to 0 over that decay; 1: at once",
    later: true,
    written: (steps) => (steps === 1 ? "at once" : `in ${steps} steps`),
    idle: (config) => config.schedule !== "wsd" || config.decay_without_dropout !== true,
  }),
};

type Settings = typeof SETTINGS;

/** The name of a setting. */
export type ConfigField = keyof Settings;

/** Everything that fixes a training run, as written to `config.json` and into each checkpoint; see {@link SETTINGS}. */
export type RunConfig = { readonly [field in keyof Settings]: ValueOf<Settings[field]> };

/** How a model reads its sequence where that differs from what this project trains; for analysis and import alone. */
export type SequenceConfig = {
  /**
   * `false`: sequences are [x0, x1] alone, the vocabulary is p, and the read-out is at the second digit, whose query depends on
   * x1.
   */
  readonly equals?: boolean;
  /**
   * Attention rate r of Zhong et al. 2023: each key has the weight r·softmax + 1 − r. 1 where absent; another is for models
   * without '='.
   */
  readonly attention_rate?: number;
  /** The MLP's activation; `relu`, which this project trains, where absent. */
  readonly activation?: Activation;
};

/** The sizes of the one-block transformer, under TransformerLens's names. */
export type ModelConfig = Pick<RunConfig, "d_model" | "n_heads" | "d_head" | "d_mlp"> & SequenceConfig;

/** The names of the settings, in order. */
export const CONFIG_FIELDS = Object.keys(SETTINGS) as readonly ConfigField[];

/** A setting by its name. */
export function settingOf(field: ConfigField): Setting {
  return SETTINGS[field];
}

/** The configuration that the given layers of presets make, one over the other, over the published addition model. */
export function layeredConfig(layers: readonly PresetLayer[]): RunConfig & TaskConfig {
  const resolve = ({ value, presets = {} }: Setting) => layers.reduce((now: unknown, layer) => presets[layer] ?? now, value);
  return Object.fromEntries(CONFIG_FIELDS.map((field) => [field, resolve(settingOf(field))])) as RunConfig;
}
