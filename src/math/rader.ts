import { mixedRadix } from "./mixed-radix.ts";
import type { Transform } from "./transform.ts";

/**
 * The residues g^0, g^1, …, g^(n−2) modulo a prime n of the smallest g whose powers are all of 1..n−1; undefined where n is no
 * prime.
 */
function powersOfRoot(n: number): Int32Array | undefined {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return undefined;
  const powers = new Int32Array(n - 1);
  for (let g = 2; g < n; g++) {
    let power = 1;
    let order = 0;
    do {
      powers[order++] = power;
      power = (power * g) % n;
    } while (power !== 1);
    if (order === n - 1) return powers;
  }
  return undefined;
}

/**
 * A prime length by one circular convolution of length n − 1 (Rader 1968), where {@link mixedRadix} has that length; undefined
 * for any other. With j = g^a and k = g^(−b) for a primitive root g the frequencies but 0 are x_0 plus the convolution of x_(g^a)
 * with e^(−2πi·g^(−a)/n).
 */
export function rader(n: number): Transform | undefined {
  const fft = mixedRadix(n - 1);
  const powers = powersOfRoot(n);
  if (fft === undefined || powers === undefined) return undefined;
  const size = n - 1;
  /** Where the convolution's numbers come from and go to among the interleaved ones. */
  const from = powers.map((power) => 2 * power);
  const to = from.map((_, b) => from[(size - b) % size] as number);
  const work = new Float64Array(2 * size);
  const spectrum = new Float64Array(2 * size);
  const kernel = new Float64Array(2 * size);
  for (let a = 0; a < size; a++) {
    const angle = (-2 * Math.PI * ((to[a] as number) / 2)) / n;
    // The division by `size` of the inverse transform is folded in here.
    work[2 * a] = Math.cos(angle) / size;
    work[2 * a + 1] = Math.sin(angle) / size;
  }
  fft(kernel, work);
  return (out, data) => {
    const firstRe = data[0] as number;
    const firstIm = data[1] as number;
    for (let a = 0; a < size; a++) {
      const source = from[a] as number;
      work[2 * a] = data[source] as number;
      work[2 * a + 1] = data[source + 1] as number;
    }
    fft(spectrum, work);
    out[0] = firstRe + (spectrum[0] as number);
    out[1] = firstIm + (spectrum[1] as number);
    for (let i = 0; i < 2 * size; i += 2) {
      const re = spectrum[i] as number;
      const im = spectrum[i + 1] as number;
      const c = kernel[i] as number;
      const s = kernel[i + 1] as number;
      // Conjugated: conj(FFT(conj(z))) is the inverse transform up to the factor folded into the kernel.
      work[i] = re * c - im * s;
      work[i + 1] = -(re * s + im * c);
    }
    // x_0 belongs to every frequency: a constant, which is the spectrum's first entry.
    work[0] = (work[0] as number) + firstRe;
    work[1] = (work[1] as number) - firstIm;
    fft(spectrum, work);
    for (let b = 0; b < size; b++) {
      const target = to[b] as number;
      out[target] = spectrum[2 * b] as number;
      out[target + 1] = -(spectrum[2 * b + 1] as number);
    }
  };
}
