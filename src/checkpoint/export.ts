import { ensure, float32, int32, type Json, type NdArray, sizeOf, toFloat32 } from "../core/index.ts";
import { type Activation, activationName, BIAS_NAMES, hasEquals, type Parameters } from "../model/index.ts";
import { biasShapes, tensorsOf } from "./check-parameters.ts";
import { configText, type StoredConfig } from "./config.ts";
import { writeFileAtomic } from "./files.ts";
import { encodeNpz } from "./formats/npy.ts";
import { encodeSafetensors } from "./formats/safetensors.ts";

/** A model to be written, from whichever file. */
export interface StoredModel {
  readonly config: StoredConfig;
  readonly parameters: Parameters;
}

/** TransformerLens's names of the activations that it has. */
const LENS_ACTIVATIONS: { readonly [name in Activation]?: string } = {
  relu: "relu",
  gelu: "gelu",
  gelu_new: "gelu_new",
  silu: "silu",
};

/** The lowest float32 in place of −∞, which no file of this project holds; a softmax takes both to 0. */
const LOWEST = -3.4028234663852886e38;

/** Number of output classes, an extra one for '=' included. */
function classesOf(parameters: Parameters): number {
  return parameters["unembed.W_U"].shape[1] as number;
}

/** Writes a model file of this project: what `miiii import` leaves. More metadata may say where it came from. */
export function writeModel(path: string, model: StoredModel, metadata: Readonly<Record<string, string>>): void {
  const text = { ...metadata, format: "pt", config: configText(model.config) };
  writeFileAtomic(path, encodeSafetensors(tensorsOf(model.parameters), text));
}

/**
 * What TransformerLens's `HookedTransformerConfig` must be given to hold the model.
 *
 * @throws kind `usage` where the attention is no softmax: TransformerLens has no attention rate.
 */
export function transformerLensConfig({ config, parameters }: StoredModel): { readonly [key: string]: Json } {
  const { attention_rate: rate = 1 } = config;
  ensure(rate === 1, "usage", () => `export: TransformerLens's attention is a softmax, this model's attention rate is ${rate}`);
  const activation = activationName(config);
  ensure(
    LENS_ACTIVATIONS[activation] !== undefined,
    "usage",
    () => `export: TransformerLens has no activation ${activation}; .onnx and .npz hold the model`,
  );
  return {
    n_layers: 1,
    d_model: config.d_model,
    n_ctx: hasEquals(config) ? 3 : 2,
    d_head: config.d_head,
    n_heads: config.n_heads,
    d_mlp: config.d_mlp,
    d_vocab: hasEquals(config) ? config.p + 1 : config.p,
    d_vocab_out: classesOf(parameters),
    act_fn: LENS_ACTIVATIONS[activation],
    normalization_type: null,
    attention_dir: "causal",
    positional_embedding_type: "standard",
    use_attn_scale: true,
    init_weights: false,
    default_prepend_bos: false,
    seed: config.seed ?? null,
  };
}

/**
 * Every tensor of TransformerLens's state dict, buffers included, so that it loads strictly: weights in float32, biases that the
 * model lacks as zeros, the causal mask and what it puts in place of a masked score.
 */
export function transformerLensTensors({ config, parameters }: StoredModel): Map<string, NdArray> {
  const shapes = biasShapes(config, classesOf(parameters));
  const tensors = new Map<string, NdArray>();
  for (const [name, array] of tensorsOf(parameters)) tensors.set(name, toFloat32(array));
  for (const name of BIAS_NAMES) {
    if (!tensors.has(name)) tensors.set(name, float32(new Float32Array(sizeOf(shapes[name])), shapes[name]));
  }
  const n = hasEquals(config) ? 3 : 2;
  const mask = Int32Array.from({ length: n * n }, (_, i) => Number(i % n <= Math.floor(i / n)));
  tensors.set("blocks.0.attn.mask", int32(mask, [n, n]));
  tensors.set("blocks.0.attn.IGNORE", float32([LOWEST], []));
  return tensors;
}

/**
 * Writes a model for TransformerLens: safetensors of its state dict at `path`, and the config beside it; returns the config's
 * path.
 *
 * In Python: `HookedTransformer(HookedTransformerConfig(**json.load(...)))`, then `load_state_dict(load_file(path))`.
 */
export function exportTransformerLens(path: string, model: StoredModel, metadata: Readonly<Record<string, string>> = {}): string {
  ensure(path.endsWith(".safetensors"), "usage", () => `${path}: the export for TransformerLens must be named *.safetensors`);
  const configPath = path.replace(/\.safetensors$/, ".config.json");
  const config = transformerLensConfig(model);
  writeFileAtomic(path, encodeSafetensors(transformerLensTensors(model), { ...metadata, format: "pt" }));
  writeFileAtomic(configPath, new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`));
  return configPath;
}

/** Writes a model's tensors as an NPZ archive, as stored, under TransformerLens's names. */
export function exportNpz(path: string, model: StoredModel): void {
  writeFileAtomic(path, encodeNpz(tensorsOf(model.parameters)));
}
