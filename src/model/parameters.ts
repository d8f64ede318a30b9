import { ensure, float32, type NdArray, quoted, toFloat64 } from "../core/index.ts";
import { headsOf, logitsOf, type TaskConfig } from "../tasks/index.ts";
import { ACTIVATIONS, activationName } from "./activation.ts";
import type { ModelConfig } from "./config.ts";
import { BIAS_NAMES, type BiasName, PARAMETER_NAMES, type ParameterName } from "./names.ts";

/** One value for each weight tensor. */
export type PerParameter<T> = { readonly [name in ParameterName]: T };

/** A model's weights, and its biases where it has any. */
export type Parameters = PerParameter<NdArray> & { readonly [name in BiasName]?: NdArray };

/** Whether a model's sequences end in '='; see `ModelConfig.equals`. */
export function hasEquals(config: Pick<ModelConfig, "equals">): boolean {
  return config.equals !== false;
}

/** Shape of each weight tensor. */
export function parameterShapes(config: TaskConfig & ModelConfig): PerParameter<readonly number[]> {
  const { p, d_model, n_heads, d_head, d_mlp, attention_rate: rate = 1 } = config;
  const equals = hasEquals(config);
  ensure(
    rate >= 0 && rate <= 1 && (rate === 1 || !equals),
    "usage",
    () => `attention_rate: must be from 0 to 1, and 1 for a model with '=', got ${rate}`,
  );
  const activation = activationName(config);
  ensure(
    ACTIVATIONS.includes(activation),
    "usage",
    () => `activation: must be one of ${ACTIVATIONS.join(", ")}, got ${quoted(String(activation))}`,
  );
  for (const [name, value] of Object.entries({ d_model, n_heads, d_head, d_mlp })) {
    ensure(Number.isInteger(value) && value >= 1, "usage", () => `${name}: must be a positive integer, got ${value}`);
  }
  return {
    "embed.W_E": [equals ? p + 1 : p, d_model],
    "pos_embed.W_pos": [equals ? 3 : 2, d_model],
    "blocks.0.attn.W_Q": [n_heads, d_model, d_head],
    "blocks.0.attn.W_K": [n_heads, d_model, d_head],
    "blocks.0.attn.W_V": [n_heads, d_model, d_head],
    "blocks.0.attn.W_O": [n_heads, d_head, d_model],
    "blocks.0.mlp.W_in": [d_model, d_mlp],
    "blocks.0.mlp.W_out": [d_mlp, d_model],
    "unembed.W_U": [d_model, logitsOf(headsOf(config))],
  };
}

/** The same function applied to each weight tensor's name. */
export function perParameter<T>(make: (name: ParameterName) => T): PerParameter<T> {
  return Object.fromEntries(PARAMETER_NAMES.map((name) => [name, make(name)])) as unknown as PerParameter<T>;
}

/** Weights and biases in float64. */
export function inFloat64(parameters: Parameters): Parameters {
  const converted = [...PARAMETER_NAMES, ...BIAS_NAMES].flatMap((name) => {
    const array = parameters[name];
    return array === undefined ? [] : [[name, toFloat64(array)] as const];
  });
  return Object.fromEntries(converted) as unknown as Parameters;
}

/** Zeros in the shape of each weight tensor, float32. */
export function zeroParameters(config: TaskConfig & ModelConfig): PerParameter<NdArray<"float32">> {
  const shapes = parameterShapes(config);
  return perParameter((name) => {
    const shape = shapes[name];
    return float32(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
  });
}
