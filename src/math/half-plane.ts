import { at, dim, ensure, type NdArray } from "../core/index.ts";
import { eachColumn } from "./dft.ts";

/** The three parts of the half-plane: (k, 0); (0, k); and both frequencies different from 0. */
export const PARTS = ["x0", "x1", "interior"] as const;

/** One value for each part of the half-plane. */
export type PerPart<T> = { readonly [part in (typeof PARTS)[number]]: T };

/**
 * Where each part lies among the (p²−1)/2 entries of a half-plane spectrum, as [start, end): x0 axis (k, 0), k = 1..m; x1 axis
 * (0, k), k = 1..m; interior (k0, k1), k0 = 1..p−1, k1 = 1..m, row by row; m = (p−1)/2.
 */
export function partRanges(p: number): PerPart<readonly [number, number]> {
  const m = (p - 1) / 2;
  return { x0: [0, m], x1: [m, 2 * m], interior: [2 * m, 2 * m + (p - 1) * m] };
}

/** The frequencies of entry `i` of a half-plane spectrum: ω0 signed (−m..m), ω1 in 0..m. */
export function frequencyOf(i: number, p: number): readonly [omega0: number, omega1: number] {
  const m = (p - 1) / 2;
  if (i < m) return [i + 1, 0];
  if (i < 2 * m) return [0, i - m + 1];
  const k0 = Math.floor((i - 2 * m) / m) + 1;
  return [k0 <= m ? k0 : k0 - p, ((i - 2 * m) % m) + 1];
}

/**
 * The power |F|² of a real p×p grid (p odd) at each frequency pair but (0, 0), conjugates once: (p²−1)/2 entries in the order of
 * {@link partRanges}. Unnormalised: their sum is p²/2 times the sum of squared deviations from the mean.
 *
 * @param into Where to write, to spare memory in loops; (p²−1)/2 entries.
 */
export function halfPlanePower(
  grid: ArrayLike<number>,
  p: number,
  into: Float64Array = new Float64Array((p * p - 1) / 2),
): Float64Array {
  ensure(p % 2 === 1, "input", () => `half-plane: p must be odd, got ${p}`);
  const m = (p - 1) / 2;
  eachColumn(grid, p, p, (k1, column) => {
    const powerAt = (k0: number) => (column[2 * k0] as number) ** 2 + (column[2 * k0 + 1] as number) ** 2;
    if (k1 === 0) for (let k0 = 1; k0 <= m; k0++) into[k0 - 1] = powerAt(k0);
    else {
      into[m + k1 - 1] = powerAt(0);
      for (let k0 = 1; k0 < p; k0++) into[2 * m + (k0 - 1) * m + k1 - 1] = powerAt(k0);
    }
  });
  return into;
}

/**
 * For each k = 1..(p−1)/2 the share of a neuron's variance in {const, cos k, sin k} ⊗ {const, cos k, sin k} without the constant
 * (Nanda et al. 2023): the entries (k, 0), (0, k), (k, k) and (−k, k). Zeros for a spectrum without power.
 */
export function frequencyShares(power: Float64Array, p: number): Float64Array {
  const m = (p - 1) / 2;
  let total = 0;
  for (let i = 0; i < power.length; i++) total += power[i] as number;
  const shares = new Float64Array(m);
  if (total === 0) return shares;
  for (let k = 1; k <= m; k++) {
    const interior = (k0: number) => at(power, 2 * m + (k0 - 1) * m + k - 1);
    shares[k - 1] = (at(power, k - 1) + at(power, m + k - 1) + interior(k) + interior(p - k)) / total;
  }
  return shares;
}

/** Power below this share of the whole spectrum is rounding, not a part with structure of its own. */
const EMPTY_PART = 1e-12;

/** Mean power of each part; 0 for a part that holds nothing but rounding error. */
export function partMeans(power: Float64Array, p: number): PerPart<number> {
  const ranges = partRanges(p);
  const sums = PARTS.map((part) => {
    const [start, end] = ranges[part];
    let total = 0;
    for (let i = start; i < end; i++) total += power[i] as number;
    return total;
  });
  const whole = sums.reduce((a, b) => a + b, 0);
  const meanOf = (index: number) => {
    const part = PARTS[index] as (typeof PARTS)[number];
    const total = at(sums, index);
    return total > EMPTY_PART * whole ? total / (ranges[part][1] - ranges[part][0]) : 0;
  };
  return { x0: meanOf(0), x1: meanOf(1), interior: meanOf(2) };
}

/** Whether a grid is constant up to rounding: a dead neuron. */
export function isDead(grid: ArrayLike<number>): boolean {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < grid.length; i++) {
    const value = grid[i] as number;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return high - low <= 1e-12 * Math.max(Math.abs(low), Math.abs(high));
}

/** Columns copied at a time: as many as share a line of a processor's cache, twice over. */
const TOGETHER = 16;

/** Columns of activations [p², n], all of them where left out, as grids of p². */
export function gridsOf(neurons: NdArray<"float64">, columns?: ArrayLike<number>): Float64Array[] {
  const [samples, count] = [dim(neurons, 0), dim(neurons, 1)];
  const chosen = columns === undefined ? Array.from({ length: count }, (_, j) => j) : Array.from(columns);
  const grids = chosen.map(() => new Float64Array(samples));
  for (let first = 0; first < chosen.length; first += TOGETHER) {
    const block = grids.slice(first, first + TOGETHER);
    for (let i = 0; i < samples; i++) {
      const start = i * count;
      for (let j = 0; j < block.length; j++)
        (block[j] as Float64Array)[i] = neurons.data[start + (chosen[first + j] as number)] as number;
    }
  }
  return grids;
}

/**
 * Gives each column of activations [p², n] as a grid, copied some at a time: all of them would take as much memory as the
 * activations.
 */
export function* eachGrid(neurons: NdArray<"float64">): Generator<{ readonly grid: Float64Array; readonly column: number }> {
  for (let first = 0; first < dim(neurons, 1); first += TOGETHER) {
    const columns = Array.from({ length: Math.min(TOGETHER, dim(neurons, 1) - first) }, (_, j) => first + j);
    for (const [j, grid] of gridsOf(neurons, columns).entries()) yield { grid, column: first + j };
  }
}
