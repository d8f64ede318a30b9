import { at, dim, type NdArray } from "../../core/index.ts";
import { headMetrics } from "../../math/index.ts";
import type { Split } from "../../tasks/index.ts";

/** Mean cross-entropy in nats over all samples and, where the split is known, over the training samples and over all others. */
export type SplitLosses = { all: number; train?: number; test?: number };

/** The samples that were trained on, and all the others (validation and test together), in grid order. */
export interface Partition {
  readonly train: Int32Array;
  readonly test: Int32Array;
}

/** The partition of `samples` samples that a split makes; undefined without a split. */
export function partition(split: Split | undefined, samples: number): Partition | undefined {
  if (split === undefined) return undefined;
  const trained = new Uint8Array(samples);
  for (const i of split.train) trained[i] = 1;
  const pick = (wanted: number) => Int32Array.from({ length: samples }, (_, i) => i).filter((i) => trained[i] === wanted);
  return { train: pick(1), test: pick(0) };
}

/** Mean cross-entropy in nats of one head's logits [samples, classes] over the samples `rows`, or all. */
export function headLoss(logits: NdArray, targets: Int32Array, rows?: Int32Array): number {
  return at(headMetrics(logits, targets, [{ offset: 0, classes: dim(logits, 1) }], rows).loss, 0);
}

/** The same over all samples and by part of the split. */
export function splitLosses(logits: NdArray, targets: Int32Array, parts: Partition | undefined): SplitLosses {
  if (parts === undefined) return { all: headLoss(logits, targets) };
  const [train, test] = [headLoss(logits, targets, parts.train), headLoss(logits, targets, parts.test)];
  const all = (train * parts.train.length + test * parts.test.length) / targets.length;
  return { all, train, test };
}
