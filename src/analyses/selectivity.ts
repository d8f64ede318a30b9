import { at, dim, ensure, float64, type NdArray, randomStream } from "../core/index.ts";
import { tokenPermutation } from "../math/index.ts";
import { numberOf } from "../tasks/index.ts";

/** Columns summed at a time: their sums over all classes of all primes stay in a processor's cache. */
const CHUNK = 64;

/** Moduli added to at a time. */
const TOGETHER = 4;

/** Neurons and token permutations of each that make up the null. */
export const NULL_NEURONS = 64;
export const NULL_DRAWS = 20;

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

/** Where the class of each row under each modulus begins among the sums, and how many rows each class has. */
interface Slots {
  /** [n, stride], in units of the sums' entries. */
  readonly starts: Int32Array;
  /** The number of moduli, up to the next multiple of {@link TOGETHER}: what is left over goes to a row that nobody reads. */
  readonly stride: number;
  readonly sizes: readonly Int32Array[];
}

function slotsOf(numbers: Int32Array, moduli: readonly number[]): Slots {
  const n = numbers.length;
  const stride = Math.ceil(moduli.length / TOGETHER) * TOGETHER;
  const classes = moduli.reduce((total, q) => total + q, 0);
  const starts = new Int32Array(n * stride).fill(classes * CHUNK);
  let offset = 0;
  const sizes = moduli.map((q, m) => {
    const size = new Int32Array(q);
    for (let i = 0; i < n; i++) {
      const r = (numbers[i] as number) % q;
      size[r] = (size[r] as number) + 1;
      starts[i * stride + m] = (offset + r) * CHUNK;
    }
    offset += q;
    return size;
  });
  return { starts, stride, sizes };
}

/** Adds columns first..first+width−1 of every row to the sums of its classes. */
function addRows(sums: Float64Array, values: NdArray<"float64">, { starts, stride }: Slots, first: number, width: number): void {
  const [n, d] = [dim(values, 0), dim(values, 1)];
  const { data } = values;
  for (let i = 0; i < n; i++) {
    const start = i * d + first;
    // Several moduli in one go: an entry is then loaded once for all of them, which halves the time.
    for (let m = i * stride; m < (i + 1) * stride; m += TOGETHER) {
      const a = starts[m] as number;
      const b = starts[m + 1] as number;
      const c = starts[m + 2] as number;
      const e = starts[m + 3] as number;
      for (let j = 0; j < width; j++) {
        const value = data[start + j] as number;
        sums[a + j] = (sums[a + j] as number) + value;
        sums[b + j] = (sums[b + j] as number) + value;
        sums[c + j] = (sums[c + j] as number) + value;
        sums[e + j] = (sums[e + j] as number) + value;
      }
    }
  }
}

/**
 * How the variation of each column splits by the residues of its rows' numbers modulo several q: for each q the sum over classes r of
 * n_r·(mean_r − mean)², [moduli][d].
 */
export function decompose({ values, means }: Columns, numbers: Int32Array, moduli: readonly number[]): Float64Array[] {
  const [n, d] = [dim(values, 0), dim(values, 1)];
  ensure(numbers.length === n, "input", () => `selectivity: needs a number for each of ${n} rows, got ${numbers.length}`);
  const slots = slotsOf(numbers, moduli);
  const between = moduli.map(() => new Float64Array(d));
  const sums = new Float64Array((moduli.reduce((total, q) => total + q, 0) + 1) * CHUNK);
  for (let first = 0; first < d; first += CHUNK) {
    const width = Math.min(CHUNK, d - first);
    sums.fill(0);
    addRows(sums, values, slots, first, width);
    let row = 0;
    moduli.forEach((q, m) => {
      const target = between[m] as Float64Array;
      for (let r = 0; r < q; r++, row++) {
        const size = at(slots.sizes[m] as Int32Array, r);
        if (size === 0) continue;
        for (let j = 0; j < width; j++) {
          const deviation = (sums[row * CHUNK + j] as number) - size * (means[first + j] as number);
          target[first + j] = (target[first + j] as number) + (deviation * deviation) / size;
        }
      }
    });
  }
  return between;
}

/**
 * ε² = (η² − m)/(1 − m), the share of variance that n mod q explains beyond what chance would, with η² = between/total and m = (q − 1)/(n − 1)
 * for n samples (Kelley 1935); 0 where there is no variance.
 */
export function epsilonSquared(between: number, total: number, q: number, samples: number): number {
  if (total === 0) return 0;
  const expected = (q - 1) / (samples - 1);
  return (between / total - expected) / (1 - expected);
}

/** ε² of each column by each modulus: [moduli][d]. */
export function selectivity(columns: Columns, numbers: Int32Array, moduli: readonly number[]): Float64Array[] {
  const between = decompose(columns, numbers, moduli);
  const samples = numbers.length;
  return moduli.map((q, m) =>
    (between[m] as Float64Array).map((part, j) => epsilonSquared(part, at(columns.squares, j), q, samples)),
  );
}

/** n = x0 + x1·p of every sample in grid order, [p²]; with each digit's values relabelled where orders are given. */
export function gridNumbers(p: number, x0s?: Int32Array, x1s?: Int32Array): Int32Array {
  return Int32Array.from({ length: p * p }, (_, i) => {
    const [x0, x1] = [Math.floor(i / p), i % p];
    return numberOf(x0s?.[x0] ?? x0, x1s?.[x1] ?? x1, p);
  });
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

/**
 * ε² of live neurons under token permutations, one list over moduli for each of {@link NULL_DRAWS} permutations of each of
 * {@link NULL_NEURONS} seeded neurons (or as many as are alive).
 */
export function permutedSelectivity(neurons: Columns, p: number, moduli: readonly number[], seed: number): number[][] {
  const random = randomStream(seed, "primes/null");
  const alive = liveColumns(neurons).flatMap((live, j) => (live ? [j] : []));
  const chosen = Array.from(random.permutation(alive.length).slice(0, NULL_NEURONS), (i) => at(alive, i));
  if (chosen.length === 0) return [];
  const sample = columnsOf(pickColumns(neurons.values, chosen));
  return Array.from({ length: NULL_DRAWS }, () => {
    const { x0, x1 } = tokenPermutation(p, random);
    const byModulus = selectivity(sample, gridNumbers(p, x0, x1), moduli);
    return chosen.map((_, j) => byModulus.map((column) => at(column, j)));
  }).flat();
}
