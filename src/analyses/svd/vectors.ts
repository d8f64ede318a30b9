import { at, dim, type NdArray, type Random, randomStream } from "../../core/index.ts";
import { argmax, dot, rfft, sum, upperLimit } from "../../math/index.ts";

/** A singular vector over tokens: share of its energy per frequency (0 = constant). */
export type SingularVector = { entries: number[]; periodogram: number[]; peak: { k: number; share: number } };

/** Neighbouring vectors of nearly equal singular value, whose single directions are arbitrary. */
export type Subspace = { first: number; last: number; peak: { k: number; share: number }; null_share: number };

/** Singular values within this share of the largest of their group are compared as one subspace. */
export const TIE = 0.05;

const PERIODOGRAM_DRAWS = 500;

/** Share of a vector's energy at each frequency k = 0..(p−1)/2. */
function periodogramOf(vector: Float64Array): number[] {
  const { re, im } = rfft(vector);
  const energy = dot(vector, vector) * vector.length;
  return Array.from(re, (value, k) => (energy === 0 ? 0 : ((k === 0 ? 1 : 2) * (value ** 2 + at(im, k) ** 2)) / energy));
}

/** The frequency, the constant apart, that holds the largest share. */
function peakOf(periodogram: readonly number[]): { k: number; share: number } {
  const k = argmax(periodogram.slice(1)) + 1;
  return { k, share: at(periodogram, k) };
}

function averageOf(periodograms: readonly (readonly number[])[]): number[] {
  const first = periodograms[0] ?? [];
  return first.map((_, k) => sum(periodograms.map((periodogram) => at(periodogram, k))) / periodograms.length);
}

/** The 99 % limit of the largest share in the mean periodogram of `dimension` random directions over p tokens. */
export function peakNull(p: number, dimension: number, random: Random): number {
  const direction = () => periodogramOf(Float64Array.from({ length: p }, () => random.normal()));
  const peaks = Array.from(
    { length: PERIODOGRAM_DRAWS },
    () => peakOf(averageOf(Array.from({ length: dimension }, direction))).share,
  );
  return upperLimit(peaks, 0.99);
}

/** Runs of neighbours among the leading singular vectors whose singular values are nearly equal. */
export function subspacesOf(values: Float64Array, vectors: readonly SingularVector[], p: number, seed: number): Subspace[] {
  const groups: number[][] = [];
  vectors.forEach((_, i) => {
    const group = groups[groups.length - 1];
    // Measured against the group's first, so that a slowly falling spectrum is not one long chain.
    const lead = group === undefined ? 0 : at(values, group[0] ?? 0);
    if (group !== undefined && lead - at(values, i) < TIE * lead) group.push(i);
    else groups.push([i]);
  });
  const nulls = new Map<number, number>();
  return groups.map((members) => {
    const size = members.length;
    const limit = nulls.get(size) ?? peakNull(p, size, randomStream(seed, `svd/peak/${size}`));
    nulls.set(size, limit);
    const first = members[0] ?? 0;
    const periodogram = averageOf(vectors.slice(first, first + size).map((vector) => vector.periodogram));
    return { first, last: first + size - 1, peak: peakOf(periodogram), null_share: limit };
  });
}

/** The first `count` columns of U [p, rank], each with its periodogram. */
export function leftVectors(U: NdArray<"float64">, count: number): SingularVector[] {
  const rank = dim(U, 1);
  return Array.from({ length: Math.min(count, rank) }, (_, j) => {
    const entries = Float64Array.from({ length: dim(U, 0) }, (_, x) => at(U.data, x * rank + j));
    const periodogram = periodogramOf(entries);
    return { entries: Array.from(entries), periodogram, peak: peakOf(periodogram) };
  });
}
