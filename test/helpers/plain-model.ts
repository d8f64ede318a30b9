import { at, dim, type NdArray } from "../../src/core/index.ts";
import type { Activation, ModelConfig, Parameters } from "../../src/model/index.ts";
import type { TaskConfig } from "../../src/tasks/index.ts";

type Config = TaskConfig & ModelConfig;

/** Φ(x) by the series of the error function, which converges everywhere; good to 1e-12 for |x| ≤ 5. */
function normalCdf(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / (2 * n);
    sum += term / (2 * n + 1);
  }
  return 0.5 + sum / Math.sqrt(2 * Math.PI);
}

/** Activations as their papers write them, number by number. */
export const ACTIVATION_ORACLES: { readonly [name in Activation]: (x: number) => number } = {
  relu: (x) => Math.max(0, x),
  gelu: (x) => x * normalCdf(x),
  gelu_new: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  quick_gelu: (x) => x / (1 + Math.exp(-1.702 * x)),
  silu: (x) => x / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  leaky_relu: (x) => (x > 0 ? x : 0.01 * x),
  relu2: (x) => Math.max(0, x) ** 2,
  square: (x) => x * x,
};

function matvec(x: ArrayLike<number>, w: ArrayLike<number>, rows: number, columns: number, start = 0): Float64Array {
  const y = new Float64Array(columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) y[j] = at(y, j) + at(x, i) * at(w, start + i * columns + j);
  return y;
}

/**
 * The transformer block as textbooks write it, one sample at a time over all positions (two without '='), in plain loops: the
 * oracle. The attention rate mixes each softmax with ones.
 */
export function plainForward(config: Config, weights: Parameters, x0: number, x1: number) {
  const { p, d_model, n_heads, d_head, d_mlp, equals = true, attention_rate: rate = 1, activation = "relu" } = config;
  const sequence = equals ? [x0, x1, p] : [x0, x1];
  const end = sequence.length - 1;
  const data = (name: keyof Parameters): ArrayLike<number> => (weights[name] as NdArray | undefined)?.data ?? [];
  const b = (name: keyof Parameters, i: number): number => (weights[name] as NdArray | undefined)?.data[i] ?? 0;
  const embedded = sequence.map((token, pos) =>
    Float64Array.from(
      { length: d_model },
      (_, i) => at(data("embed.W_E"), token * d_model + i) + at(data("pos_embed.W_pos"), pos * d_model + i),
    ),
  );
  const z = new Float64Array(n_heads * d_head);
  const pattern: number[][] = [];
  const mid = embedded.map((row) => row.slice());
  for (let h = 0; h < n_heads; h++) {
    const project = (name: "Q" | "K" | "V") =>
      embedded.map((row) => {
        const y = matvec(row, data(`blocks.0.attn.W_${name}`), d_model, d_head, h * d_model * d_head);
        return y.map((value, i) => value + b(`blocks.0.attn.b_${name}`, h * d_head + i));
      });
    const [q, k, v] = [project("Q"), project("K"), project("V")];
    for (let here = 0; here <= end; here++) {
      const scores = k.map((key) => key.reduce((sum, value, i) => sum + value * at(at(q, here), i), 0) / Math.sqrt(d_head));
      const top = Math.max(...scores);
      const e = scores.map((score) => Math.exp(score - top));
      const total = e.reduce((sum, value) => sum + value, 0);
      const weightsAt = e.map((value) => (rate * value) / total + 1 - rate);
      const mixed = Float64Array.from({ length: d_head }, (_, i) =>
        v.reduce((sum, row, pos) => sum + at(weightsAt, pos) * at(row, i), 0),
      );
      const out = matvec(mixed, data("blocks.0.attn.W_O"), d_head, d_model, h * d_head * d_model);
      out.forEach((value, i) => {
        const row = at(mid, here);
        row[i] = at(row, i) + value;
      });
      if (here === end) {
        pattern.push(weightsAt);
        z.set(mixed, h * d_head);
      }
    }
  }
  const last = at(mid, end).map((value, i) => value + b("blocks.0.attn.b_O", i));
  const pre = matvec(last, data("blocks.0.mlp.W_in"), d_model, d_mlp).map((value, i) => value + b("blocks.0.mlp.b_in", i));
  const post = pre.map(ACTIVATION_ORACLES[activation]);
  const mlp = matvec(post, data("blocks.0.mlp.W_out"), d_mlp, d_model);
  const resid = last.map((value, i) => value + at(mlp, i) + b("blocks.0.mlp.b_out", i));
  const classes = dim(weights["unembed.W_U"], 1);
  const logits = matvec(resid, data("unembed.W_U"), d_model, classes).map((value, i) => value + b("unembed.b_U", i));
  return { pattern, z, mid: last, pre, post, logits };
}
