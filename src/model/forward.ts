import { float64, int32, type NdArray } from "../core/index.ts";
import { type Ops, type Tensors, tensor } from "../ops/index.ts";
import { type Activation, activate } from "./activation.ts";
import type { ModelConfig, SequenceConfig } from "./config.ts";
import type { BiasName, ParameterName } from "./names.ts";

/** Masks of the two dropout sites: 0 or 1/(1−rate), [1 or batch, d_model]. */
export interface DropoutMasks<T> {
  readonly mid: T;
  readonly post: T;
}

/** What attention computes at the last position, and the tables that its backward pass needs. */
export interface AttentionPass<T> {
  /** Embedded rows: x0 tokens, x1 tokens, '=': [2p+1, d_model]. */
  readonly x: T;
  readonly W_Q: T; // [d_model, head·d_head]
  readonly W_K: T; // [d_model, head·d_head]
  readonly W_V: T; // [d_model, head·d_head]
  readonly W_O: T; // [head·d_head, d_model]
  readonly q: T; // [1, head·d_head]
  readonly k: T; // [2p+1, head·d_head]
  /**
   * Values less the value of '=', row by row; the weights of a softmax sum to one, so that value is added once: [2p+1,
   * head·d_head].
   */
  readonly v: T;
  /** Attention to x0, x1 and '=': [batch, head] each. */
  readonly pattern: readonly [T, T, T];
  /** The values attended to: [batch, head, d_head] each. */
  readonly values: readonly [T, T];
  readonly z: T; // [batch, head·d_head]
  /** The residual stream before attention, and b_O: [1, d_model]. */
  readonly start: T;
}

/** What follows attention at the last position. */
export interface MlpPass<T> {
  readonly resid_mid: T; // [batch, d_model], after dropout
  readonly mlp_pre: T; // [batch, d_mlp]
  readonly mlp_post: T; // [batch, d_mlp]
  readonly resid_post: T; // [batch, d_model], after dropout
}

/** What a forward pass computes at the last position, and the tables that its backward pass needs. */
export interface ForwardPass<T> extends AttentionPass<T>, MlpPass<T> {}

/** A weight tensor or bias among a program's inputs. */
function weight<T>(weights: Tensors<T>, name: ParameterName): T {
  return tensor(weights, name);
}

function bias<T>(weights: Tensors<T>, name: BiasName): T | undefined {
  return weights[name];
}

/** The attention's weights with the heads' axis fused. */
export function fusedWeights<T>(ops: Ops<T>, weights: Tensors<T>, { d_model, n_heads, d_head }: ForwardShape) {
  const inner = n_heads * d_head;
  const fused = (name: ParameterName) => ops.reshape(ops.transpose(weight(weights, name), [1, 0, 2]), [d_model, inner]);
  return {
    W_Q: fused("blocks.0.attn.W_Q"), // [d_model, head·d_head]
    W_K: fused("blocks.0.attn.W_K"), // [d_model, head·d_head]
    W_V: fused("blocks.0.attn.W_V"), // [d_model, head·d_head]
    W_O: ops.reshape(weight(weights, "blocks.0.attn.W_O"), [inner, d_model]), // [head·d_head, d_model]
  };
}

/** A bias of query, key or value with the heads' axis fused. */
export function fusedBias<T>(ops: Ops<T>, weights: Tensors<T>, name: BiasName, { n_heads, d_head }: ForwardShape): T | undefined {
  const b = bias(weights, name); // [head, d_head]
  return b === undefined ? undefined : ops.reshape(b, [1, n_heads * d_head]); // [1, head·d_head]
}

/** The residual stream before attention and b_O, [1 or batch, d_model]. */
export function withOutputBias<T>(ops: Ops<T>, weights: Tensors<T>, embedded: T): T {
  const b_O = bias(weights, "blocks.0.attn.b_O");
  return b_O === undefined ? embedded : ops.add(embedded, b_O);
}

/** a·b, plus `add` where it is there. */
export function matmulAdd<T>(ops: Ops<T>, a: T, b: T, add: T | undefined): T {
  return ops.matmul(a, b, add === undefined ? {} : { add });
}

/** The sizes that a forward pass is written for. */
export interface ForwardShape extends Pick<ModelConfig, "d_model" | "n_heads" | "d_head" | "d_mlp" | keyof SequenceConfig> {
  readonly p: number;
  readonly batch: number;
}

/** Embedding and attention of {@link forward}. */
export function attention<T>(ops: Ops<T>, weights: Tensors<T>, rows0: T, rows1: T, shape: ForwardShape): AttentionPass<T> {
  const { p, batch, n_heads, d_head } = shape;
  const inner = n_heads * d_head;
  const W_E = weight(weights, "embed.W_E"); // [p+1, d_model]
  const W_pos = weight(weights, "pos_embed.W_pos"); // [3, d_model]
  const tokens = ops.slice(W_E, 0, p); // [p, d_model]
  const equals = ops.add(ops.slice(W_E, p, p + 1), ops.slice(W_pos, 2, 3)); // [1, d_model]
  const x = ops.concat([ops.add(tokens, ops.slice(W_pos, 0, 1)), ops.add(tokens, ops.slice(W_pos, 1, 2)), equals], 0); // [2p+1, d_model]

  const { W_Q, W_K, W_V, W_O } = fusedWeights(ops, weights, shape);
  const fused = (name: BiasName) => fusedBias(ops, weights, name, shape); // [1, head·d_head]
  const q = matmulAdd(ops, equals, W_Q, fused("blocks.0.attn.b_Q")); // [1, head·d_head]
  const k = matmulAdd(ops, x, W_K, fused("blocks.0.attn.b_K")); // [2p+1, head·d_head]
  const vAll = matmulAdd(ops, x, W_V, fused("blocks.0.attn.b_V")); // [2p+1, head·d_head]
  const vEquals = ops.slice(vAll, 2 * p, 2 * p + 1); // [1, head·d_head]
  const v = ops.sub(vAll, vEquals); // [2p+1, head·d_head]

  const scale = ops.constant(float64([1 / Math.sqrt(d_head)], [1]));
  const qk = ops.reshape(ops.mul(k, q), [2 * p + 1, n_heads, d_head]); // [2p+1, head, d_head]
  const scores = ops.mul(ops.sum(qk, 2), scale); // [2p+1, head]
  const score0 = ops.gather(scores, rows0); // [batch, head]
  const score1 = ops.gather(scores, rows1); // [batch, head]
  const score2 = ops.slice(scores, 2 * p, 2 * p + 1); // [1, head]
  const top = ops.maximum(ops.maximum(score0, score1), score2); // [batch, head]
  const e0 = ops.exp(ops.sub(score0, top)); // [batch, head]
  const e1 = ops.exp(ops.sub(score1, top)); // [batch, head]
  const e2 = ops.exp(ops.sub(score2, top)); // [batch, head]
  const total = ops.add(ops.add(e0, e1), e2); // [batch, head]
  const pattern = [ops.div(e0, total), ops.div(e1, total), ops.div(e2, total)] as const; // [batch, head]

  const values = [
    ops.reshape(ops.gather(v, rows0), [batch, n_heads, d_head]), // [batch, head, d_head]
    ops.reshape(ops.gather(v, rows1), [batch, n_heads, d_head]), // [batch, head, d_head]
  ] as const;
  const each = (a: T) => ops.reshape(a, [batch, n_heads, 1]);
  const mixed = ops.add(ops.mul(values[0], each(pattern[0])), ops.mul(values[1], each(pattern[1]))); // [batch, head, d_head]
  const z = ops.add(ops.reshape(mixed, [batch, inner]), vEquals); // [batch, head·d_head]

  const start = withOutputBias(ops, weights, equals); // [1, d_model]
  return { x, W_Q, W_K, W_V, W_O, q, k, v, pattern, values, z, start };
}

/** What follows attention in {@link forward}, sample by sample: all of them or a block. */
export function mlp<T>(
  ops: Ops<T>,
  weights: Tensors<T>,
  { z, W_O, start }: Pick<AttentionPass<T>, "z" | "W_O" | "start">,
  dropout?: DropoutMasks<T>,
  activation: Activation = "relu",
): MlpPass<T> {
  const afterAttn = ops.matmul(z, W_O, { add: start }); // [batch, d_model]
  const resid_mid = dropout ? ops.mul(afterAttn, dropout.mid) : afterAttn; // [batch, d_model]
  const mlp_pre = matmulAdd(ops, resid_mid, weight(weights, "blocks.0.mlp.W_in"), bias(weights, "blocks.0.mlp.b_in")); // [batch, d_mlp]
  const mlp_post = activate(ops, mlp_pre, activation); // [batch, d_mlp]
  const b_out = bias(weights, "blocks.0.mlp.b_out");
  const skip = b_out === undefined ? resid_mid : ops.add(resid_mid, b_out); // [batch, d_model]
  const afterMlp = ops.matmul(mlp_post, weight(weights, "blocks.0.mlp.W_out"), { add: skip }); // [batch, d_model]
  const resid_post = dropout ? ops.mul(afterMlp, dropout.post) : afterMlp; // [batch, d_model]
  return { resid_mid, mlp_pre, mlp_post, resid_post };
}

/**
 * The model at the last position (Eq. 7–10, Syrkis & Søgaard 2024), by table look-up. One layer reads out at '=' alone, whose
 * query is one vector, and keys and values depend on (token, position) alone; so attention needs tables over 2p+1 rows and two
 * gathers. This is exact. `rows0` and `rows1` are the samples' rows in those tables: x0 and p + x1, int32 [batch].
 */
export function forward<T>(ops: Ops<T>, weights: Tensors<T>, rows0: T, rows1: T, shape: ForwardShape): ForwardPass<T> {
  const attn = attention(ops, weights, rows0, rows1, shape);
  return { ...attn, ...mlp(ops, weights, attn, undefined, shape.activation) };
}

/** Logits of a residual stream at the last position: [batch, d_model] → [batch, classes]. */
export function unembed<T>(ops: Ops<T>, resid_post: T, weights: Tensors<T>): T {
  return matmulAdd(ops, resid_post, weight(weights, "unembed.W_U"), bias(weights, "unembed.b_U"));
}

/** The rows of {@link forward}'s tables for samples given by their digits: x0, and p + x1. */
export function tableRows(
  samples: ArrayLike<number>,
  dataset: { readonly x0: Int32Array; readonly x1: Int32Array; readonly p: number },
): { rows0: NdArray<"int32">; rows1: NdArray<"int32"> } {
  const pick = (digits: Int32Array, offset: number) =>
    int32(
      Int32Array.from(samples, (i) => (digits[i] as number) + offset),
      [samples.length],
    );
  return { rows0: pick(dataset.x0, 0), rows1: pick(dataset.x1, dataset.p) };
}
