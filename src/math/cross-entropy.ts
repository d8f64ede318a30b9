import { dim, ensure, MiiiiError, type NdArray } from "../core/index.ts";

/** Mean cross-entropy in nats and accuracy of each head, in the order of the heads. */
export interface HeadMetrics {
  readonly loss: number[];
  readonly accuracy: number[];
}

/**
 * Which row of the logits goes with which row of the targets, one pair for each evaluated sample. The logits may hold the named
 * samples alone, in the order named, or every sample.
 */
function pairRows(logits: number, targets: number, rows: Int32Array | undefined): (i: number) => readonly [number, number] {
  if (rows === undefined) {
    ensure(
      logits === targets,
      "input",
      () => `headMetrics: logits and targets must have as many rows, got ${logits} and ${targets}`,
    );
    return (i) => [i, i];
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
  return alone ? (i) => [i, rows[i] as number] : (i) => [rows[i] as number, rows[i] as number];
}

/** The largest logit's class and the cross-entropy of the `classes` logits that begin at `start`. */
function rowLoss(
  data: Float32Array | Float64Array | Int32Array,
  start: number,
  classes: number,
  target: number,
): { readonly best: number; readonly value: number } {
  let best = 0;
  let max = data[start] as number;
  for (let c = 1; c < classes; c++) {
    const value = data[start + c] as number;
    if (value > max) {
      max = value;
      best = c;
    }
  }
  let others = 0;
  for (let c = 0; c < best; c++) others += Math.exp((data[start + c] as number) - max);
  for (let c = best + 1; c < classes; c++) others += Math.exp((data[start + c] as number) - max);
  return { best, value: max - (data[start + target] as number) + Math.log1p(others) };
}

/**
 * Mean cross-entropy (nats) and accuracy per head, in float64 whatever the logits are stored in.
 *
 * A sample's loss is log Σ_c exp(l_c − l_target), computed as (max − l_target) + log1p(Σ over the others of exp(l_c − max)): exact
 * to float64's relative precision however small it is (logits that differ by 40 give losses near 1e-17, not 0), and without
 * overflow however large. The predicted class is the first of the largest logits.
 *
 * @param logits [n, classes]; columns beyond the heads' (an extra '=' class) are not looked at.
 * @param targets class of each sample and head, [m, heads].
 * @param heads where each head's logits begin (`offset`) and how many they are (`classes`).
 * @param rows the samples to evaluate, as rows of `targets`; the logits hold either these alone, in this order, or all m.
 * @throws MiiiiError `input` where shapes do not fit or a target is no class; `numeric` where a logit is not finite.
 */
export function headMetrics(
  logits: NdArray,
  targets: Int32Array | NdArray<"int32">,
  heads: readonly { readonly offset: number; readonly classes: number }[],
  rows?: Int32Array,
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
      () => `headMetrics: head ${h}'s logits ${offset}..${offset + classes - 1} must lie within ${stride} columns`,
    );
  });
  const pair = pairRows(n, m, rows);
  const count = rows?.length ?? n;
  ensure(count > 0, "input", () => "headMetrics: there must be at least one sample, got none");
  const loss = heads.map(() => 0);
  const accuracy = heads.map(() => 0);
  for (let i = 0; i < count; i++) {
    const [row, sample] = pair(i);
    heads.forEach(({ offset, classes }, h) => {
      const target = classOf[sample * heads.length + h] as number;
      if (!(target >= 0 && target < classes)) {
        throw new MiiiiError(
          "input",
          `headMetrics: target of sample ${sample}, head ${h} must be in 0..${classes - 1}, got ${target}`,
        );
      }
      const { best, value } = rowLoss(logits.data, row * stride + offset, classes, target);
      if (!Number.isFinite(value)) {
        throw new MiiiiError("numeric", `headMetrics: logits of row ${row}, head ${h} must be finite, got a loss of ${value}`);
      }
      loss[h] = (loss[h] as number) + value / count;
      if (best === target) accuracy[h] = (accuracy[h] as number) + 1;
    });
  }
  return { loss, accuracy: accuracy.map((correct) => correct / count) };
}
