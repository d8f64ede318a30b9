import { at, dim, ensure, float64, type NdArray, randomStream } from "../core/index.ts";
import { tokenPermutation } from "../math/index.ts";
import { numberOf } from "../tasks/index.ts";

/** Columns summed at a time: their sums over all classes of all primes stay in a processor's cache. */
const CHUNK = 64;

/** Neurons and token permutations of each that make up the null. */
export const NULL_NEURONS = 64;
export const NULL_DRAWS = 20;

/** A variation below this share of the largest magnitude is rounding: the column is constant. */
const CONSTANT = 1e-12;

/** Mean and sum of squared deviations of each column of a matrix [n, d]; the latter is 0 for a constant column. */
function spreads(values: NdArray<"float64">): { readonly means: Float64Array; readonly squares: Float64Array } {
  const [n, d] = [dim(values, 0), dim(values, 1)];
  const { data } = values;
  const [means, squares] = [new Float64Array(d), new Float64Array(d)];
  const [low, high] = [new Float64Array(d).fill(Number.POSITIVE_INFINITY), new Float64Array(d).fill(Number.NEGATIVE_INFINITY)];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < d; j++) {
      const value = data[i * d + j] as number;
      means[j] = (means[j] as number) + value / n;
      if (value < (low[j] as number)) low[j] = value;
      if (value > (high[j] as number)) high[j] = value;
    }
  }
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
  return { means, squares };
}

/** Which of the d columns of a matrix [n, d] vary at all. */
export function liveColumns(values: NdArray<"float64">): boolean[] {
  return Array.from(spreads(values).squares, (square) => square > 0);
}

/** Sums of squares between the classes and in all, [d] for each modulus, and [d]. */
export interface Decomposition {
  readonly between: readonly Float64Array[];
  readonly total: Float64Array;
}

/**
 * How the variation of each column of a matrix [n, d] splits by the residues of its rows' numbers modulo several q: for each q the sum
 * over classes r of n_r·(mean_r − mean)².
 */
export function decompose(values: NdArray<"float64">, numbers: Int32Array, moduli: readonly number[]): Decomposition {
  const [n, d] = [dim(values, 0), dim(values, 1)];
  ensure(numbers.length === n, "input", () => `selectivity: needs a number for each of ${n} rows, got ${numbers.length}`);
  const { data } = values;
  const { means, squares } = spreads(values);
  const count = moduli.length;
  // Where the class of row i under modulus number m begins among the sums: rows of CHUNK columns, one for each class.
  const slots = new Int32Array(n * count);
  const sizes = moduli.map((q) => new Int32Array(q));
  let offset = 0;
  moduli.forEach((q, m) => {
    const size = sizes[m] as Int32Array;
    for (let i = 0; i < n; i++) {
      const r = (numbers[i] as number) % q;
      size[r] = (size[r] as number) + 1;
      slots[i * count + m] = (offset + r) * CHUNK;
    }
    offset += q;
  });
  const between = moduli.map(() => new Float64Array(d));
  const sums = new Float64Array(offset * CHUNK);
  for (let first = 0; first < d; first += CHUNK) {
    const width = Math.min(CHUNK, d - first);
    sums.fill(0);
    for (let i = 0; i < n; i++) {
      const start = i * d + first;
      for (let m = 0; m < count; m++) {
        const slot = slots[i * count + m] as number;
        for (let j = 0; j < width; j++) sums[slot + j] = (sums[slot + j] as number) + (data[start + j] as number);
      }
    }
    let row = 0;
    moduli.forEach((q, m) => {
      const target = between[m] as Float64Array;
      for (let r = 0; r < q; r++, row++) {
        const size = at(sizes[m] as Int32Array, r);
        if (size === 0) continue;
        for (let j = 0; j < width; j++) {
          const deviation = (sums[row * CHUNK + j] as number) - size * (means[first + j] as number);
          target[first + j] = (target[first + j] as number) + (deviation * deviation) / size;
        }
      }
    });
  }
  return { between, total: squares };
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
export function selectivity(values: NdArray<"float64">, numbers: Int32Array, moduli: readonly number[]): Float64Array[] {
  const { between, total } = decompose(values, numbers, moduli);
  return moduli.map((q, m) =>
    (between[m] as Float64Array).map((part, j) => epsilonSquared(part, at(total, j), q, numbers.length)),
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
export function permutedSelectivity(neurons: NdArray<"float64">, p: number, moduli: readonly number[], seed: number): number[][] {
  const random = randomStream(seed, "primes/null");
  const alive = liveColumns(neurons).flatMap((live, j) => (live ? [j] : []));
  const chosen = Array.from(random.permutation(alive.length).slice(0, NULL_NEURONS), (i) => at(alive, i));
  if (chosen.length === 0) return [];
  const sample = pickColumns(neurons, chosen);
  return Array.from({ length: NULL_DRAWS }, () => {
    const { x0, x1 } = tokenPermutation(p, random);
    const byModulus = selectivity(sample, gridNumbers(p, x0, x1), moduli);
    return chosen.map((_, j) => byModulus.map((column) => at(column, j)));
  }).flat();
}
