import { at, dim, type NdArray, toFloat64 } from "../../core/index.ts";
import type { BiasName, Parameters } from "../../model/index.ts";
import type { AnalysisInput } from "../kit/define.ts";

/** What of a forward pass the gradient needs: attention's weights, and which neurons are on. */
export interface Recorded {
  /** [p², heads, keys]. */
  readonly pattern: NdArray<"float64">;
  /** [p², d_mlp]. */
  readonly post: NdArray<"float64">;
}

/** The logit of class `c` at the input (x0, x1). */
export interface Triple {
  readonly x0: number;
  readonly x1: number;
  readonly c: number;
}

/** y[j] += factor · Σ_i x[i]·m[start + i·columns + j], a row vector times a matrix. */
function addRowTimes(y: Float64Array, x: Float64Array, m: ArrayLike<number>, start: number, factor = 1): void {
  for (let i = 0; i < x.length; i++) {
    const weight = factor * (x[i] as number);
    const row = start + i * y.length;
    for (let j = 0; j < y.length; j++) y[j] = (y[j] as number) + weight * (m[row + j] as number);
  }
}

/** y[i] += factor · Σ_j m[start + i·columns + j]·x[j], a matrix times a column vector. */
function addTimesColumn(y: Float64Array, m: ArrayLike<number>, start: number, x: Float64Array, factor = 1): void {
  for (let i = 0; i < y.length; i++) {
    const row = start + i * x.length;
    let total = 0;
    for (let j = 0; j < x.length; j++) total += (m[row + j] as number) * (x[j] as number);
    y[i] = (y[i] as number) + factor * total;
  }
}

const inner = (x: Float64Array, y: Float64Array) => x.reduce((total, value, i) => total + value * (y[i] as number), 0);

/** The gradients of one logit at the two embedded digits. */
export type InputGradients = (triple: Triple) => readonly [Float64Array, Float64Array];

/**
 * The exact backward pass of one logit to the embeddings of the two positions, float64, with '=' or without: from W_U through the
 * MLP's skip and its neurons that are on, and through each attention head's values, keys and, where the second digit asks, query.
 * `recorded` holds the forward pass's side of it.
 */
export function inputGradients(
  config: AnalysisInput["config"],
  parameters: Parameters,
  { pattern, post }: Recorded,
): InputGradients {
  const { p, d_model, n_heads, d_head, d_mlp, equals = true, attention_rate: rate = 1 } = config;
  const weights = (name: keyof Parameters) => toFloat64(parameters[name] as NdArray).data;
  const bias = (name: BiasName): ArrayLike<number> => parameters[name]?.data ?? new Float64Array(n_heads * d_head);
  const [W_E, W_pos, W_U] = [weights("embed.W_E"), weights("pos_embed.W_pos"), weights("unembed.W_U")];
  const [W_Q, W_K] = [weights("blocks.0.attn.W_Q"), weights("blocks.0.attn.W_K")];
  const [W_V, W_O] = [weights("blocks.0.attn.W_V"), weights("blocks.0.attn.W_O")];
  const [W_in, W_out] = [weights("blocks.0.mlp.W_in"), weights("blocks.0.mlp.W_out")];
  const [b_Q, b_K, b_V] = [bias("blocks.0.attn.b_Q"), bias("blocks.0.attn.b_K"), bias("blocks.0.attn.b_V")] as const;
  const classes = dim(parameters["unembed.W_U"], 1);
  const keys = dim(pattern, 2);
  const scale = 1 / Math.sqrt(d_head);

  /** Query, key or value of an embedding in one attention head. */
  const project = (e: Float64Array, matrix: Float64Array, b: ArrayLike<number>, h: number) => {
    const out = Float64Array.from({ length: d_head }, (_, i) => at(b, h * d_head + i));
    addRowTimes(out, e, matrix, h * d_model * d_head);
    return out;
  };

  return ({ x0, x1, c }) => {
    const sample = x0 * p + x1;
    const embedded = (equals ? [x0, x1, p] : [x0, x1]).map((token, position) =>
      Float64Array.from({ length: d_model }, (_, i) => at(W_E, token * d_model + i) + at(W_pos, position * d_model + i)),
    );
    const dPost = Float64Array.from({ length: d_model }, (_, i) => at(W_U, i * classes + c)); // [d_model]
    const dNeurons = new Float64Array(d_mlp); // [d_mlp]
    addTimesColumn(dNeurons, W_out, 0, dPost);
    for (let j = 0; j < d_mlp; j++) if (!(at(post.data, sample * d_mlp + j) > 0)) dNeurons[j] = 0;
    const dMid = dPost.slice(); // [d_model]
    addTimesColumn(dMid, W_in, 0, dNeurons);

    const gradients = embedded.map(() => new Float64Array(d_model));
    const last = at(embedded, embedded.length - 1);
    const dLast = at(gradients, embedded.length - 1);
    for (let i = 0; i < d_model; i++) dLast[i] = at(dMid, i);
    for (let h = 0; h < n_heads; h++) {
      const [matrixAt, outAt] = [h * d_model * d_head, h * d_head * d_model];
      const dz = new Float64Array(d_head); // [d_head]
      addTimesColumn(dz, W_O, outAt, dMid);
      const q = project(last, W_Q, b_Q, h); // [d_head]
      const attention = Array.from({ length: keys }, (_, key) => at(pattern.data, (sample * n_heads + h) * keys + key));
      const dAttention = embedded.map((e) => inner(dz, project(e, W_V, b_V, h)));
      // A weight is r·softmax + 1 − r; the scores act through the softmax alone.
      const softmax = attention.map((weight) => (rate === 0 ? 0 : (weight - (1 - rate)) / rate));
      const mean = softmax.reduce((total, s, key) => total + s * at(dAttention, key), 0);
      const dq = new Float64Array(d_head); // [d_head]
      embedded.forEach((e, key) => {
        const gradient = at(gradients, key);
        addTimesColumn(gradient, W_V, matrixAt, dz, at(attention, key));
        const dScore = rate * at(softmax, key) * (at(dAttention, key) - mean) * scale;
        addTimesColumn(gradient, W_K, matrixAt, q, dScore);
        const k = project(e, W_K, b_K, h); // [d_head]
        for (let i = 0; i < d_head; i++) dq[i] = at(dq, i) + dScore * at(k, i);
      });
      addTimesColumn(dLast, W_Q, matrixAt, dq);
    }
    return [at(gradients, 0), at(gradients, 1)];
  };
}
