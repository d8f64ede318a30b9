import { type Random, randomStream } from "../../core/index.ts";
import { dot, norm } from "../../math/index.ts";
import type { AnalysisInput } from "../kit/define.ts";

/** Attention heads of random weights, each with the sizes of one of the model's own attention heads. */
export const RANDOM_HEADS = 400;

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

type Stored = "embed.W_E" | "pos_embed.W_pos" | "blocks.0.attn.W_Q" | "blocks.0.attn.W_K";

/** Root mean square of a tensor's entries; of one attention head's where the first axis is attention heads. */
function size(input: AnalysisInput, name: Stored, head?: number): number {
  const { data } = input.parameters[name];
  const width = head === undefined ? data.length : data.length / input.config.n_heads;
  const own = data.subarray((head ?? 0) * width, ((head ?? 0) + 1) * width);
  return norm(own) / Math.sqrt(own.length);
}

/**
 * An attention head whose weights are normal entries of the model's own sizes. The weights themselves are never drawn: the
 * product of a fixed vector with independent normal entries is normal again, so each step needs its vector's length alone.
 */
function randomHead(input: AnalysisInput, head: number, random: Random): [number, number, number] {
  const { p, d_model, d_head } = input.config;
  const normals = (count: number, deviation: number) => Float64Array.from({ length: count }, () => deviation * random.normal());
  const [token, position] = [size(input, "embed.W_E"), size(input, "pos_embed.W_pos")];
  const equals = normals(d_model, Math.hypot(token, position)); // [d_model], '=' at its position
  const query = normals(d_head, norm(equals) * size(input, "blocks.0.attn.W_Q", head)); // [d_head]
  const direction = normals(d_model, norm(query) * size(input, "blocks.0.attn.W_K", head)); // [d_model], W_K · query
  const scale = norm(direction) / Math.sqrt(d_head);
  const tokens = normals(p, scale * token); // [p], each token's score wherever it stands
  const [at0, at1] = [scale * position * random.normal(), scale * position * random.normal()];
  return meanAttention(
    tokens.map((score) => score + at0),
    tokens.map((score) => score + at1),
    dot(equals, direction) / Math.sqrt(d_head),
  );
}

/**
 * Mean attention to x0, x1 and '=' of attention heads whose weights are normal entries of the model's own sizes (W_E, W_pos, and
 * each attention head's W_Q and W_K): what an attention head looks at by accident.
 */
export function randomHeads(input: AnalysisInput): [number, number, number][] {
  const random = randomStream(input.seed, "attention/weights");
  return Array.from({ length: RANDOM_HEADS }, (_, i) => randomHead(input, i % input.config.n_heads, random));
}
