import { at, float64 } from "../../core/index.ts";
import type { Matmul } from "../kit/define.ts";

/** Steps of frequency in a cycle a token, for each of the p tokens: fine beside the 1/p to which they tell frequencies apart. */
const STEPS_PER_TOKEN = 32;
/** Steps between the frequencies that are looked at first. */
const COARSE = 4;
/** The least distance of a part's two waves in steps, and of a wave from 0 and from half a cycle: 1/(2p) and 1/(4p). */
const APART = 16;
const EDGE = 8;

/** A wave amplitude·cos(2π·frequency·x + phase) of one digit x; its frequency in cycles a token, above 0 and below one half. */
export interface Wave {
  readonly frequency: number;
  readonly amplitude: number;
  readonly phase: number;
}

/** The two waves that together explain most of one digit's part of a neuron, the larger first. */
export interface TwoWaves {
  readonly waves: readonly [Wave, Wave];
  /** Mean over the tokens of the waves' sum. */
  readonly mean: number;
  /** Share of the part's sum of squares that they explain. */
  readonly share: number;
}

/** What the fits over p tokens have in common; tokens are counted from the middle one, where cosines are even and sines odd. */
interface Tables {
  readonly p: number;
  readonly steps: number;
  /** cos(2πi/steps). */
  readonly cos: Float64Array;
  /** Σ over the tokens of cos(2π·step·x/steps), for each step. */
  readonly sums: Float64Array;
  /** Squares of the centred cosine and of the sine of each step below half a cycle, one after the other. */
  readonly own: Float64Array;
  readonly coarse: Int32Array;
  /** Cosines, then sines, of the coarse frequencies, [p, 2·coarse]. */
  readonly basis: Float64Array;
}

const TABLES = new Map<number, Tables>();

function tablesOf(p: number): Tables {
  const known = TABLES.get(p);
  if (known !== undefined) return known;
  const steps = STEPS_PER_TOKEN * p;
  const middle = (p - 1) / 2;
  const cos = Float64Array.from({ length: steps }, (_, i) => Math.cos((2 * Math.PI * i) / steps));
  const sums = Float64Array.from({ length: steps }, (_, step) => {
    let sum = 1;
    for (let x = 1; x <= middle; x++) sum += 2 * at(cos, (step * x) % steps);
    return sum;
  });
  const coarse = Int32Array.from({ length: Math.floor((steps / 2 - 2 * EDGE) / COARSE) + 1 }, (_, i) => EDGE + i * COARSE);
  const width = coarse.length;
  const basis = new Float64Array(p * 2 * width);
  for (let x = 0; x < p; x++) {
    for (let i = 0; i < width; i++) {
      const place = (((at(coarse, i) * (x - middle)) % steps) + steps) % steps;
      basis[x * 2 * width + i] = at(cos, place);
      basis[x * 2 * width + width + i] = at(cos, (place + (3 * steps) / 4) % steps);
    }
  }
  const own = new Float64Array(steps);
  for (let step = 0; step < steps / 2; step++) {
    const together = at(sums, (2 * step) % steps);
    own[2 * step] = (p + together) / 2 - at(sums, step) ** 2 / p;
    own[2 * step + 1] = (p - together) / 2;
  }
  const made = { p, steps, cos, sums, own, coarse, basis };
  TABLES.set(p, made);
  return made;
}

/** A centred part's products with the cosine and the sine of one frequency. */
interface Along {
  readonly step: number;
  readonly cosine: number;
  readonly sine: number;
}

/** Products of the waves of two frequencies with each other: centred cosines, and sines. */
function products({ p, steps, sums }: Tables, a: number, b: number): { readonly even: number; readonly odd: number } {
  const [apart, together] = [sums[Math.abs(a - b)] as number, sums[(a + b) % steps] as number];
  return { even: (apart + together) / 2 - ((sums[a] as number) * (sums[b] as number)) / p, odd: (apart - together) / 2 };
}

/** Factors of two vectors by least squares, from their products aa, ab, bb and a value's with them, va and vb. */
function factorsOf(aa: number, ab: number, bb: number, va: number, vb: number): readonly [number, number] {
  const determinant = aa * bb - ab * ab;
  return [(va * bb - vb * ab) / determinant, (vb * aa - va * ab) / determinant];
}

/** What one frequency explains of a part alone. */
function explainedAlone({ own }: Tables, step: number, cosine: number, sine: number): number {
  return (cosine * cosine) / (own[2 * step] as number) + (sine * sine) / (own[2 * step + 1] as number);
}

/** What one frequency explains of a part beside another. */
function explainedBeside({ p, steps, sums, own }: Tables, step: number, cosine: number, sine: number, other: Along): number {
  const apart = sums[Math.abs(step - other.step)] as number;
  const together = sums[(step + other.step) % steps] as number;
  const even = (apart + together) / 2 - ((sums[step] as number) * (sums[other.step] as number)) / p;
  const odd = (apart - together) / 2;
  const [ee, oe] = [own[2 * step] as number, own[2 * other.step] as number];
  const [eo, oo] = [own[2 * step + 1] as number, own[2 * other.step + 1] as number];
  const cosines = (cosine * cosine * oe - 2 * cosine * other.cosine * even + other.cosine ** 2 * ee) / (ee * oe - even * even);
  const sines = (sine * sine * oo - 2 * sine * other.sine * odd + other.sine ** 2 * eo) / (eo * oo - odd * odd);
  return cosines + sines;
}

/** Products of a centred part [p] with the waves of one frequency. */
function alongStep({ p, steps, cos }: Tables, part: Float64Array, step: number): Along {
  const middle = (p - 1) / 2;
  let [cosine, sine] = [part[middle] as number, 0];
  for (let x = 1; x <= middle; x++) {
    const place = (step * x) % steps;
    const [later, earlier] = [part[middle + x] as number, part[middle - x] as number];
    cosine += (later + earlier) * (cos[place] as number);
    sine += (later - earlier) * (cos[(place + (3 * steps) / 4) % steps] as number);
  }
  return { step, cosine, sine };
}

/** A part with its products with the coarse frequencies: cosines from `start` of `along` on, then sines. */
interface Part {
  readonly values: Float64Array;
  readonly along: Float64Array;
  readonly start: number;
}

/** The frequency that explains most of a part, alone or beside another at least 1/(2p) away. */
function strongest(tables: Tables, { values, along, start }: Part, beside?: Along): Along {
  const width = tables.coarse.length;
  let [best, most]: [Along, number] = [{ step: EDGE, cosine: 0, sine: 0 }, -1];
  const found = (step: number, cosine: number, sine: number): number => {
    if (beside === undefined) return explainedAlone(tables, step, cosine, sine);
    return Math.abs(step - beside.step) < APART ? -1 : explainedBeside(tables, step, cosine, sine, beside);
  };
  let place = 0;
  for (let i = 0; i < width; i++) {
    const own = found(tables.coarse[i] as number, along[start + i] as number, along[start + width + i] as number);
    if (own > most) [place, most] = [i, own];
  }
  const step = at(tables.coarse, place);
  best = { step, cosine: at(along, start + place), sine: at(along, start + width + place) };
  for (let near = step - COARSE + 1; near < step + COARSE; near++) {
    if (near === step) continue;
    const one = alongStep(tables, values, near);
    const own = found(near, one.cosine, one.sine);
    if (own > most) [best, most] = [one, own];
  }
  return best;
}

/** The wave of two products with the rest's factors, told from token 0. */
function waveOf({ p, steps }: Tables, step: number, a: number, b: number): Wave {
  const phase = -Math.atan2(b, a) - (Math.PI * step * (p - 1)) / steps;
  return {
    frequency: step / steps,
    amplitude: Math.hypot(a, b),
    phase: phase - 2 * Math.PI * Math.round(phase / (2 * Math.PI)),
  };
}

/** The two waves of one centred part that is not zero. */
function fitOne(tables: Tables, part: Part): TwoWaves {
  // The first is found beside no other, and looked for again beside the second.
  const second = strongest(tables, part, strongest(tables, part));
  const first = strongest(tables, part, second);
  const other = strongest(tables, part, first);
  const [one, two, cross] = [
    products(tables, first.step, first.step),
    products(tables, other.step, other.step),
    products(tables, first.step, other.step),
  ];
  const [a0, a1] = factorsOf(one.even, cross.even, two.even, first.cosine, other.cosine);
  const [b0, b1] = factorsOf(one.odd, cross.odd, two.odd, first.sine, other.sine);
  const energy = part.values.reduce((sum, value) => sum + value * value, 0);
  const explained = a0 * first.cosine + a1 * other.cosine + b0 * first.sine + b1 * other.sine;
  const [w0, w1] = [waveOf(tables, first.step, a0, b0), waveOf(tables, other.step, a1, b1)];
  return {
    waves: w0.amplitude >= w1.amplitude ? [w0, w1] : [w1, w0],
    mean: (a0 * at(tables.sums, first.step) + a1 * at(tables.sums, other.step)) / tables.p,
    share: Math.min(1, explained / energy),
  };
}

/** Parts whose products are computed at a time. */
const BLOCK = 128;

/**
 * The two strongest waves of each part [parts, p], centred over an odd number p of tokens, by least squares: one after the other,
 * each looked for again beside the other. Undefined for a part that is zero.
 */
export async function twoWaves(parts: Float64Array, p: number, matmul: Matmul): Promise<(TwoWaves | undefined)[]> {
  const tables = tablesOf(p);
  const width = 2 * tables.coarse.length;
  const basis = float64(tables.basis, [p, width]);
  const count = parts.length / p;
  const found: (TwoWaves | undefined)[] = [];
  for (let first = 0; first < count; first += BLOCK) {
    const rows = Math.min(BLOCK, count - first);
    const { data } = await matmul(float64(parts.subarray(first * p, (first + rows) * p), [rows, p]), basis);
    for (let row = 0; row < rows; row++) {
      const values = parts.subarray((first + row) * p, (first + row + 1) * p);
      const zero = values.every((value) => value === 0);
      found.push(zero ? undefined : fitOne(tables, { values, along: data, start: row * width }));
    }
  }
  return found;
}
