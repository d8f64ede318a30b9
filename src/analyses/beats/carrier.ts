import { at } from "../../core/index.ts";

/** Most waves of a carrier that are fitted. */
export const CARRIER_WAVES = 5;

/** A column this near to the span of those before it adds nothing but rounding. */
const WITHIN = 1e-6;

/** cos or sin of a frequency over the tokens. */
function column(p: number, frequency: number, wave: (angle: number) => number): Float64Array {
  return Float64Array.from({ length: p }, (_, x) => wave(2 * Math.PI * frequency * x));
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let x = 0; x < a.length; x++) sum += (a[x] as number) * (b[x] as number);
  return sum;
}

/** An orthonormal basis, begun by another, with the cosine and sine of one frequency. */
function extended(basis: readonly Float64Array[], p: number, frequency: number): Float64Array[] {
  const more = [...basis];
  for (const wave of [Math.cos, Math.sin]) {
    const own = column(p, frequency, wave);
    for (const unit of more) {
      const along = dot(own, unit);
      for (let x = 0; x < p; x++) own[x] = (own[x] as number) - along * (unit[x] as number);
    }
    const norm = Math.sqrt(dot(own, own));
    if (norm > WITHIN) more.push(own.map((value) => value / norm));
  }
  return more;
}

/** The frequencies f + j/q of a carrier f times a function of the digit mod q, each once, from 0 to half a cycle a token. */
export function carrierFrequencies(f: number, q: number): number[] {
  const folded = Array.from({ length: q }, (_, j) => {
    const turn = (((f + j / q) % 1) + 1) % 1;
    return Math.min(turn, 1 - turn);
  });
  return folded.filter((one, i) => folded.findIndex((other) => Math.abs(one - other) < WITHIN) === i);
}

/**
 * A digit's part [p] as one carrier wave times a function of the digit mod q: its least-squares fit by a constant and at most
 * {@link CARRIER_WAVES} of the waves f + j/q, those that explain most, one after the other; beginning with the carrier's own.
 */
export function carrierFit(part: Float64Array, f: number, q: number): { readonly fit: Float64Array; readonly share: number } {
  const p = part.length;
  let basis = extended([new Float64Array(p).fill(1 / Math.sqrt(p))], p, f);
  let left = carrierFrequencies(f, q).slice(1);
  for (let n = 1; n < CARRIER_WAVES && left.length > 0; n++) {
    const gains = left.map((frequency) => {
      const more = extended(basis, p, frequency);
      return { frequency, more, gain: more.slice(basis.length).reduce((sum, unit) => sum + dot(part, unit) ** 2, 0) };
    });
    const best = gains.reduce((a, b) => (b.gain > a.gain ? b : a));
    basis = best.more;
    left = left.filter((frequency) => frequency !== best.frequency);
  }
  const fit = new Float64Array(p);
  let explained = 0;
  for (const unit of basis) {
    const along = dot(part, unit);
    explained += along ** 2;
    for (let x = 0; x < p; x++) fit[x] = at(fit, x) + along * at(unit, x);
  }
  const energy = dot(part, part);
  return { fit, share: energy === 0 ? 0 : Math.min(1, explained / energy) };
}
