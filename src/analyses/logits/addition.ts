import { at, dim, ensure, float64, type NdArray } from "../../core/index.ts";
import type { TokenPermutation } from "../../math/index.ts";

/** cos(2πj/p) and sin(2πj/p) for j = 0..p−1: every angle w_k·s is one of these, so none is rounded twice. */
function circle(p: number): { readonly cos: Float64Array; readonly sin: Float64Array } {
  const angle = (j: number) => (2 * Math.PI * j) / p;
  return {
    cos: Float64Array.from({ length: p }, (_, j) => Math.cos(angle(j))),
    sin: Float64Array.from({ length: p }, (_, j) => Math.sin(angle(j))),
  };
}

/** x0 + x1 mod p of every sample in grid order, [p²]. */
export function totals(p: number): Int32Array {
  return Int32Array.from({ length: p * p }, (_, i) => (Math.floor(i / p) + (i % p)) % p);
}

/**
 * The logits summed over the p samples of each x0 + x1 mod p, [p, p] (total, class): all that an addition model's Fourier
 * coefficients depend on.
 *
 * @param logits [p², classes]; classes beyond p are not looked at.
 * @param order Where given, a relabelling of the tokens: sample (x0, x1) takes the logits of (order[x0], order[x1]).
 */
export function sumByTotal(logits: NdArray<"float64">, p: number, order?: TokenPermutation): Float64Array {
  const classes = dim(logits, 1);
  ensure(
    dim(logits, 0) === p * p && classes >= p,
    "input",
    () => `mechanism: logits of addition modulo ${p} must be [${p * p}, ${p}], got [${logits.shape.join(", ")}]`,
  );
  const sums = new Float64Array(p * p);
  for (let x0 = 0; x0 < p; x0++) {
    for (let x1 = 0; x1 < p; x1++) {
      const source = ((order?.[x0] ?? x0) * p + (order?.[x1] ?? x1)) * classes;
      const target = ((x0 + x1) % p) * p;
      for (let c = 0; c < p; c++) sums[target + c] = (sums[target + c] as number) + (logits.data[source + c] as number);
    }
  }
  return sums;
}

/**
 * Inner products of the raw logits with the unit-norm directions cos(w_k(x0 + x1 − c)), w_k = 2πk/p, for k = 1..(p−1)/2 (Nanda et
 * al. 2023, section 4.1). Each direction has norm √(p³/2) over samples and classes.
 */
export function cosCoefficients(byTotal: Float64Array, p: number): number[] {
  const { cos } = circle(p);
  const byDifference = new Float64Array(p);
  for (let s = 0; s < p; s++) {
    for (let c = 0; c < p; c++) {
      const difference = (s - c + p) % p;
      byDifference[difference] = (byDifference[difference] as number) + (byTotal[s * p + c] as number);
    }
  }
  return Array.from({ length: (p - 1) / 2 }, (_, i) => {
    let total = 0;
    for (let d = 0; d < p; d++) total += at(byDifference, d) * at(cos, ((i + 1) * d) % p);
    return total / Math.sqrt(p ** 3 / 2);
  });
}

/** Frequencies whose |coefficient| exceeds 0.1 of the largest one's, ascending; none where all are zero. */
export function keyFrequencies(coefficients: readonly number[]): number[] {
  const limit = 0.1 * Math.max(...coefficients.map(Math.abs));
  return coefficients.flatMap((value, i) => (Math.abs(value) > limit ? [i + 1] : []));
}

/** Of the logits' sum of squares, what rounding alone may leave of them once they are centred. */
const ROUNDING = 1e-22;

/**
 * ‖L‖² of the logits centred over samples and over classes: what is left of them once biases and the softmax's freedom are gone;
 * 0 where only rounding is, as of logits that are the same for every input.
 */
export function centredEnergy(logits: NdArray<"float64">, classes: number): number {
  const [samples, stride] = [dim(logits, 0), dim(logits, 1)];
  const { data } = logits;
  const sampleMeans = new Float64Array(samples);
  const classMeans = new Float64Array(classes);
  let [grand, whole] = [0, 0];
  for (let i = 0; i < samples; i++) {
    for (let c = 0; c < classes; c++) {
      const value = data[i * stride + c] as number;
      whole += value ** 2;
      sampleMeans[i] = at(sampleMeans, i) + value / classes;
      classMeans[c] = at(classMeans, c) + value / samples;
    }
    grand += at(sampleMeans, i) / samples;
  }
  let total = 0;
  for (let i = 0; i < samples; i++) {
    const shift = at(sampleMeans, i) - grand;
    for (let c = 0; c < classes; c++) total += ((data[i * stride + c] as number) - shift - (classMeans[c] as number)) ** 2;
  }
  return total <= ROUNDING * whole ? 0 : total;
}

/** Share of the centred logits' energy that the key frequencies' cosines carry, Σ coefficient² / ‖L‖²; 0 for constant logits. */
export function keyShare(coefficients: readonly number[], energy: number): number {
  const carried = keyFrequencies(coefficients).reduce((total, k) => total + at(coefficients, k - 1) ** 2, 0);
  return energy === 0 ? 0 : carried / energy;
}

/**
 * The part T of the raw logits along the directions cos(w_k(x0 + x1)) and sin(w_k(x0 + x1)) of some frequencies, class by class,
 * fitted over all p² samples. It depends on the total alone: [p, p] (total, class). Its mean over samples is zero.
 */
export function projectOnTotals(byTotal: Float64Array, p: number, frequencies: readonly number[]): Float64Array {
  const { cos, sin } = circle(p);
  const part = new Float64Array(p * p);
  for (const k of frequencies) {
    const [even, odd] = [new Float64Array(p), new Float64Array(p)];
    for (let s = 0; s < p; s++) {
      const [a, b] = [at(cos, (k * s) % p), at(sin, (k * s) % p)];
      for (let c = 0; c < p; c++) {
        const value = byTotal[s * p + c] as number;
        even[c] = (even[c] as number) + a * value;
        odd[c] = (odd[c] as number) + b * value;
      }
    }
    // Each direction has squared norm p²/2 over the samples.
    for (let s = 0; s < p; s++) {
      const [a, b] = [at(cos, (k * s) % p), at(sin, (k * s) % p)];
      for (let c = 0; c < p; c++) {
        part[s * p + c] = (part[s * p + c] as number) + (2 / p ** 2) * (a * (even[c] as number) + b * (odd[c] as number));
      }
    }
  }
  return part;
}

/**
 * Logits that keep the part T alone: T + the mean over samples of the rest, per class, which depend on the total alone, [p, p]
 * (total, class). T has mean zero, so the rest's mean is the logits' own.
 */
export function restrictedLogits(part: Float64Array, byTotal: Float64Array, p: number): NdArray<"float64"> {
  const means = new Float64Array(p);
  for (let s = 0; s < p; s++) for (let c = 0; c < p; c++) means[c] = at(means, c) + at(byTotal, s * p + c) / p ** 2;
  return float64(
    part.map((value, cell) => value + (means[cell % p] as number)),
    [p, p],
  );
}

/** Logits without the part T, [p², p]; nothing is added back. */
export function excludedLogits(logits: NdArray<"float64">, part: Float64Array, p: number): NdArray<"float64"> {
  const classes = dim(logits, 1);
  const out = new Float64Array(p ** 3);
  totals(p).forEach((s, i) => {
    for (let c = 0; c < p; c++) out[i * p + c] = (logits.data[i * classes + c] as number) - (part[s * p + c] as number);
  });
  return float64(out, [p * p, p]);
}
