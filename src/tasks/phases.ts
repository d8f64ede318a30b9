import { ensure } from "../core/index.ts";

/** Harmonics of |cos s| that are looked at: beyond them coefficients lie below 1e-4 of the first. */
const HARMONICS = 48;

/** Fourier coefficients of |cos s| over cos 2ms: 2/π, then (4/π)·(−1)^(m+1)/(4m² − 1). */
function harmonicOfCos(m: number): number {
  return m === 0 ? 2 / Math.PI : ((m % 2 === 1 ? 4 : -4) / Math.PI) * (1 / (4 * m * m - 1));
}

/**
 * What |cos a + cos b| = 2·|cos((a+b)/2)|·|cos((a−b)/2)| has along cos(a + b): 16/(3π²). Half of it remains after a ReLU.
 */
export const SUM_HARMONIC = 2 * harmonicOfCos(0) * harmonicOfCos(1);

/**
 * How much of |cos a + cos b|'s other harmonics and of its linear half a read-out at the sum of the phases picks up from `count`
 * neurons whose phases are 2πj/count and 2πtj/count, relative to cos(a + b).
 */
function leakage(count: number, t: number): number {
  const readOut = 1 + t;
  const same = (phase: number) => (phase - readOut) % count === 0 || (phase + readOut) % count === 0;
  if (same(1) || same(t)) return Number.POSITIVE_INFINITY;
  // Phase sums that leave out parts of the circle, or digits in step with each other.
  if ([readOut, 2 * readOut, 4 * readOut, t - 1].some((step) => step % count === 0)) return Number.POSITIVE_INFINITY;
  let total = 0;
  for (let m = 0; m <= HARMONICS; m++) {
    for (let n = 0; n <= HARMONICS; n++) {
      // cos 2m((a+b)/2) · cos 2n((a−b)/2) = half of cos((m+n)a + (m−n)b) and half of cos((m−n)a + (m+n)b).
      const weight = Math.abs(harmonicOfCos(m) * harmonicOfCos(n));
      const wanted = m === 1 && n === 0;
      if (!wanted && (same(m + n + t * (m - n)) || same(m - n + t * (m + n)))) total += weight;
    }
  }
  return total / (harmonicOfCos(0) * harmonicOfCos(1));
}

/** Phases of a group of neurons, for the low and the high digit, [count] each. */
export interface Phases {
  readonly phi0: number[];
  readonly phi1: number[];
}

/**
 * Phases that cover the torus evenly: 2πj/count and 2πtj/count for the t that lets least of anything but cos(a + b) reach a
 * read-out at the sum of the phases.
 */
export function torusPhases(count: number): Phases {
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (let t = 2; t < count - 1; t++) {
    const leaked = leakage(count, t);
    if (leaked < least) [best, least] = [t, leaked];
  }
  ensure(Number.isFinite(least), "usage", () => `neurons: must be at least 8 a frequency, got ${count}`);
  const step = (2 * Math.PI) / count;
  return {
    phi0: Array.from({ length: count }, (_, j) => step * j),
    phi1: Array.from({ length: count }, (_, j) => step * ((best * j) % count)),
  };
}

/** Phases of a disc: the same for both digits, 2πj/count. Addition with one embedding and even attention has no other choice. */
export function discPhases(count: number): Phases {
  ensure(count >= 5, "usage", () => `neurons: must be at least 5 a frequency, got ${count}`);
  const phi = Array.from({ length: count }, (_, j) => (2 * Math.PI * j) / count);
  return { phi0: phi, phi1: phi.slice() };
}

/** Phases for modulus 2, whose one frequency has a cosine alone: all four combinations of 0 and π, equally often. */
export function signPhases(count: number): Phases {
  ensure(count >= 4, "usage", () => `neurons: must be at least 4 a frequency, got ${count}`);
  const whole = 4 * Math.floor(count / 4);
  const phase = (bit: (j: number) => number) => Array.from({ length: whole }, (_, j) => Math.PI * bit(j));
  return { phi0: phase((j) => j % 2), phi1: phase((j) => Math.floor(j / 2) % 2) };
}
