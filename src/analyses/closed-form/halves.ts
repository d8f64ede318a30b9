import { at, dim, float64, type NdArray, toFloat64 } from "../../core/index.ts";
import type { BiasName, Parameters } from "../../model/index.ts";
import type { Head } from "../../tasks/index.ts";
import type { Matmul } from "../kit/define.ts";
import type { Columns } from "./contribution.ts";
import { type ClosedForm, wavesOf } from "./fit.ts";
import type { FittedNeurons } from "./neurons.ts";
import { centredUnembedding, readoutMatrix, unembedding } from "./readout.ts";

/** The columns of a matrix, copied. */
export function columnsAt(matrix: NdArray<"float64">, { offset, classes }: Columns): NdArray<"float64"> {
  const [n, width] = [dim(matrix, 0), dim(matrix, 1)];
  const out = new Float64Array(n * classes);
  for (let i = 0; i < n; i++) out.set(matrix.data.subarray(i * width + offset, i * width + offset + classes), i * classes);
  return float64(out, [n, classes]);
}

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

/** Adds a row to each row of a matrix, in place. */
function addRow(matrix: NdArray<"float64">, row: Float64Array): NdArray<"float64"> {
  const m = dim(matrix, 1);
  for (let start = 0; start < matrix.data.length; start += m) {
    for (let c = 0; c < m; c++) matrix.data[start + c] = (matrix.data[start + c] as number) + (row[c] as number);
  }
  return matrix;
}

/** The parts of the logits of some columns, [p², columns] each. */
export interface Halves {
  readonly logits: NdArray<"float64">;
  /** M·W_U. */
  readonly skip: NdArray<"float64">;
  /** ½u·C. */
  readonly half: NdArray<"float64">;
  /** M·W_U + ½u·C. */
  readonly linear: NdArray<"float64">;
  /** ½|u|·C. */
  readonly even: NdArray<"float64">;
}

/** Takes the logits of some columns apart. */
export async function halvesOf(
  logits: NdArray<"float64">,
  mid: NdArray<"float64">,
  weights: Weights,
  columns: Columns,
  matmul: Matmul,
): Promise<Halves> {
  const { offset, classes } = columns;
  const own = columnsAt(logits, columns);
  const skip = await matmul(mid, columnsAt(weights.unembed, columns));
  const half = addRow(await matmul(mid, columnsAt(weights.half, columns)), weights.halfBias.subarray(offset, offset + classes));
  const [linear, even] = [new Float64Array(own.data.length), new Float64Array(own.data.length)];
  const bias = weights.bias.subarray(offset, offset + classes);
  for (let row = 0; row < own.data.length; row += classes) {
    for (let c = 0; c < classes; c++) {
      const both = (skip.data[row + c] as number) + (half.data[row + c] as number);
      linear[row + c] = both;
      even[row + c] = (own.data[row + c] as number) - both - (bias[c] as number);
    }
  }
  return { logits: own, skip, half, linear: float64(linear, own.shape), even: float64(even, own.shape) };
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

/** Half of some columns of C. */
export function halvedColumns(readout: NdArray<"float64">, columns: Columns): NdArray<"float64"> {
  const halved = columnsAt(readout, columns);
  for (let i = 0; i < halved.data.length; i++) halved.data[i] = (halved.data[i] as number) / 2;
  return halved;
}

/**
 * ½|û|·W_out, [p², d_model]: what the even half of the closed forms adds to the stream. Through it, ½|û|·C takes half of the
 * operations.
 */
export async function closedStream(closed: ClosedGrid, W_out: NdArray<"float64">, matmul: Matmul): Promise<NdArray<"float64">> {
  const width = dim(W_out, 1);
  const stream = new Float64Array(closed.p ** 2 * width);
  const product = new Float64Array(CLOSED_BLOCK * width);
  await forMagnitudes(closed, async (magnitude, start) => {
    const { data } = await matmul(magnitude, W_out, product);
    for (let i = 0; i < data.length; i++) stream[start * width + i] = (data[i] as number) / 2;
  });
  return float64(stream, [closed.p ** 2, width]);
}

/** ½û·C of some columns, [p², columns]. */
export async function closedHalf(
  { digits, p }: ClosedGrid,
  readout: NdArray<"float64">,
  columns: Columns,
  matmul: Matmul,
): Promise<NdArray<"float64">> {
  const byDigit = await matmul(digits, halvedColumns(readout, columns)); // [2p, columns]
  const { classes } = columns;
  const half = new Float64Array(p * p * classes);
  for (let x0 = 0; x0 < p; x0++) {
    for (let x1 = 0; x1 < p; x1++) {
      const [row, low, high] = [(x0 * p + x1) * classes, x0 * classes, (p + x1) * classes];
      for (let c = 0; c < classes; c++) half[row + c] = (byDigit.data[low + c] as number) + (byDigit.data[high + c] as number);
    }
  }
  return float64(half, [p * p, classes]);
}

/**
 * Inner product of two matrices [n, columns], both centred over samples and within each of the output heads' columns, summed over
 * the heads: from sums over rows and columns, since copies of the matrices would cost more than the products.
 */
export function centredProduct(
  x: NdArray<"float64">,
  y: NdArray<"float64">,
  heads: readonly { readonly offset: number; readonly classes: number }[],
): number {
  const [n, width] = [dim(x, 0), dim(x, 1)];
  const [a, b] = [x.data, y.data];
  let product = 0;
  for (const { offset, classes } of heads) {
    const [columnsX, columnsY] = [new Float64Array(classes), new Float64Array(classes)];
    let [meanX, meanY] = [0, 0];
    for (let i = 0; i < n; i++) {
      const start = i * width + offset;
      let [sumX, sumY, both] = [0, 0, 0];
      for (let c = 0; c < classes; c++) {
        const [u, v] = [a[start + c] as number, b[start + c] as number];
        sumX += u;
        sumY += v;
        both += u * v;
        columnsX[c] = (columnsX[c] as number) + u;
        columnsY[c] = (columnsY[c] as number) + v;
      }
      product += both - (sumX * sumY) / classes;
      meanX += sumX;
      meanY += sumY;
    }
    meanX /= classes;
    meanY /= classes;
    for (let c = 0; c < classes; c++) product -= (((columnsX[c] as number) - meanX) * ((columnsY[c] as number) - meanY)) / n;
  }
  return product;
}
