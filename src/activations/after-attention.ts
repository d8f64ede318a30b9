import { dim, ensure, float64, type NdArray } from "../core/index.ts";
import type { Parameters } from "../model/index.ts";
import type { RuntimeMatmul } from "./matmul.ts";

/** A stream over the grid, [p², d_model], its rows replaced by their mean over one digit. */
export function averageOverDigit(stream: NdArray<"float64">, p: number, digit: 0 | 1): NdArray<"float64"> {
  const width = dim(stream, 1);
  const means = new Float64Array(p * width);
  // Samples are in grid order, x0·p + x1: the digit that stays tells which mean a row belongs to.
  const kept = (i: number) => (digit === 0 ? i % p : Math.floor(i / p)) * width;
  for (let i = 0; i < p * p; i++) {
    const place = kept(i);
    for (let j = 0; j < width; j++) means[place + j] = (means[place + j] as number) + (stream.data[i * width + j] as number) / p;
  }
  const out = new Float64Array(stream.data.length);
  for (let i = 0; i < p * p; i++) out.set(means.subarray(kept(i), kept(i) + width), i * width);
  return float64(out, stream.shape); // [p², d_model]
}

/** Adds a row to each row of a matrix, in place. */
function addRow(matrix: NdArray<"float64">, row: ArrayLike<number> | undefined): void {
  if (row === undefined) return;
  const width = dim(matrix, 1);
  for (let i = 0; i < matrix.data.length; i++) matrix.data[i] = (matrix.data[i] as number) + (row[i % width] as number);
}

/**
 * The logits of a residual stream before the MLP, [n, d_model], in float64.
 *
 * @param options.past - what passes the MLP beside the neurons, [d_model], the same for every sample; the stream itself where
 * left out.
 * @param options.classes - columns of W_U that are kept.
 */
export async function logitsOfStream(
  parameters: Parameters,
  matmul: RuntimeMatmul["matmul"],
  stream: NdArray<"float64">,
  { past, classes }: { readonly past?: Float64Array; readonly classes: number },
): Promise<NdArray<"float64">> {
  const weight = (name: keyof Parameters) => parameters[name] as NdArray<"float64">;
  const bias = (name: keyof Parameters) => parameters[name]?.data;
  const neurons = await matmul(stream, weight("blocks.0.mlp.W_in")); // [n, d_mlp]
  addRow(neurons, bias("blocks.0.mlp.b_in"));
  for (let i = 0; i < neurons.data.length; i++) neurons.data[i] = Math.max(0, neurons.data[i] as number);
  const resid = await matmul(neurons, weight("blocks.0.mlp.W_out")); // [n, d_model]
  addRow(resid, bias("blocks.0.mlp.b_out"));
  if (past === undefined)
    for (let i = 0; i < resid.data.length; i++) resid.data[i] = (resid.data[i] as number) + (stream.data[i] as number);
  else addRow(resid, past);
  const logits = await matmul(resid, weight("unembed.W_U")); // [n, columns]
  addRow(logits, bias("unembed.b_U"));
  const columns = dim(logits, 1);
  ensure(columns >= classes, "input", () => `unembed.W_U: must have at least ${classes} columns, got ${columns}`);
  if (columns === classes) return logits;
  const kept = new Float64Array(dim(logits, 0) * classes);
  for (let i = 0; i < dim(logits, 0); i++) kept.set(logits.data.subarray(i * columns, i * columns + classes), i * classes);
  return float64(kept, [dim(logits, 0), classes]); // [n, classes]
}
