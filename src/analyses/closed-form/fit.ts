import { at } from "../../core/index.ts";
import type { AdditiveParts } from "./additive.ts";
import { foldedFrequency, harmonicsOf, type Modulus } from "./dictionary.ts";
import { middleToken, type WaveTable, waveEnergies, waveSpace, waveTable } from "./waves.ts";

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

/** The best pair of each neuron: number of its pairing (−1: none), its k, and the share of Σf² + Σg² that it explains. */
export interface BestPairs {
  readonly pairing: Int32Array;
  readonly k: Int32Array;
  readonly R2: Float64Array;
}

/**
 * Fits every pair of the dictionary to every neuron by least squares.
 *
 * @param order the tokens' permutation, one for both digits.
 */
export function bestPairs(
  pairings: readonly Pairing[],
  { neurons, digits, energy }: Pick<AdditiveParts, "neurons" | "digits" | "energy">,
  order: Int32Array,
): BestPairs {
  const space = waveSpace(pairings.map(({ table }) => table));
  const { energies } = space;
  const best = { pairing: new Int32Array(neurons).fill(-1), k: new Int32Array(neurons), R2: new Float64Array(neurons) };
  pairings.forEach(({ table, low, high }, number) => {
    for (let j = 0; j < neurons; j += 2) {
      waveEnergies(table, digits, 2 * j, order, space);
      for (let one = 0; one < 2 && j + one < neurons; one++) {
        const whole = energy[j + one] as number;
        if (whole === 0) continue;
        const lane = 2 * one;
        for (let k = 0; k < table.harmonics; k++) {
          const f = energies[(low[k] as number) * 4 + lane] as number;
          const g = energies[(high[k] as number) * 4 + lane + 1] as number;
          const explained = (f + g) / whole;
          if (explained > (best.R2[j + one] as number)) {
            best.pairing[j + one] = number;
            best.k[j + one] = k + 1;
            best.R2[j + one] = explained;
          }
        }
      }
    }
  });
  return best;
}

/**
 * What each neuron's own modulus explains with x0 at one frequency and x1 at another, at best, [neurons]: the control of the pairing. 0 where
 * the modulus has one frequency alone.
 */
export function crossedShares(
  pairings: readonly Pairing[],
  { neurons, digits, energy }: Pick<AdditiveParts, "neurons" | "digits" | "energy">,
  best: BestPairs,
  order: Int32Array,
): Float64Array {
  const space = waveSpace(pairings.map(({ table }) => table));
  const shares = new Float64Array(neurons);
  for (let j = 0; j < neurons; j++) {
    const pairing = pairings[best.pairing[j] as number];
    const whole = energy[j] as number;
    if (pairing === undefined || whole === 0) continue;
    const { table, low, high } = pairing;
    waveEnergies(table, digits, 2 * (j - (j % 2)), order, space);
    const lane = 2 * (j % 2);
    const energyOf = (waves: Int32Array, k: number, digit: number) =>
      space.energies[(waves[k] as number) * 4 + lane + digit] as number;
    for (let k = 0; k < table.harmonics; k++) {
      for (let other = 0; other < table.harmonics; other++) {
        if (other === k) continue;
        shares[j] = Math.max(shares[j] as number, (energyOf(low, k, 0) + energyOf(high, other, 1)) / whole);
      }
    }
  }
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
  for (let x = 0; x < table.tokens; x++) {
    // Reduced first: an angle of many turns has lost its last digits.
    const angle = (2 * Math.PI * (((k * c * (x - middle)) % m) + m)) / m;
    cosine += at(vector, x) * Math.cos(angle);
    sine += at(vector, x) * Math.sin(angle);
  }
  const a = cosine / at(table.cosNorm, wave) ** 2;
  const b = m === 2 ? 0 : sine / at(table.sinNorm, wave) ** 2;
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
