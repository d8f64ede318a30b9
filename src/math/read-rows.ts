import { rowKernels } from "./wasm/row-kernels.ts";

/** For each of some rows of logits [rows, m] its largest, which class that is, and Σ over the others of e^(logit − largest). */
export interface ReadRows {
  readonly best: Int32Array;
  readonly top: Float64Array;
  /** Zeros where losses are not asked for. */
  readonly rest: Float64Array;
}

/** Numbers that are put into the kernels' memory at a time. */
const CHUNK = 4096;

/** Reads rows of logits, [rows, m]. */
export function readRows(data: Float64Array, m: number, withLoss: boolean): ReadRows {
  const rows = data.length / m;
  const read = { best: new Int32Array(rows), top: new Float64Array(rows), rest: new Float64Array(rows) };
  const together = Math.max(1, Math.min(rows, Math.floor(CHUNK / m)));
  const kernels = rowKernels(
    together * m,
    Array.from({ length: together }, (_, i) => [i * m, m]),
  );
  for (let first = 0; first < rows; first += together) {
    const count = Math.min(together, rows - first);
    kernels.numbers.set(data.subarray(first * m, (first + count) * m));
    kernels.read(withLoss);
    for (let i = 0; i < count; i++) {
      read.top[first + i] = kernels.found[3 * i] as number;
      read.best[first + i] = kernels.found[3 * i + 1] as number;
      if (withLoss) read.rest[first + i] = kernels.found[3 * i + 2] as number;
    }
  }
  return read;
}

/** The cross-entropy of one of the rows for a class, as {@link ReadRows} has them. */
export function rowLoss({ top, rest }: ReadRows, data: Float64Array, row: number, m: number, target: number): number {
  return (top[row] as number) - (data[row * m + target] as number) + Math.log1p(rest[row] as number);
}
