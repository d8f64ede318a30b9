import { at, dim, ensure, float64, type NdArray } from "../../core/index.ts";
import type { TokenPermutation } from "../../math/index.ts";
import type { Head, TaskConfig } from "../../tasks/index.ts";

/**
 * The class that each sample has for a head by the rule of the task, in grid order, [p²]: the remainder modulo q of n = x0 + x1·p
 * (of x0 + x1 for addition), or whether q divides it. Shuffled labels do not enter: this is the structure, not what was trained on.
 *
 * @param permutation Where given, the tokens are relabelled first.
 */
export function residues(
  head: Head,
  config: Pick<TaskConfig, "task" | "p" | "labels">,
  permutation?: TokenPermutation,
): Int32Array {
  const { p, task, labels } = config;
  return Int32Array.from({ length: p * p }, (_, i) => {
    const [row, column] = [Math.floor(i / p), i % p];
    const [x0, x1] = [permutation?.x0[row] ?? row, permutation?.x1[column] ?? column];
    const remainder = (task === "nanda" ? x0 + x1 : x0 + x1 * p) % head.q;
    return labels === "divisibility" ? Number(remainder === 0) : remainder;
  });
}

/** One head's logits, [samples, classes]. */
export function headLogits(logits: NdArray<"float64">, head: Head): NdArray<"float64"> {
  const [samples, stride] = [dim(logits, 0), dim(logits, 1)];
  const { offset, classes } = head;
  ensure(
    offset + classes <= stride,
    "input",
    () => `logits: head q = ${head.q} needs columns ${offset}..${offset + classes - 1}, got ${stride} columns`,
  );
  const out = new Float64Array(samples * classes);
  for (let i = 0; i < samples; i++)
    out.set(logits.data.subarray(i * stride + offset, i * stride + offset + classes), i * classes);
  return float64(out, [samples, classes]);
}

/** Logits minus each sample's mean over classes and each class's mean over samples. */
export function doubleCentred(logits: NdArray<"float64">): NdArray<"float64"> {
  const [samples, classes] = [dim(logits, 0), dim(logits, 1)];
  const out = logits.data.slice();
  const means = new Float64Array(classes);
  for (let i = 0; i < samples; i++) {
    let total = 0;
    for (let c = 0; c < classes; c++) total += out[i * classes + c] as number;
    for (let c = 0; c < classes; c++) {
      const value = (out[i * classes + c] as number) - total / classes;
      out[i * classes + c] = value;
      means[c] = (means[c] as number) + value / samples;
    }
  }
  for (let i = 0; i < samples; i++) {
    for (let c = 0; c < classes; c++) out[i * classes + c] = (out[i * classes + c] as number) - (means[c] as number);
  }
  return float64(out, logits.shape);
}

/**
 * Calls `visit(flat, difference)` for every (sample i, class c), flat = i·classes + c, with the difference (residue_i − c) mod classes:
 * from the residue down to 0, then from the top down.
 */
function forEachDifference(residue: Int32Array, classes: number, visit: (flat: number, difference: number) => void): void {
  for (let i = 0; i < residue.length; i++) {
    const r = residue[i] as number;
    const start = i * classes;
    for (let c = 0; c <= r; c++) visit(start + c, r - c);
    for (let c = r + 1; c < classes; c++) visit(start + c, r - c + classes);
  }
}

/**
 * g(δ) = the mean over samples of L[n, (n − δ) mod q], [classes]: the least-squares fit of logits that depend on (n − c) mod q alone.
 *
 * @param logits one head's, [samples, classes]. @param residue n mod q of each sample.
 */
export function groupKernel(logits: NdArray<"float64">, residue: Int32Array): Float64Array {
  const classes = dim(logits, 1);
  const { data } = logits;
  const kernel = new Float64Array(classes);
  forEachDifference(residue, classes, (flat, difference) => {
    kernel[difference] = (kernel[difference] as number) + (data[flat] as number);
  });
  return kernel.map((total) => total / residue.length);
}

/** Sum of squares of all entries. */
export function energyOf(logits: NdArray<"float64">): number {
  let total = 0;
  for (const value of logits.data) total += value ** 2;
  return total;
}

/** Share of double-centred logits' energy that lies along functions of (n − c) mod q, from 0 to 1; 0 for constant logits. */
export function kernelShare(centred: NdArray<"float64">, residue: Int32Array, energy: number): number {
  if (energy === 0) return 0;
  const kernel = groupKernel(centred, residue);
  return (residue.length * kernel.reduce((total, value) => total + value ** 2, 0)) / energy;
}

/** The logits' two parts: `restricted` = g((n − c) mod q) + class means of the rest; `excluded` = the rest. */
export function splitByKernel(
  logits: NdArray<"float64">,
  residue: Int32Array,
  kernel: Float64Array,
): { readonly restricted: NdArray<"float64">; readonly excluded: NdArray<"float64"> } {
  const [samples, classes] = [dim(logits, 0), dim(logits, 1)];
  const [ideal, rest] = [new Float64Array(samples * classes), new Float64Array(samples * classes)];
  forEachDifference(residue, classes, (flat, difference) => {
    ideal[flat] = kernel[difference] as number;
    rest[flat] = (logits.data[flat] as number) - (kernel[difference] as number);
  });
  const means = new Float64Array(classes);
  for (let i = 0; i < samples; i++)
    for (let c = 0; c < classes; c++) means[c] = at(means, c) + (rest[i * classes + c] as number) / samples;
  for (let i = 0; i < samples; i++) {
    for (let c = 0; c < classes; c++) ideal[i * classes + c] = (ideal[i * classes + c] as number) + (means[c] as number);
  }
  return { restricted: float64(ideal, logits.shape), excluded: float64(rest, logits.shape) };
}
