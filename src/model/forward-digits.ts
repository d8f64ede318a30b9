import { float64 } from "../core/index.ts";
import { type Ops, type Tensors, tensor } from "../ops/index.ts";
import {
  type AttentionPass,
  type ForwardShape,
  forward,
  fusedBias,
  fusedWeights,
  type MlpPass,
  matmulAdd,
  mlp,
  withOutputBias,
} from "./forward.ts";
import type { BiasName } from "./names.ts";
import { hasEquals } from "./parameters.ts";

/** What every forward pass computes at the last position. */
export interface LastPosition<T> extends MlpPass<T>, Pick<AttentionPass<T>, "z"> {
  /** Attention to each key, x0, x1 and '=' where the model has it: [batch, head] each. */
  readonly pattern: readonly T[];
}

/** The model at the last position, with '=' or without (see `SequenceConfig`); `rows0` and `rows1` as in {@link forward}. */
export function lastPosition<T>(ops: Ops<T>, weights: Tensors<T>, rows0: T, rows1: T, shape: ForwardShape): LastPosition<T> {
  if (hasEquals(shape)) return forward(ops, weights, rows0, rows1, shape);
  const attn = digitsAttention(ops, weights, rows0, rows1, shape);
  return { ...attn, ...mlp(ops, weights, attn, undefined, shape.activation) };
}

/**
 * Embedding and attention without '=' (Zhong et al. 2023): keys x0 and x1, and the second digit's query, all from tables over
 * (token, position); every key's weight is r·softmax + 1 − r.
 */
function digitsAttention<T>(ops: Ops<T>, weights: Tensors<T>, rows0: T, rows1: T, shape: ForwardShape) {
  const { batch, n_heads, d_head, attention_rate: rate = 1 } = shape;
  const W_E = tensor(weights, "embed.W_E"); // [p, d_model]
  const W_pos = tensor(weights, "pos_embed.W_pos"); // [2, d_model]
  const x = ops.concat([ops.add(W_E, ops.slice(W_pos, 0, 1)), ops.add(W_E, ops.slice(W_pos, 1, 2))], 0); // [2p, d_model]
  const { W_Q, W_K, W_V, W_O } = fusedWeights(ops, weights, shape);
  const fused = (name: BiasName) => fusedBias(ops, weights, name, shape); // [1, head·d_head]
  const q = matmulAdd(ops, x, W_Q, fused("blocks.0.attn.b_Q")); // [2p, head·d_head]
  const k = matmulAdd(ops, x, W_K, fused("blocks.0.attn.b_K")); // [2p, head·d_head]
  const v = matmulAdd(ops, x, W_V, fused("blocks.0.attn.b_V")); // [2p, head·d_head]

  const constant = (value: number) => ops.constant(float64([value], [1]));
  const query = ops.gather(q, rows1); // [batch, head·d_head]
  const score = (rows: T) => {
    const product = ops.reshape(ops.mul(ops.gather(k, rows), query), [batch, n_heads, d_head]); // [batch, head, d_head]
    return ops.mul(ops.sum(product, 2), constant(1 / Math.sqrt(d_head))); // [batch, head]
  };
  const [score0, score1] = [score(rows0), score(rows1)]; // [batch, head]
  const top = ops.maximum(score0, score1); // [batch, head]
  const [e0, e1] = [ops.exp(ops.sub(score0, top)), ops.exp(ops.sub(score1, top))]; // [batch, head]
  const total = ops.add(e0, e1); // [batch, head]
  const rated = (e: T) => {
    const softmax = ops.div(e, total); // [batch, head]
    return rate === 1 ? softmax : ops.add(ops.mul(softmax, constant(rate)), constant(1 - rate)); // [batch, head]
  };
  const pattern = [rated(e0), rated(e1)] as const; // [batch, head]

  const weighted = (rows: T, own: T) => {
    const values = ops.reshape(ops.gather(v, rows), [batch, n_heads, d_head]); // [batch, head, d_head]
    return ops.mul(values, ops.reshape(own, [batch, n_heads, 1])); // [batch, head, d_head]
  };
  const mixed = ops.add(weighted(rows0, pattern[0]), weighted(rows1, pattern[1])); // [batch, head, d_head]
  const z = ops.reshape(mixed, [batch, n_heads * d_head]); // [batch, head·d_head]
  const start = withOutputBias(ops, weights, ops.gather(x, rows1)); // [batch, d_model]
  return { pattern, z, W_O, start };
}
