import { at } from "../../core/index.ts";
import { mean, std, sum } from "../../math/index.ts";

/** What the paper's figure makes of frequency bins over time. */
export type PaperOmega = {
  /** Bins over time, each frequency divided by its own sum over time, [ticks][bins]. */
  bins: number[][];
  /** Bins above μ+1σ of everything, per tick. */
  count: number[];
  threshold: number;
};

/** Each frequency over its own sum over time, and how many exceed μ+1σ of all of it at each tick. @param bins [ticks][bins]. */
export function paperOmega(bins: readonly (readonly number[])[]): PaperOmega {
  const width = bins[0]?.length ?? 0;
  const totals = Array.from({ length: width }, (_, k) => sum(bins.map((row) => at(row, k))));
  const scaled = bins.map((row) => row.map((value, k) => (at(totals, k) === 0 ? 0 : value / at(totals, k))));
  const all = scaled.flat();
  const threshold = all.length === 0 ? 0 : mean(all) + std(all);
  return { bins: scaled, count: scaled.map((row) => row.filter((value) => value > threshold).length), threshold };
}

/** The mean of neighbouring epochs' bins, [bins]: the figure's 3-tap mean. */
export function threeTaps(taps: readonly (readonly number[])[]): number[] {
  return (taps[0] ?? []).map((_, k) => mean(taps.map((tap) => at(tap, k))));
}

/**
 * The null of the paper's count: one spectrum that never changes its form, only its amplitude over the ticks. After the division
 * by its own sum every frequency has the same curve, so all bins pass μ+1σ together or none does.
 */
export function fixedSpectrum(amplitude: readonly number[], width: number): number[][] {
  return amplitude.map((value) => Array.from({ length: width }, (_, k) => value / (1 + k)));
}

/** An amplitude that doubles for a while, three quarters through the ticks. */
export function bump(ticks: number): number[] {
  return Array.from({ length: ticks }, (_, i) => 1 + Math.exp(-0.5 * ((i - 0.75 * (ticks - 1)) / Math.max(1, ticks / 20)) ** 2));
}

/** The largest value of a curve over epochs, the first of equals, with its epoch. */
export function peakOver(epochs: readonly number[], values: readonly number[]): { epoch: number; value: number } {
  let best = 0;
  values.forEach((value, i) => {
    if (value > at(values, best)) best = i;
  });
  return { epoch: at(epochs, best), value: at(values, best) };
}

/** The first epoch from which on `holds` is true of every value of a curve; null where it is not of the last. */
export function lastingEpoch(
  epochs: readonly number[],
  values: readonly number[],
  holds: (value: number) => boolean,
): number | null {
  let from = values.length;
  while (from > 0 && holds(at(values, from - 1))) from--;
  return epochs[from] ?? null;
}

/** The first epoch from which on an accuracy stays at `limit` or above; null where there is none. */
export function grokEpoch(epochs: readonly number[], accuracy: readonly number[], limit = 0.99): number | null {
  return lastingEpoch(epochs, accuracy, (value) => value >= limit);
}

/** The first epoch at which an accuracy is `limit` or above, whatever it does afterwards; null where there is none. */
export function firstEpoch(epochs: readonly number[], accuracy: readonly number[], limit = 0.99): number | null {
  return epochs[accuracy.findIndex((value) => value >= limit)] ?? null;
}

/** The index of the tick nearest to an epoch on the log axis, undefined where none lies within a quarter of it. */
export function nearestTick(epochs: readonly number[], epoch: number): number | undefined {
  const distances = epochs.map((tick) => Math.abs(Math.log((tick + 1) / (epoch + 1))));
  const nearest = distances.reduce((best, distance, i) => (distance < at(distances, best) ? i : best), 0);
  return epochs.length > 0 && at(distances, nearest) <= Math.log(1.25) ? nearest : undefined;
}
