import { at, dim, ensure, float64, type NdArray } from "../../core/index.ts";
import type { HeadColumns, TokenPermutation } from "../../math/index.ts";
import { type Head, numberOf, type TaskConfig } from "../../tasks/index.ts";

/**
 * The number that each sample stands for, n = x0 + x1·p, in grid order, [p²].
 *
 * @param order Where given, the tokens are relabelled first.
 */
export function sampleNumbers({ p }: Pick<TaskConfig, "p">, order?: TokenPermutation): Int32Array {
  const numbers = new Int32Array(p * p);
  for (let row = 0; row < p; row++) {
    const x0 = order?.[row] ?? row;
    for (let column = 0; column < p; column++) {
      const x1 = order?.[column] ?? column;
      numbers[row * p + column] = numberOf(x0, x1, p);
    }
  }
  return numbers;
}

/**
 * The place of each number in an output head's own group: n mod q, or for the addition head the sum of the digits mod q. Shuffled
 * labels do not enter: this is the structure of the task, not what was trained on.
 */
export function residues(numbers: Int32Array, { q, adds }: Pick<Head, "q" | "adds">): Int32Array {
  const residue = new Int32Array(numbers.length);
  if (adds) {
    // Its q is p, the base of the digits.
    for (let i = 0; i < numbers.length; i++) {
      const n = numbers[i] as number;
      residue[i] = ((n % q) + Math.floor(n / q)) % q;
    }
    return residue;
  }
  for (let i = 0; i < numbers.length; i++) residue[i] = (numbers[i] as number) % q;
  return residue;
}

/** One output head's logits, [samples, classes]. */
export function headLogits(logits: NdArray<"float64">, { offset, classes }: HeadColumns): NdArray<"float64"> {
  const [samples, stride] = [dim(logits, 0), dim(logits, 1)];
  ensure(
    offset + classes <= stride,
    "input",
    () => `logits: must have columns ${offset}..${offset + classes - 1} for a head, got ${stride} columns`,
  );
  const out = new Float64Array(samples * classes);
  for (let i = 0; i < samples; i++)
    out.set(logits.data.subarray(i * stride + offset, i * stride + offset + classes), i * classes);
  return float64(out, [samples, classes]);
}

/** What is left of centred logits, in units of the largest, where rounding alone has left it. */
const ROUNDING = 1e-11;

function largestOf(values: Float64Array): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return largest;
}

/** Logits minus each sample's mean over classes and each class's mean over samples; zeros where only rounding is left. */
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
  if (largestOf(out) <= ROUNDING * largestOf(logits.data)) out.fill(0);
  return float64(out, logits.shape);
}

/** The samples in the order of their residues, and where each residue's begin: sample numbers, [samples], and starts, [q + 1]. */
interface ResidueOrder {
  readonly order: Int32Array;
  readonly starts: Int32Array;
}

function byResidue(residue: Int32Array, q: number): ResidueOrder {
  const starts = new Int32Array(q + 1);
  for (let i = 0; i < residue.length; i++) {
    const after = (residue[i] as number) + 1;
    starts[after] = (starts[after] as number) + 1;
  }
  for (let r = 0; r < q; r++) starts[r + 1] = (starts[r + 1] as number) + (starts[r] as number);
  const next = starts.slice();
  const order = new Int32Array(residue.length);
  for (let i = 0; i < residue.length; i++) {
    const r = residue[i] as number;
    const place = next[r] as number;
    order[place] = i;
    next[r] = place + 1;
  }
  return { order, starts };
}

/** Sums of the logits over the samples of each residue modulo `q`, [q, classes] (residue, class). */
export function sumsByResidue(logits: NdArray<"float64">, residue: Int32Array, q: number): Float64Array {
  const classes = dim(logits, 1);
  const { data } = logits;
  const { order, starts } = byResidue(residue, q);
  const sums = new Float64Array(q * classes);
  for (let r = 0; r < q; r++) {
    const row = r * classes;
    const end = starts[r + 1] as number;
    const startOf = (place: number) => (order[place] as number) * classes;
    let place = starts[r] as number;
    // Four samples in one go: a sum is then loaded and stored once for all of them.
    for (; place + 4 <= end; place += 4) {
      const [i, j, k, l] = [startOf(place), startOf(place + 1), startOf(place + 2), startOf(place + 3)];
      for (let c = 0; c < classes; c++) {
        const left = (data[i + c] as number) + (data[j + c] as number);
        const right = (data[k + c] as number) + (data[l + c] as number);
        sums[row + c] = (sums[row + c] as number) + (left + right);
      }
    }
    for (; place < end; place++) {
      const i = startOf(place);
      for (let c = 0; c < classes; c++) sums[row + c] = (sums[row + c] as number) + (data[i + c] as number);
    }
  }
  return sums;
}

/**
 * g(δ) = the mean over samples of L[n, (n − δ) mod q], [classes]: the least-squares fit of logits that depend on (n − c) mod q
 * alone.
 *
 * @param logits one output head's, [samples, classes]. @param residue n mod q of each sample.
 */
export function groupKernel(logits: NdArray<"float64">, residue: Int32Array): Float64Array {
  const classes = dim(logits, 1);
  const kernel = new Float64Array(classes);
  sumsByResidue(logits, residue, classes).forEach((total, cell) => {
    const [r, c] = [Math.floor(cell / classes), cell % classes];
    const difference = (r - c + classes) % classes;
    kernel[difference] = at(kernel, difference) + total;
  });
  return kernel.map((total) => total / residue.length);
}

/** Sum of squares of all entries. */
export function energyOf(logits: NdArray<"float64">): number {
  let total = 0;
  for (const value of logits.data) total += value ** 2;
  return total;
}
