import { at, dim, ensure, float64, type NdArray } from "../core/index.ts";
import { dft, rfft } from "./dft.ts";

/** Name of each row of the real Fourier basis over p tokens: const, cos 1, sin 1, …, cos (p−1)/2, sin (p−1)/2. */
export function basisLabels(p: number): string[] {
  return Array.from({ length: p }, (_, r) => (r === 0 ? "const" : `${r % 2 === 1 ? "cos" : "sin"} ${Math.ceil(r / 2)}`));
}

/**
 * The columns of a matrix [p, n] (p odd) in the real orthonormal Fourier basis over the p rows: [p, n], row 0 the constant 1/√p,
 * rows 2k−1 and 2k the inner products with √(2/p)·cos(2πkx/p) and √(2/p)·sin(2πkx/p), k = 1..(p−1)/2.
 */
export function realFourier(matrix: NdArray<"float64">): NdArray<"float64"> {
  const [p, n] = [dim(matrix, 0), dim(matrix, 1)];
  ensure(p % 2 === 1, "input", () => `fourier: the number of rows must be odd, got ${p}`);
  const out = new Float64Array(p * n);
  const column = new Float64Array(p);
  const scale = Math.sqrt(2 / p);
  for (let j = 0; j < n; j++) {
    for (let x = 0; x < p; x++) column[x] = matrix.data[x * n + j] as number;
    const { re, im } = rfft(column);
    out[j] = at(re, 0) / Math.sqrt(p);
    for (let k = 1; k < re.length; k++) {
      out[(2 * k - 1) * n + j] = scale * at(re, k);
      out[2 * k * n + j] = -scale * at(im, k);
    }
  }
  return float64(out, [p, n]);
}

/**
 * The inner products of a matrix's rows with each other, [p, p] for a matrix [p, n]: all that energies over frequencies depend
 * on.
 */
export function gramMatrix(matrix: NdArray<"float64">): Float64Array {
  const [p, n] = [dim(matrix, 0), dim(matrix, 1)];
  const gram = new Float64Array(p * p);
  for (let x = 0; x < p; x++) {
    for (let y = 0; y <= x; y++) {
      let total = 0;
      for (let j = 0; j < n; j++) total += (matrix.data[x * n + j] as number) * (matrix.data[y * n + j] as number);
      gram[x * p + y] = total;
      gram[y * p + x] = total;
    }
  }
  return gram;
}

/**
 * The squared norms over columns of {@link realFourier}'s rows, [p], after the matrix's rows were taken in the given order. From
 * the Gram matrix alone: the sums of its entries over equal x−y and over equal x+y hold cos²+sin² and cos²−sin² of every
 * frequency, so that a permutation costs p² additions instead of n transforms.
 */
export function permutedEnergies(gram: Float64Array, order: Int32Array): Float64Array {
  const p = order.length;
  const [byDifference, bySum] = [new Float64Array(p), new Float64Array(p)];
  for (let x = 0; x < p; x++) {
    const row = (order[x] as number) * p;
    for (let y = 0; y < p; y++) {
      const value = gram[row + (order[y] as number)] as number;
      const difference = x >= y ? x - y : x - y + p;
      const total = x + y < p ? x + y : x + y - p;
      byDifference[difference] = (byDifference[difference] as number) + value;
      bySum[total] = (bySum[total] as number) + value;
    }
  }
  const [even, odd] = [dft(byDifference), dft(bySum)];
  const energies = new Float64Array(p);
  // Rounding may leave a sum of squares a hair below 0, as that of columns without a mean.
  energies[0] = Math.max(0, at(even.re, 0) / p);
  for (let k = 1; 2 * k < p; k++) {
    energies[2 * k - 1] = Math.max(0, (at(even.re, k) + at(odd.re, k)) / p);
    energies[2 * k] = Math.max(0, (at(even.re, k) - at(odd.re, k)) / p);
  }
  return energies;
}
