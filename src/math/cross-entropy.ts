import { type DataOf, type DType, dim, ensure, MiiiiError, type NdArray } from "../core/index.ts";
import { quickExp } from "./exp.ts";

/** Where an output head's logits stand in a row: from column `offset`, `classes` of them. */
export interface HeadColumns {
  readonly offset: number;
  readonly classes: number;
}

/** Mean cross-entropy in nats and accuracy of each output head, in the order of the output heads. */
export interface HeadMetrics {
  readonly loss: number[];
  readonly accuracy: number[];
}

/**
 * The row of the logits that belongs to each evaluated sample. The logits may hold the named samples alone, in the order named,
 * or every sample.
 */
function logitRows(logits: number, targets: number, rows: Int32Array | undefined): Int32Array {
  const ascending = (count: number) => {
    const order = new Int32Array(count);
    for (let i = 0; i < count; i++) order[i] = i;
    return order;
  };
  if (rows === undefined) {
    ensure(
      logits === targets,
      "input",
      () => `headMetrics: logits and targets must have as many rows, got ${logits} and ${targets}`,
    );
    return ascending(logits);
  }
  ensure(
    rows.every((row) => row >= 0 && row < targets),
    "input",
    () => `headMetrics: rows must lie in 0..${targets - 1}, got ${rows.find((row) => row < 0 || row >= targets)}`,
  );
  const [alone, every] = [logits === rows.length, logits === targets];
  ensure(
    alone || every,
    "input",
    () => `headMetrics: logits must have ${rows.length} rows (the named ones) or ${targets} (every one), got ${logits}`,
  );
  ensure(
    !(alone && every) || rows.every((row, i) => row === i),
    "input",
    () => "headMetrics: rows that name every sample must be in ascending order, or which logits they mean is not known",
  );
  return alone ? ascending(logits) : rows;
}

/** The first of the largest of the `classes` logits that begin at `start`, counted from there. */
function argmaxOf(data: DataOf[DType], start: number, classes: number): number {
  let best = 0;
  let max = data[start] as number;
  for (let c = 1; c < classes; c++) {
    const value = data[start + c] as number;
    if (value > max) {
      max = value;
      best = c;
    }
  }
  return best;
}

/** Cross-entropy of the `classes` logits that begin at `start`, the largest being number `best`. */
function rowCrossEntropy(data: DataOf[DType], start: number, classes: number, target: number, best: number): number {
  const max = data[start + best] as number;
  let others = 0;
  for (let c = 0; c < best; c++) others += quickExp((data[start + c] as number) - max);
  for (let c = best + 1; c < classes; c++) others += quickExp((data[start + c] as number) - max);
  return max - (data[start + target] as number) + Math.log1p(others);
}

/** Mean cross-entropy (0 where it is not asked for) and accuracy of each output head; see {@link headMetrics}. */
function evaluate(
  logits: NdArray,
  targets: Int32Array | NdArray<"int32">,
  heads: readonly HeadColumns[],
  rows: Int32Array | undefined,
  withLoss: boolean,
): HeadMetrics {
  const [n, stride] = [dim(logits, 0), dim(logits, 1)];
  const classOf = targets instanceof Int32Array ? targets : targets.data;
  const m = classOf.length / heads.length;
  ensure(
    Number.isInteger(m) && (targets instanceof Int32Array || dim(targets, 1) === heads.length),
    "input",
    () => `headMetrics: targets must hold ${heads.length} heads a sample, got ${classOf.length} in all`,
  );
  heads.forEach(({ offset, classes }, h) => {
    ensure(
      offset >= 0 && classes >= 1 && offset + classes <= stride,
      "input",
      () => `headMetrics: output head ${h}'s logits ${offset}..${offset + classes - 1} must lie within ${stride} columns`,
    );
  });
  const sources = logitRows(n, m, rows);
  const count = sources.length;
  ensure(count > 0, "input", () => "headMetrics: there must be at least one sample, got none");
  const loss = new Float64Array(heads.length);
  const correct = new Float64Array(heads.length);
  for (let i = 0; i < count; i++) {
    const row = sources[i] as number;
    const sample = rows === undefined ? i : (rows[i] as number);
    for (let h = 0; h < heads.length; h++) {
      const { offset, classes } = heads[h] as HeadColumns;
      const target = classOf[sample * heads.length + h] as number;
      if (!(target >= 0 && target < classes)) {
        throw new MiiiiError(
          "input",
          `headMetrics: target of sample ${sample}, output head ${h} must be in 0..${classes - 1}, got ${target}`,
        );
      }
      const start = row * stride + offset;
      const best = argmaxOf(logits.data, start, classes);
      // Without the loss one logit is looked at: a forward pass that has gone wrong has no finite ones.
      const value = withLoss ? rowCrossEntropy(logits.data, start, classes, target, best) : (logits.data[start + best] as number);
      if (!Number.isFinite(value)) {
        throw new MiiiiError(
          "numeric",
          `headMetrics: logits of row ${row}, output head ${h} must be finite, got a ${withLoss ? "loss" : "largest"} of ${value}`,
        );
      }
      if (withLoss) loss[h] = (loss[h] as number) + value;
      if (best === target) correct[h] = (correct[h] as number) + 1;
    }
  }
  return { loss: Array.from(loss, (total) => total / count), accuracy: Array.from(correct, (hits) => hits / count) };
}

/**
 * Mean cross-entropy (nats) and accuracy per output head, in float64 whatever the logits are stored in.
 *
 * A sample's loss is log Σ_c exp(l_c − l_target), computed as (max − l_target) + log1p(Σ over the others of exp(l_c − max)):
 * exact to float64's relative precision however small it is (logits that differ by 40 give losses near 1e-17, not 0), and without
 * overflow however large. The predicted class is the first of the largest logits.
 *
 * @param logits [n, classes]; columns beyond the output heads' (an extra '=' class) are not looked at.
 * @param targets class of each sample and output head, [m, heads].
 * @param output heads where each output head's logits begin (`offset`) and how many they are (`classes`).
 * @param rows the samples to evaluate, as rows of `targets`; the logits hold either these alone, in this order, or all m.
 * @throws MiiiiError `input` where shapes do not fit or a target is no class; `numeric` where a logit is not finite.
 */
export function headMetrics(
  logits: NdArray,
  targets: Int32Array | NdArray<"int32">,
  heads: readonly HeadColumns[],
  rows?: Int32Array,
): HeadMetrics {
  return evaluate(logits, targets, heads, rows, true);
}

/** The accuracies of {@link headMetrics} alone, at a fraction of its time: no exponential is taken. */
export function headAccuracy(
  logits: NdArray,
  targets: Int32Array | NdArray<"int32">,
  heads: readonly HeadColumns[],
  rows?: Int32Array,
): number[] {
  return evaluate(logits, targets, heads, rows, false).accuracy;
}
