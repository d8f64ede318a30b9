import { at, type Random } from "../core/index.ts";
import { nominalActive, soundActive } from "./active.ts";
import { type Powers, powersInTurn } from "./grid-powers.ts";
import { type PerPart, partMeans, partRanges } from "./half-plane.ts";
import { permuteGrid, type TokenPermutation, tokenPermutation, upperLimit } from "./nulls.ts";
import { planOf } from "./plan.ts";
import { mean } from "./statistics.ts";

/** Token permutations of each neuron, for what one-dimensional transforms suffice for: the axes, and the best share. */
export const NULL_DRAWS = 200;

/**
 * Writes |DFT|² of two real sequences at k = 1..(p−1)/2; one transform of a + ib holds both. `buffer` has 2p elements and is
 * spent.
 */
function twoPowers(buffer: Float64Array, p: number, first: Float64Array, second: Float64Array): void {
  planOf(p)(buffer, buffer);
  for (let k = 1; 2 * k < p; k++) {
    const [re, im] = [buffer[2 * k] as number, buffer[2 * k + 1] as number];
    const [mirrorRe, mirrorIm] = [buffer[2 * (p - k)] as number, buffer[2 * (p - k) + 1] as number];
    first[k - 1] = ((re + mirrorRe) ** 2 + (im - mirrorIm) ** 2) / 4;
    second[k - 1] = ((im + mirrorIm) ** 2 + (mirrorRe - re) ** 2) / 4;
  }
}

/** A neuron's spectrum under token permutations, as far as sums along rows, columns and diagonals hold it. */
export class PermutedAxes {
  /** Power at (k, 0) and at (0, k), k = 1..(p−1)/2, of the last permutation. */
  readonly x0: Float64Array;
  readonly x1: Float64Array;
  readonly #grid: ArrayLike<number>;
  readonly #rows: Float64Array;
  readonly #columns: Float64Array;
  readonly #total: number;
  readonly #diagonal: Float64Array;
  readonly #antidiagonal: Float64Array;
  readonly #buffer: Float64Array;

  /** @param grid A neuron over the p×p grid. */
  constructor(grid: ArrayLike<number>, p: number) {
    const m = (p - 1) / 2;
    [this.x0, this.x1, this.#diagonal, this.#antidiagonal] = [0, 1, 2, 3].map(() => new Float64Array(m)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    this.#grid = grid;
    [this.#rows, this.#columns, this.#buffer] = [new Float64Array(p), new Float64Array(p), new Float64Array(2 * p)];
    let sum = 0;
    for (let i = 0; i < p * p; i++) {
      const [x0, x1, value] = [Math.floor(i / p), i % p, grid[i] as number];
      this.#rows[x0] = at(this.#rows, x0) + value;
      this.#columns[x1] = at(this.#columns, x1) + value;
      sum += value;
    }
    let squares = 0;
    for (let i = 0; i < p * p; i++) squares += ((grid[i] as number) - sum / (p * p)) ** 2;
    // Parseval: what the half-plane's entries add up to, whatever the permutation.
    this.#total = (p * p * squares) / 2;
  }

  /** Computes {@link x0} and {@link x1} for a permutation of the tokens. */
  permute(order: TokenPermutation): void {
    const p = order.length;
    for (let x = 0; x < p; x++) {
      this.#buffer[2 * x] = this.#rows[order[x] as number] as number;
      this.#buffer[2 * x + 1] = this.#columns[order[x] as number] as number;
    }
    twoPowers(this.#buffer, p, this.x0, this.x1);
  }

  /**
   * The largest of `frequencyShares` under a permutation: (k, k) and (−k, k) are the transforms of the sums over equal x0 + x1
   * and x1 − x0. Computes the axes as well.
   */
  bestShare(order: TokenPermutation): number {
    this.permute(order);
    const p = order.length;
    const buffer = this.#buffer.fill(0);
    for (let x0 = 0; x0 < p; x0++) {
      const row = (order[x0] as number) * p;
      for (let x1 = 0; x1 < p; x1++) {
        const value = this.#grid[row + (order[x1] as number)] as number;
        const sum = 2 * (x0 + x1 < p ? x0 + x1 : x0 + x1 - p);
        const difference = 2 * (x1 >= x0 ? x1 - x0 : x1 - x0 + p) + 1;
        buffer[sum] = (buffer[sum] as number) + value;
        buffer[difference] = (buffer[difference] as number) + value;
      }
    }
    twoPowers(buffer, p, this.#diagonal, this.#antidiagonal);
    let best = 0;
    for (let i = 0; i < this.x0.length; i++) {
      const power =
        (this.x0[i] as number) + (this.x1[i] as number) + (this.#diagonal[i] as number) + (this.#antidiagonal[i] as number);
      if (power > best) best = power;
    }
    return this.#total === 0 ? 0 : best / this.#total;
  }
}

/** What token permutations give, of neurons that are not dead. */
export interface TokenNull {
  /** Limit of each part's largest power over its mean; Infinity for a part that no neuron has any power in. */
  readonly thresholds: PerPart<number>;
  /** 99 % limit of the best share; 0 without neurons. */
  readonly share: number;
  /** Mean numbers of active entries by the sound and the nominal rule, under permutations that the thresholds have not seen. */
  readonly active_sound: number;
  readonly active_nominal: number;
}

/** How much work a null may be. */
export interface NullEffort {
  /** 2D transforms of all neurons together behind the interior's threshold; no neuron has more than {@link NULL_DRAWS}. */
  readonly transforms: number;
  /** Further transforms of each neuron behind the mean numbers of active entries. */
  readonly fresh: number;
  /** Whether the limit of the share is wanted. */
  readonly shares: boolean;
}

/** The effort of `fft`: 30 transforms of each of 64 neurons. */
export const FFT_EFFORT: NullEffort = { transforms: 1920, fresh: 4, shares: true };

/** The effort at each tick of training: 20 transforms of each of 64 neurons. */
export const OMEGA_EFFORT: NullEffort = { transforms: 1280, fresh: 1, shares: false };

const drawsLimit = (draws: readonly number[]) => (draws.length === 0 ? Number.POSITIVE_INFINITY : upperLimit(draws, 0.99));

/** How many permutations of each of so many neurons are transformed for the interior. */
function interiorDraws(neurons: number, { transforms }: NullEffort): number {
  return Math.min(NULL_DRAWS, Math.ceil(transforms / neurons));
}

function peak(values: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, values[i] as number);
  return largest;
}

/** Gives each of some grids under `draws` permutations of the tokens one after the other, in the same array each time. */
function permutedGrids(p: number, random: Random) {
  const permuted = new Float64Array(p * p);
  return function* (grids: readonly Float64Array[], draws: number): Generator<Float64Array> {
    for (const grid of grids) {
      for (let draw = 0; draw < draws; draw++) yield permuteGrid(grid, tokenPermutation(p, random), permuted);
    }
  };
}

/**
 * The null of active frequencies and of the best share: token permutations, of each neuron anew, pooled over the neurons; a limit
 * is what one in a hundred pairs of neuron and permutation exceeds. The axes and the share cost one-dimensional transforms and
 * have {@link NULL_DRAWS} permutations of each neuron; the interior costs a 2D transform and has as many as `effort` allows.
 *
 * @param grids Neurons over the p×p grid, none of them dead.
 * @param powers What 2D transforms are made by.
 */
export async function tokenNull(
  grids: readonly Float64Array[],
  p: number,
  random: Random,
  effort: NullEffort,
  powers: Powers = powersInTurn,
): Promise<TokenNull> {
  const draws: Record<keyof PerPart<number>, number[]> = { x0: [], x1: [], interior: [] };
  const shares: number[] = [];
  const neurons: { readonly grid: Float64Array; readonly means: PerPart<number> }[] = [];
  // A permutation moves power within its part alone.
  await powers(grids, p, (power) => neurons.push({ grid: grids[neurons.length] as Float64Array, means: partMeans(power, p) }));
  for (const { grid, means } of neurons) {
    const axes = new PermutedAxes(grid, p);
    for (let draw = 0; draw < NULL_DRAWS; draw++) {
      const order = tokenPermutation(p, random);
      if (effort.shares) shares.push(axes.bestShare(order));
      else axes.permute(order);
      for (const part of ["x0", "x1"] as const) if (means[part] > 0) draws[part].push(peak(axes[part]) / means[part]);
    }
  }
  const inner = neurons.filter(({ means }) => means.interior > 0);
  const count = interiorDraws(inner.length, effort);
  const [start, end] = partRanges(p).interior;
  const permuted = permutedGrids(p, random);
  await powers(
    permuted(
      inner.map(({ grid }) => grid),
      count,
    ),
    p,
    (power) => {
      const { means } = at(inner, Math.floor(draws.interior.length / count));
      draws.interior.push(peak(power.subarray(start, end)) / means.interior);
    },
  );
  const thresholds = { x0: drawsLimit(draws.x0), x1: drawsLimit(draws.x1), interior: drawsLimit(draws.interior) };
  const fresh: { readonly sound: number; readonly nominal: number }[] = [];
  await powers(permuted(grids, effort.fresh), p, (power) =>
    fresh.push({ sound: soundActive(power, p, thresholds).length, nominal: nominalActive(power).length }),
  );
  return {
    thresholds,
    share: shares.length === 0 ? 0 : upperLimit(shares, 0.99),
    active_sound: fresh.length === 0 ? 0 : mean(fresh.map(({ sound }) => sound)),
    active_nominal: fresh.length === 0 ? 0 : mean(fresh.map(({ nominal }) => nominal)),
  };
}
