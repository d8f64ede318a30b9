/** The weight tensors' names (TransformerLens's), in the order in which they are stored and logged. */
export const PARAMETER_NAMES = [
  "embed.W_E",
  "pos_embed.W_pos",
  "blocks.0.attn.W_Q",
  "blocks.0.attn.W_K",
  "blocks.0.attn.W_V",
  "blocks.0.attn.W_O",
  "blocks.0.mlp.W_in",
  "blocks.0.mlp.W_out",
  "unembed.W_U",
] as const;

/** The name of a weight tensor. */
export type ParameterName = (typeof PARAMETER_NAMES)[number];

/** Biases that imported models may have; this project's own models have none. */
export const BIAS_NAMES = [
  "blocks.0.attn.b_Q",
  "blocks.0.attn.b_K",
  "blocks.0.attn.b_V",
  "blocks.0.attn.b_O",
  "blocks.0.mlp.b_in",
  "blocks.0.mlp.b_out",
  "unembed.b_U",
] as const;

/** The name of a bias. */
export type BiasName = (typeof BIAS_NAMES)[number];
