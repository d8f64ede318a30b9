import { type AdditiveParts, additiveParts } from "../../src/analyses/closed-form/additive.ts";
import { readoutEnergies, readoutMatrix, strongestReadout } from "../../src/analyses/closed-form/readout.ts";
import type { AnalysisInput } from "../../src/analyses/kit/define.ts";
import { activationOf, matmulOf } from "../../src/analyses/kit/inputs.ts";
import { at, ensure } from "../../src/core/index.ts";

/** Frequencies are looked for in steps of 1/STEPS cycles a token. */
const STEPS = 4000;
/** How near a sum or difference must come, in cycles a token; p tokens tell frequencies apart to about 1/(10 p). */
const NEAR = 0.003;
/** The least distance of a part's two waves: nearer ones are one wave to p tokens. */
const APART = 16;

const TABLE = Float64Array.from({ length: STEPS }, (_, i) => Math.cos((2 * Math.PI * i) / STEPS));
/** cos of a frequency in steps over the tokens; a quarter of a turn later it is −sin. */
const wave = (p: number, step: number, quarter: 0 | 1) =>
  Float64Array.from({ length: p }, (_, t) => at(TABLE, (step * t + (quarter * STEPS) / 4) % STEPS));

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let t = 0; t < a.length; t++) sum += at(a, t) * at(b, t);
  return sum;
}

/** Makes a column orthonormal to a basis, in place; false where it lies within it. */
function orthonormal(column: Float64Array, basis: readonly Float64Array[]): boolean {
  for (const unit of basis) {
    const along = dot(column, unit);
    for (let t = 0; t < column.length; t++) column[t] = at(column, t) - along * at(unit, t);
  }
  const norm = Math.sqrt(dot(column, column));
  if (norm < 1e-6) return false;
  for (let t = 0; t < column.length; t++) column[t] = at(column, t) / norm;
  return true;
}

/** An orthonormal basis of a constant and the waves of some frequencies, begun by another such basis. */
function basisOf(p: number, steps: readonly number[], from: readonly Float64Array[] = []): Float64Array[] {
  const basis = [...from];
  const columns = from.length === 0 ? [new Float64Array(p).fill(1)] : [];
  for (const step of steps) columns.push(wave(p, step, 0), wave(p, step, 1));
  for (const column of columns) if (orthonormal(column, basis)) basis.push(column);
  return basis;
}

/** The two waves that together explain most of a digit's part of a neuron [p], in cycles a token, found one after the other. */
export function strongestWaves(part: Float64Array): { readonly waves: readonly [number, number]; readonly share: number } {
  const p = part.length;
  const mean = part.reduce((sum, value) => sum + value, 0) / p;
  const y = part.map((value) => value - mean);
  const best = (fixed: readonly number[]): { step: number; share: number } => {
    const before = basisOf(p, fixed);
    const base = before.reduce((sum, unit) => sum + dot(y, unit) ** 2, 0);
    const found = { step: 0, share: -1 };
    const look = (step: number) => {
      if (fixed.some((other) => Math.abs(other - step) < APART)) return;
      const more = basisOf(p, [step], before).slice(before.length);
      const share = (base + more.reduce((sum, unit) => sum + dot(y, unit) ** 2, 0)) / dot(y, y);
      if (share > found.share) Object.assign(found, { step, share });
    };
    for (let step = 8; step <= STEPS / 2 - 8; step += 4) look(step);
    const coarse = found.step;
    for (let step = coarse - 3; step <= coarse + 3; step++) look(step);
    return found;
  };
  // The first is found beside no other, and looked for again beside the second.
  const first = best([best([best([]).step]).step]);
  const second = best([first.step]);
  return { waves: [first.step / STEPS, second.step / STEPS], share: second.share };
}

/** Distance of two frequencies on the circle. */
const distance = (a: number, b: number) => Math.abs(((((a - b) % 1) + 1.5) % 1) - 0.5);

/** Whether the sum or the difference of two frequencies is the frequency f, in either direction. */
export function beatsAt([a, b]: readonly [number, number], f: number): boolean {
  return [a + b, a - b].some((beat) => distance(beat, f) <= NEAR || distance(beat, -f) <= NEAR);
}

/** Whether a frequency is a multiple of 1/q: such waves are the task's own. */
export const isOwn = (f: number, q: number) => distance(f, Math.round(f * q) / q) <= NEAR;

/**
 * Of neurons: in how many the two strongest waves of x0's part, none of them the task's own, beat at k/q, and those of x1's at
 * k·p/q, k being their read-out's.
 */
function beating({ digits, p }: AdditiveParts, neurons: readonly number[], q: number, kOf: (j: number) => number): number {
  return neurons.filter((j) => {
    const part = (digit: 0 | 1) => digits.subarray((2 * j + digit) * p, (2 * j + digit + 1) * p);
    const beats = (digit: 0 | 1, f: number) => {
      const { waves } = strongestWaves(part(digit));
      return !waves.some((each) => isOwn(each, q)) && beatsAt(waves, f);
    };
    const k = kOf(j);
    return beats(0, k / q) && beats(1, (k * p) / q);
  }).length;
}

/** How a task is read from waves of other frequencies than its own. */
export interface Beats {
  readonly q: number;
  /** The neurons that the task is read from most: those that hold half of Σ |read-out|²·Var u. */
  readonly neurons: number;
  /** How many of them beat at the frequency of their read-out, in both digits. */
  readonly beats: number;
  /** The same of as many neurons that the task is read from least. */
  readonly least: number;
  /** How many would by chance, were frequencies uniform and independent. */
  readonly chance: number;
}

/** {@link Beats} of some tasks of n mod q. */
export async function beatsOf(input: AnalysisInput, tasks: readonly number[]): Promise<Beats[]> {
  const { config, heads, parameters } = input;
  const parts = additiveParts(activationOf(input, "blocks.0.mlp.hook_pre"), config.p);
  const readout = await readoutMatrix(parameters, heads, matmulOf(input));
  return tasks.map((q) => {
    const head = heads.find((each) => each.q === q);
    ensure(head !== undefined, "usage", () => `beats: q must be among the tasks, got ${q}`);
    const weights = Array.from(parts.variance, (variance, j) => at(readoutEnergies(readout, j, [head]), 0) * variance);
    const order = weights.map((_, j) => j).sort((a, b) => at(weights, b) - at(weights, a));
    const half = weights.reduce((sum, weight) => sum + weight, 0) / 2;
    let held = 0;
    const neurons =
      order.findIndex((j) => {
        held += at(weights, j);
        return held >= half;
      }) + 1;
    const kOf = (j: number) => strongestReadout(readout, j, head);
    return {
      q,
      neurons,
      beats: beating(parts, order.slice(0, neurons), q, kOf),
      least: beating(parts, order.slice(-neurons), q, kOf),
      // Sum and difference, each near to f or −f: four intervals of 2·NEAR, in two digits.
      chance: neurons * (8 * NEAR) ** 2,
    };
  });
}
