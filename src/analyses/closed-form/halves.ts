import { at, dim, float64, type NdArray, toFloat64 } from "../../core/index.ts";
import type { BiasName, Parameters } from "../../model/index.ts";
import type { Head } from "../../tasks/index.ts";
import type { Matmul } from "../kit/define.ts";
import { type ClosedForm, wavesOf } from "./fit.ts";
import type { FittedNeurons } from "./neurons.ts";
import { centredUnembedding, readoutMatrix, unembedding } from "./readout.ts";

/** A row vector times a matrix [n, m]. */
function rowTimes(row: ArrayLike<number>, matrix: NdArray<"float64">): Float64Array {
  const [n, m] = [dim(matrix, 0), dim(matrix, 1)];
  const out = new Float64Array(m);
  for (let i = 0; i < n; i++) {
    const factor = row[i] ?? 0;
    if (factor === 0) continue;
    for (let j = 0; j < m; j++) out[j] = (out[j] as number) + factor * (matrix.data[i * m + j] as number);
  }
  return out;
}

/**
 * What the parts of the logits are products with: relu(u) = u/2 + |u|/2, u = M·W_in + b_in, so that
 * logits = M·W_U + ½u·C + ½|u|·C + (b_out·W_U + b_U), with C = W_out·W_U.
 */
export interface Weights {
  readonly unembed: NdArray<"float64">; // [d_model, classes]
  readonly out: NdArray<"float64">; // W_out, [d_mlp, d_model]
  /** W_U centred within output heads: C = W_out·W_U is then so as well. */
  readonly centred: NdArray<"float64">; // [d_model, classes]
  /** C, centred within output heads. */
  readonly readout: NdArray<"float64">; // [d_mlp, classes]
  /** ½·W_in·C. */
  readonly half: NdArray<"float64">; // [d_model, classes]
  /** ½·b_in·C, and b_out·W_U + b_U, [classes]. */
  readonly halfBias: Float64Array;
  readonly bias: Float64Array;
}

/** The weights of the parts. */
export async function weightsOf(parameters: Parameters, heads: readonly Head[], matmul: Matmul): Promise<Weights> {
  const unembed = unembedding(parameters, heads);
  const readout = await readoutMatrix(parameters, heads, matmul);
  const halved = float64(
    readout.data.map((value) => value / 2),
    readout.shape,
  );
  const biasOf = (name: BiasName) => parameters[name]?.data ?? [];
  const own = rowTimes(biasOf("blocks.0.mlp.b_out"), unembed);
  const b_U = biasOf("unembed.b_U");
  return {
    unembed,
    out: toFloat64(parameters["blocks.0.mlp.W_out"]),
    centred: centredUnembedding(parameters, heads),
    readout,
    half: await matmul(toFloat64(parameters["blocks.0.mlp.W_in"]), halved),
    halfBias: rowTimes(biasOf("blocks.0.mlp.b_in"), halved),
    bias: own.map((value, c) => value + (b_U[c] ?? 0)),
  };
}

/** The parts of the logits of some samples, [samples, classes] each. */
export interface Halves {
  /** M·W_U. */
  readonly skip: NdArray<"float64">;
  /** ½u·C. */
  readonly half: NdArray<"float64">;
  /** M·W_U + ½u·C. */
  readonly linear: NdArray<"float64">;
  /** ½|u|·C. */
  readonly even: NdArray<"float64">;
}

/** Memory for the parts of the logits of so many samples. */
export function halvesMemory(samples: number, classes: number): { readonly [part in keyof Halves]: Float64Array } {
  const part = () => new Float64Array(samples * classes);
  return { skip: part(), half: part(), linear: part(), even: part() };
}

/** Takes the logits of some samples, [samples, classes], apart; `mid` is their stream before the MLP, [samples, d_model]. */
export async function halvesOf(
  logits: NdArray<"float64">,
  mid: NdArray<"float64">,
  weights: Weights,
  matmul: Matmul,
  memory = halvesMemory(dim(logits, 0), dim(logits, 1)),
): Promise<Halves> {
  const { shape, data } = logits;
  const classes = dim(logits, 1);
  const skip = await matmul(mid, weights.unembed, memory.skip); // [samples, classes]
  const half = await matmul(mid, weights.half, memory.half); // [samples, classes]
  const [linear, even] = [memory.linear.subarray(0, data.length), memory.even.subarray(0, data.length)];
  for (let row = 0; row < data.length; row += classes) {
    for (let c = 0; c < classes; c++) {
      const u = (half.data[row + c] as number) + (weights.halfBias[c] as number);
      const both = (skip.data[row + c] as number) + u;
      half.data[row + c] = u;
      linear[row + c] = both;
      even[row + c] = (data[row + c] as number) - both - (weights.bias[c] as number);
    }
  }
  return { skip, half, linear: float64(linear, shape), even: float64(even, shape) };
}

/** The closed forms of all neurons over the grid. */
export interface ClosedGrid {
  readonly p: number;
  /** The two digits' parts of û, [2p, d_mlp]. */
  readonly digits: NdArray<"float64">;
}

/** Evaluates the closed forms of all neurons over the digits; one that does not vary is its mean. */
export function closedGrid({ parts, forms }: FittedNeurons): ClosedGrid {
  const { p, neurons, mu } = parts;
  const digits = new Float64Array(2 * p * neurons);
  const put = (form: ClosedForm | undefined, j: number): void => {
    const waves = form === undefined ? undefined : wavesOf(form);
    const m = form?.modulus.m ?? 1;
    for (let x = 0; x < p; x++) {
      digits[x * neurons + j] = waves?.low[x % m] ?? at(mu, j);
      digits[(p + x) * neurons + j] = waves?.high[x % m] ?? 0;
    }
  };
  forms.forEach(put);
  return { p, digits: float64(digits, [2 * p, neurons]) };
}

/** Samples whose |û| is held at a time: all of them would take as much memory as an activation. */
export const CLOSED_BLOCK = 512;

/**
 * Calls `use` with |û| of one block of samples after the other, [count, d_mlp], and where it begins; the array is the same each
 * time.
 */
export async function forMagnitudes(
  { p, digits }: ClosedGrid,
  use: (magnitude: NdArray<"float64">, start: number) => Promise<void>,
): Promise<void> {
  const neurons = dim(digits, 1);
  const block = new Float64Array(Math.min(CLOSED_BLOCK, p * p) * neurons);
  for (let start = 0; start < p * p; start += CLOSED_BLOCK) {
    const count = Math.min(CLOSED_BLOCK, p * p - start);
    for (let i = 0; i < count; i++) {
      const [low, high] = [Math.floor((start + i) / p) * neurons, (p + ((start + i) % p)) * neurons];
      const row = i * neurons;
      for (let j = 0; j < neurons; j++)
        block[row + j] = Math.abs((digits.data[low + j] as number) + (digits.data[high + j] as number));
    }
    await use(float64(block.subarray(0, count * neurons), [count, neurons]), start);
  }
}

/** ½û·C of the two digits' parts of û, [2p, classes]: a sample's is the sum of two rows. */
export function closedHalf({ digits }: ClosedGrid, { readout }: Weights, matmul: Matmul): Promise<NdArray<"float64">> {
  return matmul(
    float64(
      digits.data.map((value) => value / 2),
      digits.shape,
    ),
    readout,
  );
}
