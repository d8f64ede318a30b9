import { at, dim, type NdArray, rows, toFloat64 } from "../../core/index.ts";
import { argmax, eachGrid, frequencyShares, halfPlanePower, isDead } from "../../math/index.ts";
import { primesBelow } from "../../tasks/index.ts";
import { columnsOf, digitSums, gridNumbers, liveColumns, selectivity } from "../kit/selectivity.ts";

/** What neurons and embedding are taken apart by: frequencies k for addition, primes q for everything else. */
export type Parts = "frequency" | "prime";

/**
 * The best frequency or prime of every neuron, as in `fft` and `primes`; 0 for dead ones. Where there is an addition head beside
 * the remainders (`joint`), p stands for it: the neuron reacts to (x0 + x1) mod p more than to any n mod q.
 */
export function bestOf(neurons: NdArray<"float64">, p: number, parts: Parts, joint = false): number[] {
  if (parts === "frequency") {
    return Array.from(eachGrid(neurons), ({ grid }) =>
      isDead(grid) ? 0 : argmax(frequencyShares(halfPlanePower(grid, p), p)) + 1,
    );
  }
  const primes = primesBelow(p);
  const columns = columnsOf(neurons);
  const byPrime = [...selectivity(columns, gridNumbers(p), primes), ...(joint ? selectivity(columns, digitSums(p), [p]) : [])];
  const labels = joint ? [...primes, p] : primes;
  return liveColumns(columns).map((live, j) => (live ? at(labels, argmax(byPrime.map((column) => at(column, j)))) : 0));
}

/** A group of neurons and what they have in common. */
export interface Group {
  readonly label: number;
  readonly neurons: readonly number[];
}

/** Live neurons by their best frequency or prime, ascending. */
export function groupsByBest(best: readonly number[]): Group[] {
  const labels = [...new Set(best)].filter((label) => label !== 0).sort((a, b) => a - b);
  return labels.map((label) => ({ label, neurons: best.flatMap((own, j) => (own === label ? [j] : [])) }));
}

/**
 * Directions over tokens that can be removed from W_E: every k, or every prime below p/2 (beyond, classes hold one or two
 * tokens).
 */
export function embeddingLabels(p: number, parts: Parts): number[] {
  return parts === "frequency" ? Array.from({ length: (p - 1) / 2 }, (_, i) => i + 1) : primesBelow(p).filter((q) => q < p / 2);
}

/** Dimensions of the subspace over tokens that a label stands for: cos and sin, or the residues without the constant. */
export function embeddingDimension(label: number, parts: Parts): number {
  return parts === "frequency" ? 2 : label - 1;
}

/**
 * W_E without its part along one frequency's cos and sin over the tokens, or without the differences between the means of the
 * tokens' residue classes modulo a prime. The mean token stays, and so do rows beyond the p tokens ('=').
 *
 * @param order Where given, the tokens are relabelled first: the part removed has the same dimension but no period.
 */
export function withoutPart(W_E: NdArray, p: number, label: number, parts: Parts, order?: Int32Array): NdArray<"float64"> {
  const d = dim(W_E, 1);
  const stored = toFloat64(W_E);
  const out = stored.data.slice();
  const tokens = rows(stored, 0, p).data;
  const place = (x: number) => order?.[x] ?? x;
  if (parts === "frequency") {
    for (const wave of [Math.cos, Math.sin]) {
      const direction = Array.from({ length: p }, (_, x) => wave((2 * Math.PI * ((label * place(x)) % p)) / p));
      removeDirection(out, tokens, direction, p / 2, d);
    }
    return { ...stored, data: out };
  }
  const means = classMeans(tokens, p, d, label, place);
  for (let x = 0; x < p; x++) {
    const own = means.classes[place(x) % label] as Float64Array;
    for (let j = 0; j < d; j++) out[x * d + j] = at(out, x * d + j) - at(own, j) + at(means.all, j);
  }
  return { ...stored, data: out };
}

/** Subtracts from `out` the part of `tokens` [p, d] along a direction over tokens of the given squared norm. */
function removeDirection(out: Float64Array, tokens: Float64Array, direction: readonly number[], square: number, d: number): void {
  const along = new Float64Array(d);
  direction.forEach((weight, x) => {
    for (let j = 0; j < d; j++) along[j] = at(along, j) + weight * at(tokens, x * d + j);
  });
  direction.forEach((weight, x) => {
    for (let j = 0; j < d; j++) out[x * d + j] = at(out, x * d + j) - (weight * at(along, j)) / square;
  });
}

function classMeans(tokens: Float64Array, p: number, d: number, q: number, place: (x: number) => number) {
  const classes = Array.from({ length: q }, () => new Float64Array(d));
  const sizes = new Array<number>(q).fill(0);
  const all = new Float64Array(d);
  for (let x = 0; x < p; x++) {
    const r = place(x) % q;
    sizes[r] = at(sizes, r) + 1;
    const own = classes[r] as Float64Array;
    for (let j = 0; j < d; j++) {
      own[j] = at(own, j) + at(tokens, x * d + j);
      all[j] = at(all, j) + at(tokens, x * d + j) / p;
    }
  }
  return { classes: classes.map((total, r) => total.map((value) => value / at(sizes, r))), all };
}
