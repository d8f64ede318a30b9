import { at, dim, type NdArray, type Random, randomStream } from "../core/index.ts";
import { dot, gaussianMatrix, norm } from "../math/index.ts";
import type { AnalysisInput } from "./analysis.ts";

/** Heads of random weights, each with the norms of one of the model's own heads. */
export const RANDOM_HEADS = 100;

/** Mean attention of '=' to x0, x1 and '=' over the grid, from the scores of each digit's tokens and of '='. */
export function meanAttention(first: ArrayLike<number>, second: ArrayLike<number>, own: number): [number, number, number] {
  const [a, b] = [Array.from(first), Array.from(second)];
  const shift = Math.max(own, ...a, ...b);
  const [ea, eb, e] = [
    a.map((score) => Math.exp(score - shift)),
    b.map((score) => Math.exp(score - shift)),
    Math.exp(own - shift),
  ];
  const share = 1 / (a.length * b.length);
  let [x0, x1, equals] = [0, 0, 0];
  for (const u of ea) {
    for (const v of eb) {
      const total = u + v + e;
      x0 += (share * u) / total;
      x1 += (share * v) / total;
      equals += (share * e) / total;
    }
  }
  return [x0, x1, equals];
}

/** x · M for x [m] and M [m, n]. */
function times(x: ArrayLike<number>, matrix: NdArray<"float64">): Float64Array {
  const [m, n] = [dim(matrix, 0), dim(matrix, 1)];
  const out = new Float64Array(n);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) out[j] = at(out, j) + at(x, i) * at(matrix.data, i * n + j);
  return out;
}

/** M · y for M [m, n] and y [n]. */
function timesColumn(matrix: NdArray<"float64">, y: ArrayLike<number>): Float64Array {
  const [m, n] = [dim(matrix, 0), dim(matrix, 1)];
  return Float64Array.from({ length: m }, (_, i) => dot(matrix.data.subarray(i * n, (i + 1) * n), y));
}

function randomHead(input: AnalysisInput, head: number, random: Random): [number, number, number] {
  const { p, d_model, d_head } = input.config;
  const { parameters } = input;
  const like = (name: "embed.W_E" | "pos_embed.W_pos") =>
    gaussianMatrix(parameters[name].shape, norm(parameters[name].data), random);
  const ofHead = (name: "blocks.0.attn.W_Q" | "blocks.0.attn.W_K") => {
    const size = d_model * d_head;
    return gaussianMatrix([d_model, d_head], norm(parameters[name].data.subarray(head * size, (head + 1) * size)), random);
  };
  const [W_E, W_pos, W_Q, W_K] = [
    like("embed.W_E"),
    like("pos_embed.W_pos"),
    ofHead("blocks.0.attn.W_Q"),
    ofHead("blocks.0.attn.W_K"),
  ];
  const token = (x: number, position: number) =>
    Float64Array.from({ length: d_model }, (_, j) => at(W_E.data, x * d_model + j) + at(W_pos.data, position * d_model + j));
  const query = times(token(p, 2), W_Q); // [d_head]
  const scale = 1 / Math.sqrt(d_head);
  const direction = timesColumn(W_K, query); // [d_model]: keys are only ever compared with this query
  const score = (x: number, position: number) => scale * dot(token(x, position), direction);
  const tokens = Array.from({ length: p }, (_, x) => x);
  return meanAttention(
    tokens.map((x) => score(x, 0)),
    tokens.map((x) => score(x, 1)),
    score(p, 2),
  );
}

/**
 * Mean attention to x0, x1 and '=' of heads whose weights are normal entries of the model's own norms (W_E, W_pos, and each head's W_Q
 * and W_K): what a head looks at by accident.
 */
export function randomHeads(input: AnalysisInput): [number, number, number][] {
  const random = randomStream(input.seed, "attention/weights");
  return Array.from({ length: RANDOM_HEADS }, (_, i) => randomHead(input, i % input.config.n_heads, random));
}
