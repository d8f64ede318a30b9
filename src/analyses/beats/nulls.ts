import { at, randomStream } from "../../core/index.ts";
import { mean, rankP, tokenPermutation } from "../../math/index.ts";
import type { AdditiveParts } from "../closed-form/additive.ts";
import type { Matmul } from "../kit/define.ts";
import { type DigitWaves, nearOf } from "./kinds.ts";
import { countOf, kindsOf, type Readers } from "./readers.ts";
import { type TwoWaves, twoWaves } from "./two-waves.ts";

/** A count under a null: its mean over the draws, and (draws that reach what was found + 1) / (draws + 1). */
export type CountNull = { mean: number; probability: number };

/** How many of so many neurons beat at one task's frequencies by chance, were frequencies uniform and independent. */
export function uniformCount(neurons: number, q: number, p: number): number {
  const near = nearOf(p);
  // Sum and difference, each near f or −f, which are one for q = 2; and neither wave a multiple of 1/q.
  const digit = (q === 2 ? 4 : 8) * near * Math.max(0, 1 - 2 * q * near);
  return neurons * Math.min(1, digit) ** 2;
}

/** What the draws of a task look at. */
export interface NullInput {
  readonly q: number;
  readonly readers: Readers;
  readonly parts: AdditiveParts;
  readonly matmul: Matmul;
  readonly draws: number;
  readonly seed: number;
}

/**
 * The count with the tokens of the neurons' parts relabelled, one permutation for both digits: which neurons are read, and at
 * which frequency, stays. A model without structure is as likely before as after.
 */
export async function permutedCount({ q, readers, parts, matmul, draws, seed }: NullInput, found: number): Promise<CountNull> {
  const { p } = parts;
  const neurons = readers.order.slice(0, readers.most);
  const random = randomStream(seed, `beats/tokens/${q}`);
  const counts: number[] = [];
  const permuted = new Float64Array(2 * p * neurons.length);
  for (let draw = 0; draw < draws; draw++) {
    const order = tokenPermutation(p, random);
    neurons.forEach((j, place) => {
      for (const digit of [0, 1]) {
        const [from, to] = [(2 * j + digit) * p, (2 * place + digit) * p];
        for (let x = 0; x < p; x++) permuted[to + x] = at(parts.digits, from + at(order, x));
      }
    });
    const waves = await twoWaves(permuted, p, matmul);
    const kinds = kindsOf(neurons, (place) => [waves[2 * place], waves[2 * place + 1]], { q, kOf: readers.kOf }, p);
    counts.push(countOf(kinds, "beats"));
  }
  return { mean: mean(counts), probability: rankP(found, counts) };
}

/** A digit's first wave with the second of another's. */
function withSecond(first: TwoWaves | undefined, second: TwoWaves | undefined): TwoWaves | undefined {
  return first && second && { ...first, waves: [first.waves[0], second.waves[1]] };
}

/**
 * The count with each neuron's second waves, of both digits, taken from a random other live neuron of the model: the frequencies
 * in use stay, which of them meet in a neuron does not.
 */
export function usedCount(
  { q, readers, parts: { p }, draws, seed }: NullInput,
  wavesOf: (neuron: number) => DigitWaves,
  found: number,
): CountNull {
  const neurons = readers.order.slice(0, readers.most);
  const random = randomStream(seed, `beats/used/${q}`);
  const counts = Array.from({ length: draws }, () => {
    const drawn = (_: number, j: number): DigitWaves => {
      const [own, other] = [wavesOf(j), wavesOf(at(readers.order, random.integer(readers.order.length)))];
      return [withSecond(own[0], other[0]), withSecond(own[1], other[1])];
    };
    return countOf(kindsOf(neurons, drawn, { q, kOf: readers.kOf }, p), "beats");
  });
  return { mean: mean(counts), probability: rankP(found, counts) };
}
