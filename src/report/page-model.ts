import { at, ensure } from "../core/index.ts";
import { activationName, BIAS_NAMES, hasEquals, PARAMETER_NAMES, type ParameterName, type Parameters } from "../model/index.ts";
import { type Head, headsOf, logitsOf } from "../tasks/index.ts";
import type { ReportRun } from "./types.ts";

type Config = ReportRun["config"];

/** Whether a page can run a model: weights of this project's kind, without biases, with ReLU and with '='. */
export function canRun(config: Config, parameters: Parameters): boolean {
  return activationName(config) === "relu" && hasEquals(config) && BIAS_NAMES.every((name) => parameters[name] === undefined);
}

/**
 * A model's weights in two bytes each: tensor by tensor in the order of {@link PARAMETER_NAMES}, the scale (float32) and then the
 * entries as 16-bit whole numbers of it. The largest error is 1/65,534 of the tensor's largest entry.
 */
export function packModel(parameters: Parameters): Uint8Array {
  const tensors = PARAMETER_NAMES.map((name) => parameters[name].data);
  const out = new Uint8Array(tensors.reduce((bytes, data) => bytes + 4 + 2 * data.length, 0));
  const view = new DataView(out.buffer);
  let place = 0;
  for (const data of tensors) {
    let largest = 0;
    for (const value of data) largest = Math.max(largest, Math.abs(value));
    const scale = Math.fround(largest / 32_767) || 1;
    view.setFloat32(place, scale, true);
    place += 4;
    for (const value of data) {
      view.setInt16(place, Math.max(-32_767, Math.min(32_767, Math.round(value / scale))), true);
      place += 2;
    }
  }
  return out;
}

/** What is switched off in a forward pass. */
export interface Switches {
  /** Neurons held at their mean. */
  readonly neurons?: ReadonlySet<number>;
  /** Attention heads whose output is held at its mean. */
  readonly heads?: ReadonlySet<number>;
  /** The digit whose attention is held at its mean over tokens. */
  readonly digit?: 0 | 1;
  /** Whether the stream past the MLP is held at its mean, so that neurons alone reach the logits. */
  readonly skip?: boolean;
}

/** What a model does with one input. */
export interface Pass {
  readonly pre: Float64Array;
  readonly post: Float64Array;
  readonly logits: Float64Array;
}

/** Inputs whose mean stands for one that is switched off. */
const MEANS = 256;

/**
 * A model that a page runs: one layer's attention by tables over tokens (as the trainer's own forward pass), the MLP from tables
 * of what each token adds to each neuron.
 */
export class PageModel {
  readonly config: Config;
  readonly heads: readonly Head[];
  readonly #tensors = new Map<ParameterName, Float32Array>();
  /** Scores of each row for each attention head, [2p+1, heads]. */
  readonly #scores: Float64Array;
  /** What each row adds to the stream through each head, [2p+1, heads, d_model]; and to each neuron, [2p+1, heads, d_mlp]. */
  readonly #stream: Float64Array;
  readonly #neurons: Float64Array;
  readonly #startStream: Float64Array;
  readonly #startNeurons: Float64Array;
  /** What an attention head adds on average, to the stream and to the neurons; by head. */
  readonly #headMeans = new Map<number, { readonly stream: Float64Array; readonly neurons: Float64Array }>();
  #means: { post: Float64Array; mid: Float64Array } | undefined;

  constructor(config: Config, bytes: ArrayBuffer) {
    this.config = config;
    this.heads = headsOf(config);
    const { p, d_model, n_heads, d_head, d_mlp } = config;
    const classes = logitsOf(this.heads);
    const inner = n_heads * d_head;
    const sizes = {
      "embed.W_E": (p + 1) * d_model,
      "pos_embed.W_pos": 3 * d_model,
      "blocks.0.attn.W_Q": d_model * inner,
      "blocks.0.attn.W_K": d_model * inner,
      "blocks.0.attn.W_V": d_model * inner,
      "blocks.0.attn.W_O": inner * d_model,
      "blocks.0.mlp.W_in": d_model * d_mlp,
      "blocks.0.mlp.W_out": d_mlp * d_model,
      "unembed.W_U": d_model * classes,
    } satisfies Record<ParameterName, number>;
    const view = new DataView(bytes);
    let place = 0;
    for (const name of PARAMETER_NAMES) {
      const scale = view.getFloat32(place, true);
      place += 4;
      const data = new Float32Array(sizes[name]);
      for (let i = 0; i < data.length; i++) data[i] = scale * view.getInt16(place + 2 * i, true);
      place += 2 * data.length;
      this.#tensors.set(name, data);
    }
    ensure(place === bytes.byteLength, "input", () => `model: must have ${place} bytes, got ${bytes.byteLength}`);
    const rows = 2 * p + 1;
    const x = this.#rows();
    const [W_Q, W_K, W_V, W_O] = (["W_Q", "W_K", "W_V", "W_O"] as const).map((name) => this.#tensor(`blocks.0.attn.${name}`)) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    this.#scores = new Float64Array(rows * n_heads);
    this.#stream = new Float64Array(rows * n_heads * d_model);
    for (let h = 0; h < n_heads; h++) {
      const slice = (matrix: Float32Array) => matrix.subarray(h * d_model * d_head, (h + 1) * d_model * d_head); // [d_model, d_head]
      const project = (row: number, matrix: Float32Array) =>
        productOf(x.subarray(row * d_model, (row + 1) * d_model), matrix, d_head);
      const q = project(rows - 1, slice(W_Q)); // [d_head]
      for (let row = 0; row < rows; row++) {
        const k = project(row, slice(W_K)); // [d_head]
        this.#scores[row * n_heads + h] = k.reduce((sum, value, i) => sum + value * at(q, i), 0) / Math.sqrt(d_head);
        const out = productOf(project(row, slice(W_V)), W_O.subarray(h * d_head * d_model, (h + 1) * d_head * d_model), d_model); // [d_model]
        this.#stream.set(out, (row * n_heads + h) * d_model);
      }
    }
    const W_in = this.#tensor("blocks.0.mlp.W_in");
    this.#neurons = new Float64Array(rows * n_heads * d_mlp);
    for (let i = 0; i < rows * n_heads; i++)
      this.#neurons.set(productOf(this.#stream.subarray(i * d_model, (i + 1) * d_model), W_in, d_mlp), i * d_mlp);
    this.#startStream = x.slice((rows - 1) * d_model);
    this.#startNeurons = productOf(this.#startStream, W_in, d_mlp);
  }

  #tensor(name: ParameterName): Float32Array {
    return this.#tensors.get(name) ?? new Float32Array(0);
  }

  /** Embedded rows: x0 tokens, x1 tokens, '=': [2p+1, d_model]. */
  #rows(): Float64Array {
    const { p, d_model } = this.config;
    const [W_E, W_pos] = [this.#tensor("embed.W_E"), this.#tensor("pos_embed.W_pos")];
    const out = new Float64Array((2 * p + 1) * d_model);
    for (let row = 0; row <= 2 * p; row++) {
      const [token, position] = row === 2 * p ? [p, 2] : [row % p, row < p ? 0 : 1];
      for (let i = 0; i < d_model; i++) out[row * d_model + i] = at(W_E, token * d_model + i) + at(W_pos, position * d_model + i);
    }
    return out;
  }

  /** Attention of each head to x0, x1 and '=', [heads, 3]. */
  attention(x0: number, x1: number): Float64Array {
    const { p, n_heads } = this.config;
    const out = new Float64Array(3 * n_heads);
    for (let h = 0; h < n_heads; h++) {
      const scores = [x0, p + x1, 2 * p].map((row) => at(this.#scores, row * n_heads + h));
      const top = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - top));
      const total = weights.reduce((a, b) => a + b);
      weights.forEach((weight, i) => {
        out[3 * h + i] = weight / total;
      });
    }
    return out;
  }

  /** What a head adds on average over inputs spread evenly, by what it gives each row on average. */
  #meanOfHead(h: number): { readonly stream: Float64Array; readonly neurons: Float64Array } {
    const known = this.#headMeans.get(h);
    if (known !== undefined) return known;
    const { p, n_heads, d_model, d_mlp } = this.config;
    const weights = new Float64Array(2 * p + 1);
    for (const [x0, x1] of spreadInputs(p, MEANS)) {
      const pattern = this.attention(x0, x1);
      [x0, p + x1, 2 * p].forEach((row, i) => {
        weights[row] = at(weights, row) + at(pattern, 3 * h + i) / MEANS;
      });
    }
    const over = (table: Float64Array, width: number) => {
      const out = new Float64Array(width);
      weights.forEach((weight, row) => {
        const from = (row * n_heads + h) * width;
        for (let i = 0; i < width; i++) out[i] = (out[i] as number) + weight * (table[from + i] as number);
      });
      return out;
    };
    const found = { stream: over(this.#stream, d_model), neurons: over(this.#neurons, d_mlp) };
    this.#headMeans.set(h, found);
    return found;
  }

  /** Sums rows' parts by attention: of the stream or of the neurons. */
  #mixed(of: "stream" | "neurons", x0: number, x1: number, { digit, heads }: Switches = {}): Float64Array {
    const { p, n_heads } = this.config;
    const [table, start] = of === "stream" ? [this.#stream, this.#startStream] : [this.#neurons, this.#startNeurons];
    const width = start.length;
    const out = start.slice();
    const add = (row: number, h: number, weight: number) => {
      const from = (row * n_heads + h) * width;
      for (let i = 0; i < width; i++) out[i] = (out[i] as number) + weight * (table[from + i] as number);
    };
    const pattern = this.attention(x0, x1);
    for (let h = 0; h < n_heads; h++) {
      if (heads?.has(h)) {
        const mean = this.#meanOfHead(h)[of];
        for (let i = 0; i < width; i++) out[i] = (out[i] as number) + (mean[i] as number);
        continue;
      }
      [x0, p + x1, 2 * p].forEach((row, i) => {
        const weight = at(pattern, 3 * h + i);
        if (i !== digit) add(row, h, weight);
        // Every token a little: the digit's mean.
        else for (let x = 0; x < p; x++) add(i * p + x, h, weight / p);
      });
    }
    return out;
  }

  /** Neurons before the ReLU, [d_mlp]. */
  pre(x0: number, x1: number, switches: Switches = {}): Float64Array {
    return this.#mixed("neurons", x0, x1, switches);
  }

  /** An attention head's attention to x0, to x1 and to '=' over the grid, three of [p²], index x0·p + x1. */
  attentionGrids(h: number): [Float64Array, Float64Array, Float64Array] {
    const { p } = this.config;
    const grid = () => new Float64Array(p * p);
    const grids: [Float64Array, Float64Array, Float64Array] = [grid(), grid(), grid()];
    for (let i = 0; i < p * p; i++) {
      const pattern = this.attention(Math.floor(i / p), i % p);
      for (const [key, one] of grids.entries()) one[i] = at(pattern, 3 * h + key);
    }
    return grids;
  }

  /** One neuron before the ReLU over the grid, [p²], index x0·p + x1. */
  grid(neuron: number): Float64Array {
    const { p, n_heads, d_mlp } = this.config;
    const out = new Float64Array(p * p);
    for (let x0 = 0; x0 < p; x0++) {
      for (let x1 = 0; x1 < p; x1++) {
        const pattern = this.attention(x0, x1);
        let u = at(this.#startNeurons, neuron);
        for (let h = 0; h < n_heads; h++)
          [x0, p + x1, 2 * p].forEach((row, i) => {
            u += at(pattern, 3 * h + i) * at(this.#neurons, (row * n_heads + h) * d_mlp + neuron);
          });
        out[x0 * p + x1] = u;
      }
    }
    return out;
  }

  #typical(): { post: Float64Array; mid: Float64Array } {
    if (this.#means !== undefined) return this.#means;
    const { p, d_mlp, d_model } = this.config;
    const [post, mid] = [new Float64Array(d_mlp), new Float64Array(d_model)];
    for (const [x0, x1] of spreadInputs(p, MEANS)) {
      this.pre(x0, x1).forEach((u, j) => {
        post[j] = at(post, j) + Math.max(0, u) / MEANS;
      });
      this.#mixed("stream", x0, x1).forEach((value, i) => {
        mid[i] = at(mid, i) + value / MEANS;
      });
    }
    this.#means = { post, mid };
    return this.#means;
  }

  /** The forward pass of one input, with parts switched off. */
  run(x0: number, x1: number, switches: Switches = {}): Pass {
    const { neurons, skip = false } = switches;
    const pre = this.pre(x0, x1, switches);
    const post = pre.map((u) => Math.max(0, u));
    const means = neurons !== undefined || skip ? this.#typical() : undefined;
    if (means !== undefined) for (const j of neurons ?? []) post[j] = at(means.post, j);
    const mid = skip && means !== undefined ? means.mid : this.#mixed("stream", x0, x1, switches);
    const written = productOf(post, this.#tensor("blocks.0.mlp.W_out"), mid.length);
    const last = mid.map((value, i) => value + at(written, i));
    const W_U = this.#tensor("unembed.W_U");
    return { pre, post, logits: productOf(last, W_U, W_U.length / last.length) };
  }

  /** What each neuron adds to each logit of an output head for its output of one: rows of W_out·W_U, [d_mlp, classes]. */
  readout({ offset, classes }: Head): Float64Array {
    const { d_mlp, d_model } = this.config;
    const [W_out, W_U] = [this.#tensor("blocks.0.mlp.W_out"), this.#tensor("unembed.W_U")];
    const width = W_U.length / d_model;
    const out = new Float64Array(d_mlp * classes);
    for (let j = 0; j < d_mlp; j++) {
      for (let i = 0; i < d_model; i++) {
        const weight = at(W_out, j * d_model + i);
        for (let c = 0; c < classes; c++)
          out[j * classes + c] = at(out, j * classes + c) + weight * at(W_U, i * width + offset + c);
      }
    }
    return out;
  }

  /** The right class of a head. */
  target({ q, classes, adds }: Head, x0: number, x1: number): number {
    const residue = (adds ? x0 + x1 : x0 + x1 * this.config.p) % q;
    return classes === q ? residue : Number(residue === 0);
  }
}

/** A row vector times a matrix with `width` columns. */
function productOf(vector: Float64Array, matrix: Float32Array, width: number): Float64Array {
  const out = new Float64Array(width);
  for (let i = 0; i < vector.length; i++) {
    const value = vector[i] as number;
    if (value === 0) continue;
    const from = i * width;
    for (let j = 0; j < width; j++) out[j] = (out[j] as number) + value * (matrix[from + j] as number);
  }
  return out;
}

/** Inputs spread evenly over the grid, the same ones each time. */
export function spreadInputs(p: number, count: number): [number, number][] {
  // Steps of the golden ratio leave no gaps and repeat nothing.
  return Array.from({ length: count }, (_, i) => {
    const index = Math.floor((((i + 0.5) * 0.6180339887498949) % 1) * p * p);
    return [Math.floor(index / p), index % p];
  });
}

/** The place of the largest logit of a head, among its classes. */
export function answerOf(logits: Float64Array, { offset, classes }: Head): number {
  let best = 0;
  for (let c = 1; c < classes; c++) if (at(logits, offset + c) > at(logits, offset + best)) best = c;
  return best;
}

/** One cosine of an output head's logits over its classes: logits(c) = mean + Σ amplitude·cos(2πk·c/q − phase). */
export interface Wave {
  readonly k: number;
  readonly amplitude: number;
  /** Where its hand points: at 2πk·c/q for the class c that it votes for. */
  readonly phase: number;
}

/** An output head's logits as a sum of cosines over its classes, exact: every frequency k = 1 … ⌊q/2⌋. */
export function wavesOfLogits(logits: Float64Array, { offset, classes }: Pick<Head, "offset" | "classes">): Wave[] {
  return Array.from({ length: Math.floor(classes / 2) }, (_, i) => {
    const k = i + 1;
    let [cosine, sine] = [0, 0];
    for (let c = 0; c < classes; c++) {
      const angle = (2 * Math.PI * ((k * c) % classes)) / classes;
      cosine += at(logits, offset + c) * Math.cos(angle);
      sine += at(logits, offset + c) * Math.sin(angle);
    }
    const scale = 2 * k === classes ? 1 / classes : 2 / classes;
    return { k, amplitude: Math.hypot(cosine, sine) * scale, phase: Math.atan2(sine, cosine) };
  });
}
