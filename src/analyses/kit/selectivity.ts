import { at, dim, ensure, float64, type NdArray } from "../../core/index.ts";
import type { TokenPermutation } from "../../math/index.ts";
import { numberOf } from "../../tasks/index.ts";

/** Columns summed at a time: enough to read rows in runs, few enough that the sums stay near the processor. */
const CHUNK = 32;

/** A neuron reacts to n mod q when that explains more than this share of its variance (and more than the null). */
export const SELECTIVE = 0.1;

/** A variation below this share of the largest magnitude is rounding: the column is constant. */
const CONSTANT = 1e-12;

/** A matrix [n, d] with each column's mean and sum of squared deviations; the latter is 0 for a constant column. */
export interface Columns {
  readonly values: NdArray<"float64">;
  readonly means: Float64Array;
  readonly squares: Float64Array;
}

/** Prepares a matrix [n, d] for {@link decompose}. */
export function columnsOf(values: NdArray<"float64">): Columns {
  const [n, d] = [dim(values, 0), dim(values, 1)];
  const { data } = values;
  const [means, squares] = [new Float64Array(d), new Float64Array(d)];
  const low = data.slice(0, d);
  const high = data.slice(0, d);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < d; j++) {
      const value = data[i * d + j] as number;
      means[j] = (means[j] as number) + value;
      if (value < (low[j] as number)) low[j] = value;
      if (value > (high[j] as number)) high[j] = value;
    }
  }
  for (let j = 0; j < d; j++) means[j] = (means[j] as number) / n;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < d; j++) {
      const deviation = (data[i * d + j] as number) - (means[j] as number);
      squares[j] = (squares[j] as number) + deviation * deviation;
    }
  }
  for (let j = 0; j < d; j++) {
    const magnitude = Math.max(Math.abs(at(low, j)), Math.abs(at(high, j)));
    if (at(high, j) - at(low, j) <= CONSTANT * magnitude) squares[j] = 0;
  }
  return { values, means, squares };
}

/** Which columns vary at all. */
export function liveColumns({ squares }: Columns): boolean[] {
  return Array.from(squares, (square) => square > 0);
}

/**
 * Moduli whose sums are taken from those modulo their product; products stay below half of the numbers, beyond which nothing is
 * saved. Each of the others is by itself.
 */
function groupModuli(moduli: readonly number[], height: number): number[][] {
  const rest = moduli.map((_, m) => m).sort((a, b) => at(moduli, a) - at(moduli, b));
  const groups: number[][] = [];
  while (rest.length > 0) {
    const largest = rest.pop() as number;
    const smallest = rest[0];
    const paired = smallest !== undefined && 2 * at(moduli, smallest) * at(moduli, largest) <= height;
    groups.push(paired ? [largest, rest.shift() as number] : [largest]);
  }
  return groups;
}

/** Sums of the first `rows` rows, `width` numbers each, over equal row number modulo q; written to the first q rows of `sums`. */
function foldRows(sums: Float64Array, values: Float64Array, rows: number, q: number, width: number): void {
  const [period, end] = [q * width, rows * width];
  sums.set(values.subarray(0, Math.min(period, end)));
  if (period > end) sums.fill(0, end, period);
  let start = period;
  // Four periods in one go: a sum is then loaded and stored once for all of them.
  for (; start + 4 * period <= end; start += 4 * period) {
    for (let j = 0, i = start; j < period; j++, i++) {
      const left = (values[i] as number) + (values[i + period] as number);
      const right = (values[i + 2 * period] as number) + (values[i + 3 * period] as number);
      sums[j] = (sums[j] as number) + (left + right);
    }
  }
  for (; start < end; start += period) {
    const length = Math.min(period, end - start);
    for (let j = 0; j < length; j++) sums[j] = (sums[j] as number) + (values[start + j] as number);
  }
}

/** How many numbers each class modulo q has, [q], from how many there are of each number. */
function classSizes(counts: Int32Array, q: number): Int32Array {
  const sizes = new Int32Array(q);
  for (let start = 0; start < counts.length; start += q) {
    const end = Math.min(q, counts.length - start);
    for (let r = 0; r < end; r++) sizes[r] = (sizes[r] as number) + (counts[start + r] as number);
  }
  return sizes;
}

/** Sums over the classes modulo one of the moduli, of some columns at a time. */
interface ClassSums {
  /** Which of the moduli. */
  readonly m: number;
  /** How many numbers each class has, [q]. */
  readonly sizes: Int32Array;
  /** The first of the columns, and how many they are. */
  readonly first: number;
  readonly width: number;
  /** [q, width], in its first entries; valid until the next call. */
  readonly sums: Float64Array;
}

/** Calls `visit` with the sums of a matrix's rows [n, d] over the classes of their numbers, for each modulus and some columns. */
export function forClassSums(
  values: NdArray<"float64">,
  numbers: Int32Array,
  moduli: readonly number[],
  visit: (sums: ClassSums) => void,
): void {
  const [n, d] = [dim(values, 0), dim(values, 1)];
  const { data } = values;
  ensure(numbers.length === n, "input", () => `selectivity: needs a number for each of ${n} rows, got ${numbers.length}`);
  let height = 1;
  for (let i = 0; i < n; i++) height = Math.max(height, (numbers[i] as number) + 1);
  const counts = new Int32Array(height);
  for (let i = 0; i < n; i++) counts[numbers[i] as number] = (counts[numbers[i] as number] as number) + 1;
  const groups = groupModuli(moduli, height).map((members) => ({
    members,
    product: members.reduce((product, m) => product * at(moduli, m), 1),
  }));
  const sizes = moduli.map((q) => classSizes(counts, q));
  /** The rows in the order of their numbers, those of one number added up. */
  const ordered = new Float64Array(height * CHUNK);
  const shared = new Float64Array(Math.max(0, ...groups.map(({ product }) => product)) * CHUNK);
  const sums = new Float64Array(Math.max(0, ...moduli) * CHUNK);
  for (let first = 0; first < d; first += CHUNK) {
    const width = Math.min(CHUNK, d - first);
    ordered.fill(0);
    for (let i = 0; i < n; i++) {
      const source = i * d + first;
      const target = (numbers[i] as number) * width;
      for (let j = 0; j < width; j++) ordered[target + j] = (ordered[target + j] as number) + (data[source + j] as number);
    }
    for (const { members, product } of groups) {
      foldRows(shared, ordered, height, product, width);
      for (const m of members) {
        const q = at(moduli, m);
        if (q !== product) foldRows(sums, shared, product, q, width);
        visit({ m, sizes: sizes[m] as Int32Array, first, width, sums: q === product ? shared : sums });
      }
    }
  }
}

/**
 * How the variation of each column splits by the residues of its rows' numbers modulo several q: for each q the sum over classes
 * r of n_r·(mean_r − mean)², [moduli][d].
 */
export function decompose({ values, means }: Columns, numbers: Int32Array, moduli: readonly number[]): Float64Array[] {
  const between = moduli.map(() => new Float64Array(dim(values, 1)));
  forClassSums(values, numbers, moduli, ({ m, sizes, first, width, sums }) => {
    const target = between[m] as Float64Array;
    for (let r = 0; r < sizes.length; r++) {
      const count = sizes[r] as number;
      if (count === 0) continue;
      for (let j = 0; j < width; j++) {
        const deviation = (sums[r * width + j] as number) - count * (means[first + j] as number);
        target[first + j] = (target[first + j] as number) + (deviation * deviation) / count;
      }
    }
  });
  return between;
}

/**
 * ε² = (η² − m)/(1 − m), the share of variance that n mod q explains beyond what chance would, with η² = between/total and m = (q
 * − 1)/(n − 1) for n samples (Kelley 1935); 0 where there is no variance.
 */
export function epsilonSquared(between: number, total: number, q: number, samples: number): number {
  if (total === 0) return 0;
  const expected = (q - 1) / (samples - 1);
  return (between / total - expected) / (1 - expected);
}

/** ε² of each column by each modulus, [moduli][d], from the sums of squares between classes and in all. */
export function selectivityOf(
  between: readonly Float64Array[],
  squares: Float64Array,
  moduli: readonly number[],
  samples: number,
): Float64Array[] {
  return moduli.map((q, m) =>
    (between[m] as Float64Array).map((part, j) => epsilonSquared(part, squares[j] as number, q, samples)),
  );
}

/** ε² of each column by each modulus: [moduli][d]. */
export function selectivity(columns: Columns, numbers: Int32Array, moduli: readonly number[]): Float64Array[] {
  return selectivityOf(decompose(columns, numbers, moduli), columns.squares, moduli, numbers.length);
}

/** n = x0 + x1·p of every sample in grid order, [p²]; with the tokens relabelled where an order of them is given. */
export function gridNumbers(p: number, order?: TokenPermutation): Int32Array {
  const numbers = new Int32Array(p * p);
  for (let x0 = 0; x0 < p; x0++) {
    for (let x1 = 0; x1 < p; x1++) numbers[x0 * p + x1] = numberOf(order?.[x0] ?? x0, order?.[x1] ?? x1, p);
  }
  return numbers;
}

/** x0 + x1 of every sample in grid order, [p²]. */
export function digitSums(p: number): Int32Array {
  return Int32Array.from({ length: p * p }, (_, i) => Math.floor(i / p) + (i % p));
}

/** Some columns of a matrix, copied: [n, picked]. */
export function pickColumns(values: NdArray<"float64">, columns: ArrayLike<number>): NdArray<"float64"> {
  const [n, d] = [dim(values, 0), dim(values, 1)];
  const out = new Float64Array(n * columns.length);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < columns.length; j++) out[i * columns.length + j] = values.data[i * d + (columns[j] as number)] as number;
  }
  return float64(out, [n, columns.length]);
}
