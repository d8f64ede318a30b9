import { at, dim, float64, type NdArray } from "../../core/index.ts";
import { matmul } from "../../math/index.ts";
import type { Head } from "../../tasks/index.ts";

/** Consecutive columns of the logits. */
export interface Columns {
  readonly offset: number;
  readonly classes: number;
}

/** The columns of all heads. */
export function allColumns(heads: readonly Head[]): Columns {
  return { offset: 0, classes: heads.reduce((total, { classes }) => total + classes, 0) };
}

/** The rows of a matrix at the given places, [rows.length, width]. */
export function rowsAt(matrix: NdArray<"float64">, rows: ArrayLike<number>): NdArray<"float64"> {
  const width = dim(matrix, 1);
  const out = new Float64Array(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    const start = at(rows, i) * width;
    out.set(matrix.data.subarray(start, start + width), i * width);
  }
  return float64(out, [rows.length, width]);
}

/**
 * What a group of neurons adds to logits: values[:, group] times readout[group, columns], [samples, classes]. A patch changes the
 * logits by this much and by nothing else, for what follows the neurons is linear.
 */
export function contribution(
  values: NdArray<"float64">,
  readout: NdArray<"float64">,
  group: readonly number[],
  { offset, classes }: Columns,
): Float64Array {
  const [samples, width, logits] = [dim(values, 0), dim(values, 1), dim(readout, 1)];
  const own = new Float64Array(samples * group.length);
  for (let i = 0; i < samples; i++)
    group.forEach((j, g) => {
      own[i * group.length + g] = values.data[i * width + j] as number;
    });
  const rows = new Float64Array(group.length * classes);
  group.forEach((j, g) => {
    rows.set(readout.data.subarray(j * logits + offset, j * logits + offset + classes), g * classes);
  });
  return matmul(float64(own, [samples, group.length]), float64(rows, [group.length, classes])).data;
}

/**
 * A head's answers [samples]: the first of its largest logits, with `sign` times a change added.
 *
 * @param change [samples, width of `columns`], whose columns begin at the logits' column `columns.offset`.
 */
export function answersOf(
  logits: NdArray<"float64">,
  head: Columns,
  change?: { readonly by: Float64Array; readonly columns: Columns; readonly sign: 1 | -1 },
): Int32Array {
  const [samples, width] = [dim(logits, 0), dim(logits, 1)];
  const answers = new Int32Array(samples);
  for (let i = 0; i < samples; i++) {
    let best = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < head.classes; c++) {
      let value = logits.data[i * width + head.offset + c] as number;
      if (change !== undefined) {
        const { by, columns, sign } = change;
        value += sign * (by[i * columns.classes + head.offset - columns.offset + c] as number);
      }
      if (value > best) {
        best = value;
        answers[i] = c;
      }
    }
  }
  return answers;
}

/** Share of places where two lists of answers are the same. */
export function agreement(a: Int32Array, b: Int32Array): number {
  let same = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) same += 1;
  return same / a.length;
}
