import { ensure, type NdArray, quoted } from "../core/index.ts";
import { BIAS_NAMES, type BiasName, hasEquals, PARAMETER_NAMES, type Parameters, parameterShapes } from "../model/index.ts";
import type { StoredConfig } from "./config.ts";

/** Shape of each bias that an imported model may have. */
export function biasShapes(config: StoredConfig, classes: number): { readonly [name in BiasName]: readonly number[] } {
  const { n_heads, d_head, d_model, d_mlp } = config;
  return {
    "blocks.0.attn.b_Q": [n_heads, d_head],
    "blocks.0.attn.b_K": [n_heads, d_head],
    "blocks.0.attn.b_V": [n_heads, d_head],
    "blocks.0.attn.b_O": [d_model],
    "blocks.0.mlp.b_in": [d_mlp],
    "blocks.0.mlp.b_out": [d_model],
    "unembed.b_U": [classes],
  };
}

const same = (a: readonly number[], b: readonly number[]) => a.length === b.length && a.every((n, i) => n === b[i]);
const written = (shape: readonly number[]) => `[${shape.join(", ")}]`;

/**
 * Buffers of TransformerLens's attention, which its exports hold: a causal mask, which changes nothing at the last position of
 * one layer.
 */
const LENS_BUFFERS: readonly string[] = ["blocks.0.attn.mask", "blocks.0.attn.IGNORE"];

/**
 * Tensors as the model's parameters: each weight there and no other tensor beside biases and {@link LENS_BUFFERS}, of the shape
 * that the config asks for. `nanda` may have one more output class, for '=', as imported models do.
 *
 * @throws naming the file and the tensor.
 */
export function checkParameters(stored: ReadonlyMap<string, NdArray>, config: StoredConfig, where: string): Parameters {
  const tensors = new Map([...stored].filter(([name]) => !LENS_BUFFERS.includes(name)));
  const shapes = parameterShapes(config);
  const missing = PARAMETER_NAMES.filter((name) => !tensors.has(name));
  ensure(missing.length === 0, "input", () => `${where}: must hold every weight, lacks ${missing.join(", ")}`);
  const allowed: readonly string[] = [...PARAMETER_NAMES, ...BIAS_NAMES];
  const surplus = [...tensors.keys()].filter((name) => !allowed.includes(name));
  ensure(
    surplus.length === 0,
    "input",
    () => `${where}: must hold weights and biases alone, has ${surplus.map(quoted).join(", ").slice(0, 300)}`,
  );

  const [width, logits] = shapes["unembed.W_U"] as [number, number];
  const classes = tensors.get("unembed.W_U")?.shape[1];
  const extra = config.task === "nanda" && hasEquals(config) && classes === logits + 1 ? 1 : 0;
  const expected: Readonly<Record<string, readonly number[]>> = {
    ...shapes,
    "unembed.W_U": [width, logits + extra],
    ...biasShapes(config, logits + extra),
  };
  for (const [name, array] of tensors) {
    const shape = expected[name] as readonly number[];
    ensure(
      same(array.shape, shape),
      "input",
      () =>
        `${where}: ${name} must have shape ${written(shape)} for ${config.task} at p = ${config.p}, got ${written(array.shape)}`,
    );
    ensure(array.dtype !== "int32", "input", () => `${where}: ${name} must hold floats, got ${array.dtype}`);
  }
  return Object.fromEntries(
    allowed.flatMap((name) => (tensors.has(name) ? [[name, tensors.get(name)]] : [])),
  ) as unknown as Parameters;
}

/** The parameters by name, as the codec takes them. */
export function tensorsOf(parameters: Parameters): Map<string, NdArray> {
  const entries = [...PARAMETER_NAMES, ...BIAS_NAMES].flatMap((name) => {
    const array = parameters[name];
    return array ? [[name, array] as const] : [];
  });
  return new Map<string, NdArray>(entries);
}
