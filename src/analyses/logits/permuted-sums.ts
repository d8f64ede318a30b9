import { at, dim, float64, type NdArray } from "../../core/index.ts";
import { circleOf, type TokenPermutation } from "../../math/index.ts";
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

/** The waves' values; modulus 2 has no sine. */
function circle(m: number): ReturnType<typeof circleOf> {
  const { cos, sin } = circleOf(m);
  return { cos, sin: m === 2 ? new Float64Array(2) : sin };
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

/** Frequencies whose fields are laid out at a time: a row of waves is then read once for all of them. */
const TOGETHER = 8;

/**
 * Writes the fields of some frequencies, each [p, 2p]: rows x0, C(x0, ·) and S(x0, ·) side by side.
 *
 * @param waves as {@link byClassWaves} has them, the first of the frequencies at place `first`.
 */
function layOut(waves: NdArray<"float64">, p: number, first: number, fields: readonly Float64Array[]): void {
  const width = dim(waves, 1);
  for (let x0 = 0; x0 < p; x0++) {
    for (let x1 = 0; x1 < p; x1++) {
      const from = (x0 * p + x1) * width + first;
      const to = x0 * 2 * p + x1;
      for (let i = 0; i < fields.length; i++) {
        const field = fields[i] as Float64Array;
        field[to] = waves.data[from + i] as number;
        field[to + p] = waves.data[from + width / 2 + i] as number;
      }
    }
  }
}

/** The angles k·c·π(x) of one digit under some relabellings, in steps of 2π/m, [draws·p], for one k after the other. */
class Angles {
  readonly steps: Int32Array;
  readonly #turn: Int32Array;
  readonly #m: number;

  constructor(orders: readonly TokenPermutation[], p: number, c: number, m: number) {
    this.#m = m;
    this.steps = new Int32Array(orders.length * p);
    this.#turn = Int32Array.from({ length: orders.length * p }, (_, i) => {
      const order = orders[Math.floor(i / p)] as TokenPermutation;
      return (c * (order[i % p] as number)) % m;
    });
  }

  /** Goes on to the next k, by addition: remainders of a division would cost more than all that is done with them. */
  next(): void {
    const [steps, turn, m] = [this.steps, this.#turn, this.#m];
    for (let i = 0; i < steps.length; i++) {
      const sum = (steps[i] as number) + (turn[i] as number);
      steps[i] = sum >= m ? sum - m : sum;
    }
  }
}

type Circle = ReturnType<typeof circle>;

// Loops of a function that waits for products are compiled anew in each call; those of the functions below once.

/** Writes the cosines of some angles, then their sines. */
function writeWaves(into: Float64Array, steps: Int32Array, { cos, sin }: Circle): void {
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i] as number;
    into[i] = cos[step] as number;
    into[steps.length + i] = sin[step] as number;
  }
}

/**
 * For each draw Σ over x1 of e^{iθ} times the sum over x0, from the products of both of x0's waves with C and S, [2·draws, 2p];
 * θ are x1's angles, [draws·p].
 */
function sumDraws(
  half: Float64Array,
  p: number,
  steps: Int32Array,
  { cos, sin }: Circle,
  into: Pick<WaveSums, "re" | "im">,
): void {
  const draws = into.re.length;
  for (let draw = 0; draw < draws; draw++) {
    let [real, imaginary] = [0, 0];
    const [even, odd] = [draw * 2 * p, (draws + draw) * 2 * p];
    for (let x = 0; x < p; x++) {
      // (cos + i·sin)(C − i·S), summed over x0.
      const a = (half[even + x] as number) + (half[odd + p + x] as number);
      const b = (half[odd + x] as number) - (half[even + p + x] as number);
      const step = steps[draw * p + x] as number;
      const [c, s] = [cos[step] as number, sin[step] as number];
      real += a * c - b * s;
      imaginary += a * s + b * c;
    }
    into.re[draw] = real;
    into.im[draw] = imaginary;
  }
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
  const waves = await byClassWaves(logits, m, matmul);
  const circleOfM = circle(m);
  const [re, im] = [new Float64Array(harmonics * draws), new Float64Array(harmonics * draws)];
  const fields = Array.from({ length: Math.min(TOGETHER, harmonics) }, () => new Float64Array(p * 2 * p));
  const low = float64(new Float64Array(2 * draws * p), [2 * draws, p]); // cosines of x0's wave, then sines
  const memory = new Float64Array(2 * draws * 2 * p);
  const [angles0, angles1] = [new Angles(orders, p, c0, m), new Angles(orders, p, c1, m)];
  for (let k = 1; k <= harmonics; k++) {
    const place = (k - 1) % TOGETHER;
    if (place === 0) layOut(waves, p, k - 1, fields.slice(0, Math.min(TOGETHER, harmonics - k + 1)));
    angles0.next();
    angles1.next();
    writeWaves(low.data, angles0.steps, circleOfM);
    const half = (await matmul(low, float64(at(fields, place), [p, 2 * p]), memory)).data; // [2·draws, 2p]
    const row = (k - 1) * draws;
    sumDraws(half, p, angles1.steps, circleOfM, { re: re.subarray(row, row + draws), im: im.subarray(row, row + draws) });
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
