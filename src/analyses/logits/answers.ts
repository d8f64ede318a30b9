import { at, dim, type NdArray } from "../../core/index.ts";
import type { Columns } from "../closed-form/contribution.ts";

/**
 * A change of logits, [samples, width of `columns`], whose columns begin at the logits' column `columns.offset`; it counts `sign`
 * times.
 */
export interface LogitChange {
  readonly by: Float64Array;
  readonly columns: Columns;
  readonly sign: 1 | -1;
}

/**
 * Output heads' answers, [heads] of [samples]: the first of the largest logits of each, with a change added. One pass over the
 * logits serves all.
 */
export function allAnswersOf(logits: NdArray<"float64">, heads: readonly Columns[], change?: LogitChange): Int32Array[] {
  const [samples, width] = [dim(logits, 0), dim(logits, 1)];
  const { data } = logits;
  const { by, columns, sign } = change ?? { by: new Float64Array(width), columns: { offset: 0, classes: 0 }, sign: 1 };
  const answers = heads.map(() => new Int32Array(samples));
  for (let i = 0; i < samples; i++) {
    for (let h = 0; h < heads.length; h++) {
      const { offset, classes } = heads[h] as Columns;
      const [own, added] = [i * width + offset, i * columns.classes + offset - columns.offset];
      let [best, answer] = [Number.NEGATIVE_INFINITY, 0];
      for (let c = 0; c < classes; c++) {
        const value = (data[own + c] as number) + sign * (by[added + c] as number);
        if (value > best) {
          best = value;
          answer = c;
        }
      }
      (answers[h] as Int32Array)[i] = answer;
    }
  }
  return answers;
}

/** The answers of one output head, [samples]; see {@link allAnswersOf}. */
export function answersOf(logits: NdArray<"float64">, head: Columns, change?: LogitChange): Int32Array {
  return at(allAnswersOf(logits, [head], change), 0);
}

/** Share of places where two lists of answers are the same. */
export function agreement(a: Int32Array, b: Int32Array): number {
  let same = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) same += 1;
  return same / a.length;
}
