import { at, dim, ensure, type NdArray, type Random, randomStream } from "../core/index.ts";
import { rfft2 } from "./dft.ts";
import { frequencyOf, gridsOf, halfPlanePower, isDead, PARTS, type PerPart, partMeans, partRanges } from "./half-plane.ts";
import { permuteGrid, tokenPermutation } from "./nulls.ts";
import { quantile, sum } from "./statistics.ts";

/** Neurons whose spectra are followed over training, and whose permutations make up the null. */
export const OMEGA_NEURONS = 64;

/** Token permutations per neuron of the null. */
export const NULL_DRAWS = 20;

/** Each part's largest power over its mean power; 0 for an empty part. */
function partPeaks(power: Float64Array, p: number): PerPart<number> {
  const ranges = partRanges(p);
  const means = partMeans(power, p);
  const peak = (part: keyof PerPart<number>) => {
    let largest = 0;
    const [start, end] = ranges[part];
    for (let i = start; i < end; i++) if ((power[i] as number) > largest) largest = power[i] as number;
    return means[part] === 0 ? 0 : largest / means[part];
  };
  return { x0: peak("x0"), x1: peak("x1"), interior: peak("interior") };
}

/**
 * The null of the sound rule: for each part the 99 % quantile, pooled over the live neurons and {@link NULL_DRAWS} token permutations
 * of each, of the part's largest power over its mean power. Infinity for a part that no neuron has any power in.
 *
 * @param grids Neurons over the p×p grid.
 * @param visit Told of each permuted spectrum, for further statistics under the same null; the array is the same one each time.
 */
export function soundThresholds(
  grids: readonly Float64Array[],
  p: number,
  random: Random,
  visit?: (power: Float64Array) => void,
): PerPart<number> {
  const peaks: PerPart<number>[] = [];
  const permuted = new Float64Array(p * p);
  const power = new Float64Array((p * p - 1) / 2);
  for (const grid of grids) {
    if (isDead(grid)) continue;
    for (let draw = 0; draw < NULL_DRAWS; draw++) {
      halfPlanePower(permuteGrid(grid, tokenPermutation(p, random), permuted), p, power);
      peaks.push(partPeaks(power, p));
      visit?.(power);
    }
  }
  const limit = (part: keyof PerPart<number>) => {
    const values = peaks.map((peak) => peak[part]).filter((value) => value > 0);
    return values.length === 0 ? Number.POSITIVE_INFINITY : quantile(values, 0.99);
  };
  return { x0: limit("x0"), x1: limit("x1"), interior: limit("interior") };
}

/** The sound rule: entries of a half-plane spectrum whose power over their part's mean exceeds the part's threshold, ascending. */
export function soundActive(power: Float64Array, p: number, thresholds: PerPart<number>): number[] {
  const ranges = partRanges(p);
  const means = partMeans(power, p);
  const active: number[] = [];
  for (const part of PARTS) {
    if (means[part] === 0) continue;
    const limit = thresholds[part] * means[part];
    const [start, end] = ranges[part];
    for (let i = start; i < end; i++) if ((power[i] as number) > limit) active.push(i);
  }
  return active;
}

/**
 * The share of entries that noise has above μ+2σ: |F| of noise is Rayleigh distributed, with μ = √(π/2) and σ = √(2 − π/2) in units of
 * its scale; 3.7 %.
 */
export const NOMINAL_NOISE_SHARE = Math.exp(-((Math.sqrt(Math.PI / 2) + 2 * Math.sqrt(2 - Math.PI / 2)) ** 2) / 2);

/** The paper's stated rule: entries with |F| above μ + 2σ of the neuron's own half-plane, ascending. Noise has 3.7 % of them. */
export function nominalActive(power: Float64Array): number[] {
  let [total, squares] = [0, 0];
  for (let i = 0; i < power.length; i++) {
    total += Math.sqrt(power[i] as number);
    squares += power[i] as number;
  }
  const center = total / power.length;
  const limit = center + 2 * Math.sqrt(Math.max(0, squares / power.length - center ** 2));
  const active: number[] = [];
  for (let i = 0; i < power.length; i++) if (Math.sqrt(power[i] as number) > limit) active.push(i);
  return active;
}

/** `count` of d_mlp neurons by a seeded draw (stream `omega/neurons`), ascending; all of them where there are no more. */
export function sampleNeurons(d_mlp: number, count: number, seed: number): Int32Array {
  return randomStream(seed, "omega/neurons").permutation(d_mlp).slice(0, Math.min(count, d_mlp)).sort();
}

/** One line of a run's `omega.jsonl`: frequency statistics of 64 seeded neurons at one epoch. Dead neurons are left out of the means. */
export interface OmegaRow {
  readonly epoch: number;
  /** Mean over neurons of the number of active half-plane entries, by the sound and by the nominal rule. */
  readonly sound_mean: number;
  readonly nominal_mean: number;
  /** The same by |ω0| and by |ω1| (0..(p−1)/2): mean over neurons of the active entries in each bin. */
  readonly sound_by_omega0: readonly number[];
  readonly sound_by_omega1: readonly number[];
  readonly nominal_by_omega0: readonly number[];
  readonly nominal_by_omega1: readonly number[];
  /** The first neuron's |rfft2| over the grid [1:, 1:], averaged over ω1: (p+1)/2 bins at the epochs before, at and after. */
  readonly paper_bins: readonly (readonly number[])[];
}

interface ActiveCounts {
  readonly total: number;
  readonly by_omega0: number[];
  readonly by_omega1: number[];
}

/** Mean over neurons of active entries, in all and by |ω0| and ω1; zeros where there is no neuron. */
export function activeCounts(actives: readonly (readonly number[])[], p: number): ActiveCounts {
  const [counts0, counts1] = [new Int32Array((p + 1) / 2), new Int32Array((p + 1) / 2)];
  for (const active of actives) {
    for (const i of active) {
      const [omega0, omega1] = frequencyOf(i, p);
      counts0[Math.abs(omega0)] = at(counts0, Math.abs(omega0)) + 1;
      counts1[omega1] = at(counts1, omega1) + 1;
    }
  }
  const neurons = Math.max(1, actives.length);
  const perNeuron = (counts: Int32Array) => Array.from(counts, (count) => count / neurons);
  return { total: sum(counts0) / neurons, by_omega0: perNeuron(counts0), by_omega1: perNeuron(counts1) };
}

/**
 * What the paper's frequency figure takes from one epoch: |F| of a neuron over the grid without its first row and column, by the low
 * digit's frequency ω0 = 0..(p−1)/2 and averaged over all p−1 of the high digit's. The mean is not removed.
 */
export function paperBins(grid: Float64Array, p: number): number[] {
  const n = p - 1;
  // rfft2 halves its last axis, which has to be x0 here.
  const cropped = new Float64Array(n * n);
  for (let x1 = 1; x1 < p; x1++) for (let x0 = 1; x0 < p; x0++) cropped[(x1 - 1) * n + x0 - 1] = at(grid, x0 * p + x1);
  const { re, im } = rfft2(cropped, n, n);
  const width = n / 2 + 1;
  return Array.from({ length: width }, (_, k0) => {
    let total = 0;
    for (let k1 = 0; k1 < n; k1++) total += Math.hypot(at(re, k1 * width + k0), at(im, k1 * width + k0));
    return total / n;
  });
}

/**
 * The frequency statistics of one epoch (science: the ω-spike of Syrkis & Søgaard 2024, by three definitions).
 *
 * The null draws the same permutations at every epoch, so that a curve over epochs carries no jitter of the null.
 *
 * @param neurons Activations after the ReLU at this epoch of the neurons of {@link sampleNeurons}, [p², n].
 * @param paperGrids Neuron 0 over the p×p grid at the epochs before, at and after this one, as far as they exist.
 */
export function omegaRow(
  epoch: number,
  neurons: NdArray<"float64">,
  p: number,
  paperGrids: readonly Float64Array[],
  seed: number,
): OmegaRow {
  ensure(dim(neurons, 0) === p * p, "input", () => `omega: neurons must cover ${p * p} samples, got ${dim(neurons, 0)}`);
  const grids = gridsOf(neurons).filter((grid) => !isDead(grid));
  const thresholds = soundThresholds(grids, p, randomStream(seed, "omega/null"));
  const powers = grids.map((grid) => halfPlanePower(grid, p));
  const sound = activeCounts(
    powers.map((power) => soundActive(power, p, thresholds)),
    p,
  );
  const nominal = activeCounts(powers.map(nominalActive), p);
  return {
    epoch,
    sound_mean: sound.total,
    nominal_mean: nominal.total,
    sound_by_omega0: sound.by_omega0,
    sound_by_omega1: sound.by_omega1,
    nominal_by_omega0: nominal.by_omega0,
    nominal_by_omega1: nominal.by_omega1,
    paper_bins: paperGrids.map((grid) => paperBins(grid, p)),
  };
}
