import { dim, inPrecision, type NdArray, rows, sizeOf } from "../core/index.ts";
import { type ScoredBlock, targetColumns } from "../model/index.ts";
import type { Head } from "../tasks/index.ts";

/** Samples that are scored at a time: of so many everything stays near the processor. */
const BLOCK = 512;

/** Some of the samples; the last block is filled up with its last sample, whose further rows are not counted. */
export interface Block extends Pick<ScoredBlock, "columns"> {
  readonly samples: Int32Array;
  readonly start: number;
  readonly count: number;
}

/** Samples, as rows of `targets` [m, tasks], in blocks of one length. */
export function scoredBlocks(targets: NdArray<"int32">, heads: readonly Head[], samples: Int32Array): Block[] {
  const size = Math.min(samples.length, BLOCK);
  return Array.from({ length: Math.ceil(samples.length / size) }, (_, b) => {
    const start = b * size;
    const count = Math.min(size, samples.length - start);
    const part = Int32Array.from({ length: size }, (_row, i) => samples[start + Math.min(i, count - 1)] as number);
    return { samples: part, columns: targetColumns(targets, heads, part), start, count };
  });
}

/** A block's rows of a matrix over all samples, and zeros up to the block's length. */
export function blockRows<D extends "float32" | "float64">(matrix: NdArray<D>, { start, count, samples }: Block): NdArray {
  const own = rows(matrix, start, start + count);
  if (count === samples.length) return own;
  const shape = [samples.length, dim(matrix, 1)];
  const data = new Float64Array(sizeOf(shape));
  data.set(own.data);
  return inPrecision({ dtype: "float64", shape, data }, matrix.dtype);
}
