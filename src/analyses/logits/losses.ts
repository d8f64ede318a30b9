import { at, dim, type NdArray } from "../../core/index.ts";
import { headMetrics, readRows, rowLoss } from "../../math/index.ts";
import type { Split } from "../../tasks/index.ts";

/** Mean cross-entropy in nats over all samples and, where the split is known, over the training samples and over all others. */
export type SplitLosses = { all: number; train?: number; test?: number };

/** The samples that were trained on, and all the others (validation and test together), in grid order. */
export interface Partition {
  readonly train: Int32Array;
  readonly test: Int32Array;
}

function everyIndex(count: number): Int32Array {
  const indices = new Int32Array(count);
  for (let i = 0; i < count; i++) indices[i] = i;
  return indices;
}

/** The partition of `samples` samples that a split makes; undefined without a split. */
export function partition(split: Split | undefined, samples: number): Partition | undefined {
  if (split === undefined) return undefined;
  const trained = new Uint8Array(samples);
  for (const i of split.train) trained[i] = 1;
  const all = everyIndex(samples);
  const pick = (wanted: number) => all.filter((i) => trained[i] === wanted);
  return { train: pick(1), test: pick(0) };
}

/** Mean cross-entropy in nats of one output head's logits [samples, classes] over the samples `rows`, or all. */
export function headLoss(logits: NdArray, targets: Int32Array, rows?: Int32Array): number {
  return at(headMetrics(logits, targets, [{ offset: 0, classes: dim(logits, 1) }], rows).loss, 0);
}

function byPart(parts: Partition | undefined, loss: (samples?: Int32Array) => number): SplitLosses {
  if (parts === undefined) return { all: loss() };
  const [train, test] = [loss(parts.train), loss(parts.test)];
  const all = (train * parts.train.length + test * parts.test.length) / (parts.train.length + parts.test.length);
  return { all, train, test };
}

/** The same over all samples and by part of the split. */
export function splitLosses(logits: NdArray, targets: Int32Array, parts: Partition | undefined): SplitLosses {
  return byPart(parts, (samples) => headLoss(logits, targets, samples));
}

/**
 * The same for logits of which there are few different rows: sample i has row `rowOf[i]` of `table` [rows, classes]. What a row
 * costs each target is computed once.
 */
export function tabledLosses(
  table: NdArray<"float64">,
  rowOf: Int32Array,
  targets: Int32Array,
  parts: Partition | undefined,
): SplitLosses {
  const [kinds, classes] = [dim(table, 0), dim(table, 1)];
  const read = readRows(table.data, classes, true);
  return byPart(parts, (samples = everyIndex(targets.length)) => {
    const counts = new Int32Array(kinds * classes);
    for (const i of samples) {
      const cell = (rowOf[i] as number) * classes + (targets[i] as number);
      counts[cell] = (counts[cell] as number) + 1;
    }
    let total = 0;
    for (let row = 0; row < kinds; row++) {
      for (let c = 0; c < classes; c++) {
        const count = counts[row * classes + c] as number;
        if (count > 0) total += count * rowLoss(read, table.data, row, classes, c);
      }
    }
    return total / samples.length;
  });
}
