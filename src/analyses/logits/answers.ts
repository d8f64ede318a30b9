import { dim, type NdArray } from "../../core/index.ts";
import type { Columns } from "../closed-form/contribution.ts";

/**
 * An output head's answers [samples]: the first of its largest logits, with `sign` times a change added.
 *
 * @param change [samples, width of `columns`], whose columns begin at the logits' column `columns.offset`.
 */
export function answersOf(
  logits: NdArray<"float64">,
  head: Columns,
  change?: { readonly by: Float64Array; readonly columns: Columns; readonly sign: 1 | -1 },
): Int32Array {
  const [samples, width] = [dim(logits, 0), dim(logits, 1)];
  const { data } = logits;
  const { by, columns, sign } = change ?? { by: new Float64Array(head.classes), columns: { ...head, classes: 0 }, sign: 1 };
  const answers = new Int32Array(samples);
  for (let i = 0; i < samples; i++) {
    const [own, added] = [i * width + head.offset, i * columns.classes + head.offset - columns.offset];
    let [best, answer] = [Number.NEGATIVE_INFINITY, 0];
    for (let c = 0; c < head.classes; c++) {
      const value = (data[own + c] as number) + sign * (by[added + c] as number);
      if (value > best) {
        best = value;
        answer = c;
      }
    }
    answers[i] = answer;
  }
  return answers;
}

/** Share of places where two lists of answers are the same. */
export function agreement(a: Int32Array, b: Int32Array): number {
  let same = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) same += 1;
  return same / a.length;
}
