import type { TaskConfig } from "../tasks/index.ts";

/** How weights are drawn before training; see {@link initParameters}. */
export type Init = "nanda" | "he" | "he-jax";

/** The kinds of initialisation. */
export const INITS = ["nanda", "he", "he-jax"] as const satisfies readonly Init[];

/** `step`: one mask a step, shared by all samples (the original's). `sample`: a mask for each sample. */
export type DropoutMask = "step" | "sample";

/** The kinds of dropout masks. */
export const DROPOUT_MASKS = ["step", "sample"] as const satisfies readonly DropoutMask[];

/** The sizes of the one-block transformer, under TransformerLens's names. */
export interface ModelConfig {
  readonly d_model: number;
  readonly n_heads: number;
  /** Width of an attention head; the scores are scaled by 1/√d_head. */
  readonly d_head: number;
  readonly d_mlp: number;
}

/** Everything that fixes a training run, as written to `config.json` and into each checkpoint. */
export interface RunConfig extends TaskConfig, ModelConfig {
  readonly preset: string;
  readonly seed: number;
  readonly init: Init;
  readonly epochs: number;
  /** AdamW's learning rate, reached after `warmup` linear steps. */
  readonly lr: number;
  readonly warmup: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Decoupled weight decay, on every matrix. */
  readonly weight_decay: number;
  /** Grokfast-EMA's decay (α) and amplification (λ; 0 turns it off). */
  readonly grokfast_alpha: number;
  readonly grokfast_lambda: number;
  /** Dropout rate on the residual stream after each sub-block, in training alone. */
  readonly dropout: number;
  readonly dropout_mask: DropoutMask;
  /** Share of the p² samples trained on. */
  readonly train_fraction: number;
}
