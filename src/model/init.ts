import { float32, type NdArray, type Random, randomStream, sizeOf } from "../core/index.ts";
import type { TaskConfig } from "../tasks/index.ts";
import { headsOf } from "../tasks/index.ts";
import type { Init, ModelConfig } from "./config.ts";
import type { ParameterName } from "./names.ts";
import { type PerParameter, parameterShapes, perParameter } from "./parameters.ts";

/** Standard deviation of a standard normal truncated at ±2. */
const TRUNCATED_STD = 0.8796256610342398;

function standardDeviation(name: ParameterName, config: TaskConfig & ModelConfig & { readonly init: Init }): number {
  const { p, d_model, n_heads, d_head, d_mlp, init } = config;
  switch (init) {
    case "nanda":
      return name === "unembed.W_U" ? 1 / Math.sqrt(p + 1) : 1 / Math.sqrt(d_model);
    case "he":
    case "he-jax": {
      // The paper's code counted leading axes into fan_in: attention heads, and the tasks' axis of the read-out.
      const jax = init === "he-jax";
      const heads = headsOf(config).length;
      const fanIn: PerParameter<number> = {
        "embed.W_E": p + 1,
        "pos_embed.W_pos": 3,
        "blocks.0.attn.W_Q": jax ? n_heads * d_model : d_model,
        "blocks.0.attn.W_K": jax ? n_heads * d_model : d_model,
        "blocks.0.attn.W_V": jax ? n_heads * d_model : d_model,
        "blocks.0.attn.W_O": n_heads * d_head,
        "blocks.0.mlp.W_in": d_model,
        "blocks.0.mlp.W_out": d_mlp,
        "unembed.W_U": jax ? heads * d_model : d_model,
      };
      return Math.sqrt(2 / fanIn[name]);
    }
    default:
      return init satisfies never;
  }
}

function truncated(random: Random): number {
  for (;;) {
    const value = random.normal();
    if (Math.abs(value) <= 2) return value / TRUNCATED_STD;
  }
}

/**
 * Weights before training, float32, each tensor from its own stream of the seed.
 *
 * - `nanda`: std 1/√d_model, W_U 1/√d_vocab (Nanda et al. 2023).
 * - `he`: std √(2/fan_in), fan_in being the dimension summed over in use (He et al. 2015).
 * - `he-jax`: what the paper's code drew: normal truncated at ±2σ and rescaled to the variance 2/fan_in, with fan_in counting
 *   leading axes.
 */
export function initParameters(
  config: TaskConfig & ModelConfig & { readonly init: Init },
  seed: number,
): PerParameter<NdArray<"float32">> {
  const shapes = parameterShapes(config);
  return perParameter((name) => {
    const random = randomStream(seed, `init/${name}`);
    const std = standardDeviation(name, config);
    const draw = config.init === "he-jax" ? () => truncated(random) : random.normal;
    return float32(
      Float32Array.from({ length: sizeOf(shapes[name]) }, () => std * draw()),
      shapes[name],
    );
  });
}
