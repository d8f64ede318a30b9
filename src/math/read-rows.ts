import { quickExp } from "./exp.ts";

/** For each of some rows of logits [rows, m] its largest, which class that is, and Σ over the others of e^(logit − largest). */
export interface ReadRows {
  readonly best: Int32Array;
  readonly top: Float64Array;
  /** Zeros where losses are not asked for. */
  readonly rest: Float64Array;
}

/** Reads rows of logits, [rows, m]. */
export function readRows(data: Float64Array, m: number, withLoss: boolean): ReadRows {
  const rows = data.length / m;
  const read = { best: new Int32Array(rows), top: new Float64Array(rows), rest: new Float64Array(rows) };
  for (let row = 0; row < rows; row++) {
    const start = row * m;
    let [best, top] = [0, data[start] as number];
    for (let c = 1; c < m; c++) {
      const value = data[start + c] as number;
      if (value > top) {
        best = c;
        top = value;
      }
    }
    let rest = 0;
    if (withLoss) {
      for (let c = 0; c < m; c++) if (c !== best) rest += quickExp((data[start + c] as number) - top);
    }
    read.best[row] = best;
    read.top[row] = top;
    read.rest[row] = rest;
  }
  return read;
}

/** The cross-entropy of one of the rows for a class, as {@link ReadRows} has them. */
export function rowLoss({ top, rest }: ReadRows, data: Float64Array, row: number, m: number, target: number): number {
  return (top[row] as number) - (data[row * m + target] as number) + Math.log1p(rest[row] as number);
}
