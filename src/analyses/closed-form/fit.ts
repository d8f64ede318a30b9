import { at, float64, type NdArray } from "../../core/index.ts";
import type { Matmul } from "../kit/define.ts";
import type { AdditiveParts } from "./additive.ts";
import { foldedFrequency, harmonicsOf, type Modulus } from "./dictionary.ts";
import { middleToken, type WaveTable, waveTable } from "./waves.ts";

/** A modulus with its waves, and which of them each frequency has in each digit. */
export interface Pairing {
  readonly modulus: Modulus;
  readonly table: WaveTable;
  /** Numbers of the waves (from 0) of frequency k = 1 … at place k − 1. */
  readonly low: Int32Array;
  readonly high: Int32Array;
}

/** The dictionary of some moduli over p tokens. */
export function pairingsOf(moduli: readonly Modulus[], p: number): Pairing[] {
  return moduli.map((modulus) => {
    const { m, c0, c1 } = modulus;
    const waves = (c: number) =>
      Int32Array.from({ length: harmonicsOf(m) }, (_, i) => Math.max(1, foldedFrequency(i + 1, c, m)) - 1);
    return { modulus, table: waveTable(m, p), low: waves(c0), high: waves(c1) };
  });
}

/** The waves of several pairings side by side, and their pairs one after the other. */
export interface Dictionary {
  readonly pairings: readonly Pairing[];
  readonly p: number;
  /**
   * The cosines at the middle token and those after it, [(p+1)/2, waves], and the sines at those after it, [(p−1)/2, waves]:
   * before the middle the former are the same again and the latter have the other sign, which halves the products.
   */
  readonly cosines: NdArray<"float64">;
  readonly sines: NdArray<"float64">;
  readonly waves: number;
  /** Each pair's waves in x0 and x1 (from 0), its pairing's number, and its k, [pairs]. */
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly pairing: Int32Array;
  readonly k: Int32Array;
  /** Memory for one block of fits: even and odd parts of vectors over the tokens, and their products with the waves. */
  readonly scratch: {
    readonly even: Float64Array;
    readonly odd: Float64Array;
    readonly cosines: Float64Array;
    readonly sines: Float64Array;
  };
}

/** Neurons whose energies are computed at a time: of so many they stay in a core's cache until they are read. */
const BLOCK = 128;

/** Puts pairings together, so that one product fits them all. */
export function dictionaryOf(pairings: readonly Pairing[], p: number): Dictionary {
  const waves = pairings.reduce((sum, { table }) => sum + table.harmonics, 0);
  const middle = middleToken(p);
  const [cosines, sines] = [new Float64Array((middle + 1) * waves), new Float64Array(middle * waves)];
  const [low, high, numbers, ks]: [number[], number[], number[], number[]] = [[], [], [], []];
  let first = 0;
  pairings.forEach((pairing, number) => {
    const { table } = pairing;
    for (let k = 0; k < table.harmonics; k++) {
      for (let d = 0; d <= middle; d++) cosines[d * waves + first + k] = at(table.cos, k * p + middle + d);
      for (let d = 1; d <= middle; d++) sines[(d - 1) * waves + first + k] = at(table.sin, k * p + middle + d);
      low.push(first + at(pairing.low, k));
      high.push(first + at(pairing.high, k));
      numbers.push(number);
      ks.push(k + 1);
    }
    first += table.harmonics;
  });
  return {
    pairings,
    p,
    cosines: float64(cosines, [middle + 1, waves]),
    sines: float64(sines, [middle, waves]),
    waves,
    low: Int32Array.from(low),
    high: Int32Array.from(high),
    pairing: Int32Array.from(numbers),
    k: Int32Array.from(ks),
    scratch: {
      even: new Float64Array(2 * BLOCK * (middle + 1)),
      odd: new Float64Array(2 * BLOCK * middle),
      cosines: new Float64Array(2 * BLOCK * waves),
      sines: new Float64Array(2 * BLOCK * waves),
    },
  };
}

/** What is fitted: each neuron's f and g, [2·neurons, p], and Σf² + Σg², [neurons]. */
export type Digits = Pick<AdditiveParts, "neurons" | "digits" | "energy">;

/** Writes the even and the odd part about the middle token of each vector [rows, p], [rows, (p+1)/2] and [rows, (p−1)/2]. */
function fold(vectors: Float64Array, p: number, { even, odd }: Pick<Dictionary["scratch"], "even" | "odd">): void {
  const middle = middleToken(p);
  for (let row = 0; row * p < vectors.length; row++) {
    const [center, toEven, toOdd] = [row * p + middle, row * (middle + 1), row * middle - 1];
    even[toEven] = vectors[center] as number;
    for (let d = 1; d <= middle; d++) {
      const [after, before] = [vectors[center + d] as number, vectors[center - d] as number];
      even[toEven + d] = after + before;
      odd[toOdd + d] = after - before;
    }
  }
}

/** Replaces the first `count` numbers by their squares plus those of others. */
function addSquares(into: Float64Array, others: Float64Array, count: number): void {
  for (let i = 0; i < count; i++) into[i] = (into[i] as number) ** 2 + (others[i] as number) ** 2;
}

/**
 * Calls `visit` for each neuron with its energies along every wave: f's from `energies[f]` on, g's from `energies[g]` on, as many
 * as there are waves, valid until the next call. Neurons without energy are passed over.
 */
export async function forEnergies(
  { p, cosines, sines, waves, scratch }: Dictionary,
  { neurons, digits, energy }: Digits,
  matmul: Matmul,
  visit: (neuron: number, energies: Float64Array, f: number, g: number) => void,
): Promise<void> {
  const middle = middleToken(p);
  for (let first = 0; first < neurons; first += BLOCK) {
    const count = Math.min(BLOCK, neurons - first);
    const rows = 2 * count;
    fold(digits.subarray(2 * first * p, 2 * (first + count) * p), p, scratch);
    const even = float64(scratch.even.subarray(0, rows * (middle + 1)), [rows, middle + 1]);
    const odd = float64(scratch.odd.subarray(0, rows * middle), [rows, middle]);
    const energies = (await matmul(even, cosines, scratch.cosines)).data; // [2·count, waves]
    const along = (await matmul(odd, sines, scratch.sines)).data; // [2·count, waves]
    addSquares(energies, along, rows * waves);
    for (let j = 0; j < count; j++) if (energy[first + j] !== 0) visit(first + j, energies, 2 * j * waves, (2 * j + 1) * waves);
  }
}

/** The best pair of each neuron: number of its pairing (−1: none), its k, and the share of Σf² + Σg² that it explains. */
export interface BestPairs {
  readonly pairing: Int32Array;
  readonly k: Int32Array;
  readonly R2: Float64Array;
}

/** Fits every pair of the dictionary to every neuron by least squares. */
export async function bestPairs(dictionary: Dictionary, parts: Digits, matmul: Matmul): Promise<BestPairs> {
  const { low, high, pairing, k } = dictionary;
  const { neurons, energy } = parts;
  const best = { pairing: new Int32Array(neurons).fill(-1), k: new Int32Array(neurons), R2: new Float64Array(neurons) };
  await forEnergies(dictionary, parts, matmul, (j, energies, f, g) => {
    let [place, most] = [-1, 0];
    for (let pair = 0; pair < low.length; pair++) {
      const explained = (energies[f + (low[pair] as number)] as number) + (energies[g + (high[pair] as number)] as number);
      if (explained > most) {
        place = pair;
        most = explained;
      }
    }
    if (place < 0) return;
    best.pairing[j] = pairing[place] as number;
    best.k[j] = k[place] as number;
    best.R2[j] = most / (energy[j] as number);
  });
  return best;
}

/** What each neuron's best frequency of each pairing explains, [pairings, neurons]. */
export async function sharesByPairing(dictionary: Dictionary, parts: Digits, matmul: Matmul): Promise<Float64Array> {
  const { low, high, pairing, pairings } = dictionary;
  const { neurons, energy } = parts;
  const shares = new Float64Array(pairings.length * neurons);
  await forEnergies(dictionary, parts, matmul, (j, energies, f, g) => {
    for (let pair = 0; pair < low.length; pair++) {
      const explained = (energies[f + (low[pair] as number)] as number) + (energies[g + (high[pair] as number)] as number);
      const place = (pairing[pair] as number) * neurons + j;
      const share = explained / (energy[j] as number);
      if (share > (shares[place] as number)) shares[place] = share;
    }
  });
  return shares;
}

/** What each pair explains of each neuron, [pairs, neurons]. */
export async function sharesByPair(dictionary: Dictionary, parts: Digits, matmul: Matmul): Promise<Float64Array> {
  const { low, high } = dictionary;
  const { neurons, energy } = parts;
  const shares = new Float64Array(low.length * neurons);
  await forEnergies(dictionary, parts, matmul, (j, energies, f, g) => {
    for (let pair = 0; pair < low.length; pair++) {
      const explained = (energies[f + (low[pair] as number)] as number) + (energies[g + (high[pair] as number)] as number);
      shares[pair * neurons + j] = explained / (energy[j] as number);
    }
  });
  return shares;
}

/**
 * What each neuron's own modulus explains with x0 at one frequency and x1 at another, at best, [neurons]: the control of the
 * pairing. 0 where the modulus has one frequency alone.
 */
export async function crossedShares(
  dictionary: Dictionary,
  parts: Digits,
  best: BestPairs,
  matmul: Matmul,
): Promise<Float64Array> {
  const { low, high, pairing } = dictionary;
  const shares = new Float64Array(parts.neurons);
  const pairsOf = dictionary.pairings.map((_, number) => {
    const first = pairing.indexOf(number);
    return { first, end: pairing.lastIndexOf(number) + 1 };
  });
  await forEnergies(dictionary, parts, matmul, (j, energies, f, g) => {
    const { first, end } = pairsOf[best.pairing[j] as number] ?? { first: 0, end: 0 };
    let most = 0;
    for (let one = first; one < end; one++) {
      const own = energies[f + (low[one] as number)] as number;
      for (let other = first; other < end; other++) {
        const both = own + (energies[g + (high[other] as number)] as number);
        if (other !== one && both > most) most = both;
      }
    }
    shares[j] = most / (parts.energy[j] as number);
  });
  return shares;
}

/**
 * What the best wave of each digit explains of each neuron, whichever the other digit's is, [neurons]: on the bins of a DFT over
 * the tokens, all that its strongest bins see.
 */
export async function sharesByDigit({ low, high, ...rest }: Dictionary, parts: Digits, matmul: Matmul): Promise<Float64Array> {
  const shares = new Float64Array(parts.neurons);
  const [first, second] = [new Set(low), new Set(high)];
  await forEnergies({ low, high, ...rest }, parts, matmul, (j, energies, f, g) => {
    const largest = (waves: ReadonlySet<number>, start: number) => {
      let most = 0;
      for (const wave of waves) most = Math.max(most, energies[start + wave] as number);
      return most;
    };
    shares[j] = (largest(first, f) + largest(second, g)) / (parts.energy[j] as number);
  });
  return shares;
}

/** u ≈ constant + A·cos(2πk·c0·x0/m + phi0) + B·cos(2πk·c1·x1/m + phi1). */
export interface ClosedForm {
  readonly modulus: Modulus;
  readonly k: number;
  readonly constant: number;
  readonly A: number;
  readonly B: number;
  readonly phi0: number;
  readonly phi1: number;
}

/** An angle in (−π, π]. */
export function wrapped(angle: number): number {
  const turns = angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));
  return turns <= -Math.PI ? turns + 2 * Math.PI : turns;
}

/** Amplitude, phase and mean over the tokens of one digit's wave by least squares. */
function waveOf(vector: Float64Array, { m }: Modulus, c: number, k: number, table: WaveTable) {
  const middle = middleToken(table.tokens);
  const wave = Math.max(1, foldedFrequency(k, c, m)) - 1;
  let [cosine, sine] = [0, 0];
  const row = wave * table.tokens;
  for (let x = 0; x < table.tokens; x++) {
    const value = vector[x] as number;
    cosine += value * (table.cos[row + x] as number);
    sine += value * (table.sin[row + x] as number);
  }
  // A frequency above m/2 has the wave of m less it, its sine with the other sign.
  const sign = 2 * ((k * c) % m) > m ? -1 : 1;
  const a = cosine / at(table.cosNorm, wave);
  const b = m === 2 ? 0 : (sign * sine) / at(table.sinNorm, wave);
  const phase = -Math.atan2(b, a) - (2 * Math.PI * ((k * c * middle) % m)) / m;
  return { amplitude: Math.hypot(a, b), phase: wrapped(phase), mean: a * at(table.mean, wave) };
}

/** The least-squares closed form of neuron `j` at frequency `k` of a pairing. */
export function closedForm({ p, digits, mu }: AdditiveParts, j: number, { modulus, table }: Pairing, k: number): ClosedForm {
  const vector = (digit: number) => digits.subarray((2 * j + digit) * p, (2 * j + digit + 1) * p);
  const low = waveOf(vector(0), modulus, modulus.c0, k, table);
  const high = waveOf(vector(1), modulus, modulus.c1, k, table);
  return {
    modulus,
    k,
    constant: at(mu, j) - low.mean - high.mean,
    A: low.amplitude,
    B: high.amplitude,
    phi0: low.phase,
    phi1: high.phase,
  };
}

/** A closed form's two waves at each residue of the digits, [m] each; the constant belongs to the first. */
export function wavesOf({ modulus: { m, c0, c1 }, k, constant, A, B, phi0, phi1 }: ClosedForm) {
  const wave = (amplitude: number, c: number, phase: number, base: number) =>
    Float64Array.from({ length: m }, (_, r) => base + amplitude * Math.cos((2 * Math.PI * ((k * c * r) % m)) / m + phase));
  return { low: wave(A, c0, phi0, constant), high: wave(B, c1, phi1, 0) };
}
