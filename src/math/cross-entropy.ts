import { dim, ensure, MiiiiError, type NdArray } from "../core/index.ts";
import { rowKernels } from "./wasm/row-kernels.ts";

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

/** What {@link scan} goes over. */
interface Scanned {
  readonly logits: NdArray;
  readonly targets: Int32Array | NdArray<"int32">;
  readonly heads: readonly HeadColumns[];
  readonly rows: Int32Array | undefined;
  readonly withLoss: boolean;
}

/**
 * Calls `take` with each sample's place among those evaluated, each output head's number, the cross-entropy (0 where it is not
 * asked for) and whether the answer is right; how many samples there are.
 */
function scan(
  { logits, targets, heads, rows, withLoss }: Scanned,
  take: (i: number, h: number, loss: number, isRight: boolean) => void,
): number {
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
  const width = heads.reduce((most, { offset, classes }) => Math.max(most, offset + classes), 0);
  const { numbers, found, read } = rowKernels(
    width,
    heads.map(({ offset, classes }) => [offset, classes]),
  );
  for (let i = 0; i < count; i++) {
    const row = sources[i] as number;
    const sample = rows === undefined ? i : (rows[i] as number);
    numbers.set(logits.data.subarray(row * stride, row * stride + width));
    read(withLoss);
    for (let h = 0; h < heads.length; h++) {
      const { offset, classes } = heads[h] as HeadColumns;
      const target = classOf[sample * heads.length + h] as number;
      if (!(target >= 0 && target < classes)) {
        throw new MiiiiError(
          "input",
          `headMetrics: target of sample ${sample}, output head ${h} must be in 0..${classes - 1}, got ${target}`,
        );
      }
      const top = found[3 * h] as number;
      const value = withLoss ? top - (numbers[offset + target] as number) + Math.log1p(found[3 * h + 2] as number) : top;
      if (!Number.isFinite(value)) {
        throw new MiiiiError(
          "numeric",
          `headMetrics: logits of row ${row}, output head ${h} must be finite, got a ${withLoss ? "loss" : "largest"} of ${value}`,
        );
      }
      take(i, h, withLoss ? value : 0, found[3 * h + 1] === target);
    }
  }
  return count;
}

/** Sums over samples of each output head's cross-entropy, and how many answers are right. */
class Totals {
  readonly #loss: Float64Array;
  readonly #hits: Float64Array;

  constructor(heads: number) {
    this.#loss = new Float64Array(heads);
    this.#hits = new Float64Array(heads);
  }

  add(h: number, loss: number, isRight: boolean): void {
    this.#loss[h] = (this.#loss[h] as number) + loss;
    if (isRight) this.#hits[h] = (this.#hits[h] as number) + 1;
  }

  over(count: number): HeadMetrics {
    const mean = (total: number) => total / count;
    return { loss: Array.from(this.#loss, mean), accuracy: Array.from(this.#hits, mean) };
  }
}

/** Mean cross-entropy (0 where it is not asked for) and accuracy of each output head; see {@link headMetrics}. */
function evaluate(scanned: Scanned): HeadMetrics {
  const totals = new Totals(scanned.heads.length);
  const count = scan(scanned, (_, h, loss, isRight) => totals.add(h, loss, isRight));
  return totals.over(count);
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
  return evaluate({ logits, targets, heads, rows, withLoss: true });
}

/** The accuracies of {@link headMetrics} alone, at a fraction of its time: no exponential is taken. */
export function headAccuracy(
  logits: NdArray,
  targets: Int32Array | NdArray<"int32">,
  heads: readonly HeadColumns[],
  rows?: Int32Array,
): number[] {
  return evaluate({ logits, targets, heads, rows, withLoss: false }).accuracy;
}

/**
 * {@link headMetrics} of all samples and of some of them, in one pass.
 *
 * @param isPart 1 for each sample that is one of the some, [n].
 */
export function metricsWithPart(
  logits: NdArray,
  targets: NdArray<"int32">,
  heads: readonly HeadColumns[],
  isPart: Uint8Array,
): { readonly all: HeadMetrics; readonly part?: HeadMetrics } {
  const [all, part] = [new Totals(heads.length), new Totals(heads.length)];
  const count = scan({ logits, targets, heads, rows: undefined, withLoss: true }, (i, h, loss, isRight) => {
    all.add(h, loss, isRight);
    if (isPart[i] === 1) part.add(h, loss, isRight);
  });
  const parts = isPart.subarray(0, count).reduce((sum, is) => sum + is, 0);
  return { all: all.over(count), ...(parts === 0 ? {} : { part: part.over(parts) }) };
}
