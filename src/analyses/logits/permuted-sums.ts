import { dim, float64, type NdArray } from "../../core/index.ts";
import type { TokenPermutation } from "../../math/index.ts";
import type { Modulus } from "../closed-form/dictionary.ts";
import { harmonicsOf } from "../closed-form/dictionary.ts";
import type { Matmul } from "../kit/define.ts";

/** Complex sums by frequency and draw, [harmonics, draws] each. */
export interface WaveSums {
  readonly re: Float64Array;
  readonly im: Float64Array;
  readonly harmonics: number;
  readonly draws: number;
}

/** cos and sin of 2πj/m, j = 0 … m − 1. */
function circle(m: number): { readonly cos: Float64Array; readonly sin: Float64Array } {
  const angle = (j: number) => (2 * Math.PI * j) / m;
  return {
    cos: Float64Array.from({ length: m }, (_, j) => Math.cos(angle(j))),
    sin: Float64Array.from({ length: m }, (_, j) => (m === 2 ? 0 : Math.sin(angle(j)))),
  };
}

/**
 * The transform over its classes of one output head's logits [p², m]: Σ_c L·cos and Σ_c L·sin of 2πk·c/m, [p², 2·harmonics],
 * cosines first.
 */
function byClassWaves(logits: NdArray<"float64">, m: number, matmul: Matmul): Promise<NdArray<"float64">> {
  const { cos, sin } = circle(m);
  const harmonics = harmonicsOf(m);
  const waves = new Float64Array(m * 2 * harmonics);
  for (let c = 0; c < m; c++) {
    for (let k = 1; k <= harmonics; k++) {
      waves[c * 2 * harmonics + k - 1] = cos[(k * c) % m] as number;
      waves[c * 2 * harmonics + harmonics + k - 1] = sin[(k * c) % m] as number;
    }
  }
  return matmul(logits, float64(waves, [m, 2 * harmonics]));
}

/**
 * Σ over samples and classes c of L[x0, x1, c]·e^{2πik(n − c)/m}, n = c0·π(x0) + c1·π(x1), for each frequency k = 1 … and each
 * relabelling π of the tokens. For each k this is a bilinear form in the waves of the two digits, so that products give all draws
 * at once.
 *
 * @param logits one output head's, [p², m].
 */
export async function permutedSums(
  logits: NdArray<"float64">,
  { m, c0, c1 }: Pick<Modulus, "m" | "c0" | "c1">,
  orders: readonly TokenPermutation[],
  matmul: Matmul,
): Promise<WaveSums> {
  const harmonics = harmonicsOf(m);
  const p = Math.round(Math.sqrt(dim(logits, 0)));
  const draws = orders.length;
  const waves = (await byClassWaves(logits, m, matmul)).data;
  const { cos, sin } = circle(m);
  const [re, im] = [new Float64Array(harmonics * draws), new Float64Array(harmonics * draws)];
  const both = float64(new Float64Array(p * 2 * p), [p, 2 * p]); // C and S side by side
  const low = float64(new Float64Array(2 * draws * p), [2 * draws, p]); // cosines of x0's wave, then sines
  for (let k = 1; k <= harmonics; k++) {
    for (let x0 = 0; x0 < p; x0++) {
      for (let x1 = 0; x1 < p; x1++) {
        const from = (x0 * p + x1) * 2 * harmonics + k - 1;
        both.data[x0 * 2 * p + x1] = waves[from] as number;
        both.data[x0 * 2 * p + p + x1] = waves[from + harmonics] as number;
      }
    }
    orders.forEach((order, draw) => {
      for (let x = 0; x < p; x++) {
        const place = (k * c0 * (order[x] as number)) % m;
        low.data[draw * p + x] = cos[place] as number;
        low.data[(draws + draw) * p + x] = sin[place] as number;
      }
    });
    const half = (await matmul(low, both)).data; // [2·draws, 2p]
    orders.forEach((order, draw) => {
      let [real, imaginary] = [0, 0];
      const [even, odd] = [draw * 2 * p, (draws + draw) * 2 * p];
      for (let x = 0; x < p; x++) {
        // (cos + i·sin)(C − i·S), summed over x0.
        const a = (half[even + x] as number) + (half[odd + p + x] as number);
        const b = (half[odd + x] as number) - (half[even + p + x] as number);
        const place = (k * c1 * (order[x] as number)) % m;
        const [c, s] = [cos[place] as number, sin[place] as number];
        real += a * c - b * s;
        imaginary += a * s + b * c;
      }
      re[(k - 1) * draws + draw] = real;
      im[(k - 1) * draws + draw] = imaginary;
    });
  }
  return { re, im, harmonics, draws };
}

/**
 * Shares of double-centred logits' energy that lie along functions of (n − c) mod m, one for each relabelling: by Parseval from
 * the sums, since centring has left nothing at frequency 0.
 *
 * @param energy of the centred logits, all entries.
 */
export function sharesOf({ re, im, harmonics, draws }: WaveSums, m: number, samples: number, energy: number): number[] {
  return Array.from({ length: draws }, (_, draw) => {
    let total = 0;
    for (let k = 0; k < harmonics; k++) total += (re[k * draws + draw] as number) ** 2 + (im[k * draws + draw] as number) ** 2;
    // Every frequency but that of m = 2 has its conjugate.
    return energy === 0 ? 0 : ((m === 2 ? 1 : 2) * total) / m / samples / energy;
  });
}
