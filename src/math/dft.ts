import { ensure } from "../core/index.ts";
import { planOf } from "./plan.ts";

/** Complex numbers as two arrays of equal length. */
export interface Complex {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/**
 * The discrete Fourier transform F_k = Σ_j x_j·e^(−2πijk/n) of any length n, unnormalised, float64.
 *
 * @param re Real parts, [n].
 * @param im Imaginary parts, [n]; zero where left out.
 */
export function dft(re: ArrayLike<number>, im?: ArrayLike<number>): Complex {
  const n = re.length;
  const buffer = new Float64Array(2 * n);
  ensure(im === undefined || im.length === n, "input", () => `dft: both parts must have ${n} elements, got ${im?.length}`);
  for (let i = 0; i < n; i++) {
    buffer[2 * i] = re[i] as number;
    buffer[2 * i + 1] = im === undefined ? 0 : (im[i] as number);
  }
  planOf(n)(buffer, buffer);
  return split(buffer);
}

function split(interleaved: Float64Array): Complex {
  const n = interleaved.length / 2;
  const [re, im] = [new Float64Array(n), new Float64Array(n)];
  for (let i = 0; i < n; i++) {
    re[i] = interleaved[2 * i] as number;
    im[i] = interleaved[2 * i + 1] as number;
  }
  return { re, im };
}

/** The DFT of n real numbers for k = 0..⌊n/2⌋ (the other half are conjugates), unnormalised. */
export function rfft(x: ArrayLike<number>): Complex {
  const { re, im } = dft(x);
  const half = Math.floor(x.length / 2) + 1;
  return { re: re.slice(0, half), im: im.slice(0, half) };
}

/** Row spectra of {@link eachColumn}, kept from one call to the next. */
let rowSpectra = new Float64Array(0);

/**
 * Hands the 2D DFT of a real grid, half-plane, to `visit` column by column: for k1 = 0..⌊n1/2⌋ the n0 complex numbers F[·, k1],
 * interleaved, as in {@link rfft2}. The array is the same one each time: `visit` has to take from it what it wants, and may not
 * begin another 2D transform.
 */
export function eachColumn(
  grid: ArrayLike<number>,
  n0: number,
  n1: number,
  visit: (k1: number, column: Float64Array) => void,
): void {
  ensure(grid.length === n0 * n1, "input", () => `rfft2: a ${n0} × ${n1} grid has ${n0 * n1} elements, got ${grid.length}`);
  const half = Math.floor(n1 / 2) + 1;
  const [rowPlan, columnPlan] = [planOf(n1), planOf(n0)];
  const row = new Float64Array(2 * n1);
  // Row spectra, transposed: column k1 holds n0 complex numbers in a run, ready for the second transform.
  if (rowSpectra.length < half * 2 * n0) rowSpectra = new Float64Array(half * 2 * n0);
  const columns = rowSpectra;
  for (let r = 0; r < n0; r += 2) {
    // Two real rows share one complex transform: the even (Hermitian) part belongs to the first, the odd part to the second.
    const paired = r + 1 < n0;
    for (let c = 0; c < n1; c++) {
      row[2 * c] = grid[r * n1 + c] as number;
      row[2 * c + 1] = paired ? (grid[(r + 1) * n1 + c] as number) : 0;
    }
    rowPlan(row, row);
    for (let k = 0; k < half; k++) {
      const mirror = k === 0 ? 0 : n1 - k;
      const a = row[2 * k] as number;
      const b = row[2 * k + 1] as number;
      const c = row[2 * mirror] as number;
      const d = row[2 * mirror + 1] as number;
      const base = 2 * (k * n0 + r);
      columns[base] = (a + c) / 2;
      columns[base + 1] = (b - d) / 2;
      if (paired) {
        columns[base + 2] = (b + d) / 2;
        columns[base + 3] = (c - a) / 2;
      }
    }
  }
  const column = new Float64Array(2 * n0);
  for (let k = 0; k < half; k++) {
    columnPlan(column, columns.subarray(2 * k * n0, 2 * (k + 1) * n0));
    visit(k, column);
  }
}

/**
 * The 2D DFT of a real grid, half-plane: [n0, ⌊n1/2⌋ + 1] in row-major order, F[k0, k1] = Σ grid[x0, x1]·e^(−2πi(k0·x0/n0 +
 * k1·x1/n1)), unnormalised, as NumPy's `rfft2`.
 *
 * @param grid [n0, n1], row-major.
 */
export function rfft2(grid: ArrayLike<number>, n0: number, n1: number = n0): Complex {
  const half = Math.floor(n1 / 2) + 1;
  const [re, im] = [new Float64Array(n0 * half), new Float64Array(n0 * half)];
  eachColumn(grid, n0, n1, (k1, column) => {
    for (let k0 = 0; k0 < n0; k0++) {
      re[k0 * half + k1] = column[2 * k0] as number;
      im[k0 * half + k1] = column[2 * k0 + 1] as number;
    }
  });
  return { re, im };
}

/** The full 2D DFT of a real grid, [n0, n1] in row-major order; see {@link rfft2}. */
export function fft2(grid: ArrayLike<number>, n0: number, n1: number = n0): Complex {
  const half = Math.floor(n1 / 2) + 1;
  const plane = rfft2(grid, n0, n1);
  const [re, im] = [new Float64Array(n0 * n1), new Float64Array(n0 * n1)];
  for (let k0 = 0; k0 < n0; k0++) {
    for (let k1 = 0; k1 < n1; k1++) {
      const conjugate = k1 >= half;
      const source = conjugate ? ((n0 - k0) % n0) * half + (n1 - k1) : k0 * half + k1;
      re[k0 * n1 + k1] = plane.re[source] as number;
      im[k0 * n1 + k1] = conjugate ? -(plane.im[source] as number) : (plane.im[source] as number);
    }
  }
  return { re, im };
}

/** Moves frequency 0 to index ⌊n/2⌋ along both axes of a row-major [n0, n1] array, as NumPy's `fftshift`. */
export function fftshift(array: ArrayLike<number>, n0: number, n1: number): Float64Array {
  ensure(array.length === n0 * n1, "input", () => `fftshift: [${n0}, ${n1}] needs ${n0 * n1} elements, got ${array.length}`);
  const out = new Float64Array(n0 * n1);
  const [shift0, shift1] = [Math.floor(n0 / 2), Math.floor(n1 / 2)];
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      out[((i + shift0) % n0) * n1 + ((j + shift1) % n1)] = array[i * n1 + j] as number;
    }
  }
  return out;
}
