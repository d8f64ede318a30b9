import { at, type NdArray, type Random, randomStream } from "../../core/index.ts";
import { mean, rankP, sum } from "../../math/index.ts";
import type { Head } from "../../tasks/index.ts";
import { foldedFrequency, harmonicsOf, type Modulus } from "../closed-form/dictionary.ts";
import type { ClosedForm } from "../closed-form/fit.ts";
import { readoutEnergies, strongestReadout } from "../closed-form/readout.ts";

/** A second output head has more than this share of a neuron's read-out. */
export const SECOND_SHARE = 0.15;

/** Neurons that serve a second head: do their two pairs of frequencies coincide in one digit? */
export type Sharing = {
  /** Neurons above the null with a second output head. */
  neurons: number;
  /** Of them, those whose pairs coincide within 0.5/p in either digit. */
  coincide: number;
  /** The mean of that count with each output head's classes relabelled c → a·c, one random a for all neurons. */
  expected: number;
  /** (relabellings that reach the count + 1) / (relabellings + 1). */
  probability: number;
  /**
   * The same with each second pair drawn from all used pairs of other moduli. No test: second pairs drawn each by itself are more
   * evenly spread than those of neurons that read one embedding, so that the probability is too small too often.
   */
  expected_used: number;
  probability_used: number;
};

interface Pair {
  readonly modulus: Modulus;
  readonly k: number;
}

/** A neuron's own pair, and that of the second output head it serves. */
interface TwoPairs {
  readonly own: Pair;
  readonly other: Pair;
}

/** Whether two pairs have the same frequency, up to sign, within 0.5/p cycles a token in x0 or in x1. */
function coincident(a: Pair, b: Pair, p: number): boolean {
  const cycles = ({ modulus: { m }, k }: Pair, c: number) => foldedFrequency(k, c, m) / m;
  const near = (first: number, second: number) => Math.abs(first - second) < 0.5 / p;
  return near(cycles(a, a.modulus.c0), cycles(b, b.modulus.c0)) || near(cycles(a, a.modulus.c1), cycles(b, b.modulus.c1));
}

/** A neuron that is looked at. */
export interface SharingMember {
  readonly neuron: number;
  readonly form: ClosedForm;
}

/** The two pairs of every neuron that serves a second output head. */
function twoPairs(
  members: readonly SharingMember[],
  readout: NdArray<"float64">,
  heads: readonly Head[],
  moduli: readonly Modulus[],
): TwoPairs[] {
  return members.flatMap(({ neuron, form }) => {
    const energies = readoutEnergies(readout, neuron, heads);
    const whole = sum(energies);
    let second = -1;
    energies.forEach((energy, h) => {
      if (h !== form.modulus.head && energy > SECOND_SHARE * whole && energy > (energies[second] ?? 0)) second = h;
    });
    const head = heads[second];
    if (head === undefined) return [];
    return [{ own: form, other: { modulus: at(moduli, second), k: strongestReadout(readout, neuron, head) } }];
  });
}

/** A multiplier of each modulus' classes, one of its units up to sign: they move its frequencies among themselves. */
function multipliers(moduli: readonly Modulus[], random: Random): Map<number, number> {
  return new Map(moduli.map(({ m }) => [m, 1 + random.integer(harmonicsOf(m))]));
}

/**
 * How often the pairs of the two output heads that a neuron serves coincide in one digit.
 *
 * The null relabels the classes of each output head, c → a·c modulo its prime, the same for all neurons, which turns every
 * frequency k of its read-outs into one other. What neurons compute, which of them serve a second output head, and which of
 * those agree with each other stay as they are; a read-out that knows nothing of its neurons' frequencies is as likely after as
 * before, so that the rank among the relabellings is exact. (Second pairs drawn anew for each neuron would be more evenly spread
 * than a model's, whose neurons read one embedding.)
 */
export function sharingOf(
  members: readonly SharingMember[],
  readout: NdArray<"float64">,
  heads: readonly Head[],
  moduli: readonly Modulus[],
  { p, draws, seed }: { readonly p: number; readonly draws: number; readonly seed: number },
): Sharing {
  const pairs = twoPairs(members, readout, heads, moduli);
  const coincide = pairs.filter(({ own, other }) => coincident(own, other, p)).length;
  const random = randomStream(seed, "neurons/sharing");
  const counts = Array.from({ length: draws }, () => {
    const factor = multipliers(moduli, random);
    return pairs.filter(({ own, other: { modulus, k } }) =>
      coincident(own, { modulus, k: foldedFrequency(k, factor.get(modulus.m) ?? 1, modulus.m) }, p),
    ).length;
  });
  const used = [...new Map(members.map(({ form }) => [`${form.modulus.m} ${form.k}`, form])).values()];
  /** The share of the used pairs of other moduli that coincide with each neuron's own. */
  const amongUsed = pairs.map(({ own }) => {
    const others = used.filter(({ modulus }) => modulus.m !== own.modulus.m);
    return others.length === 0 ? 0 : others.filter((other) => coincident(own, other, p)).length / others.length;
  });
  const drawing = randomStream(seed, "neurons/sharing/used");
  const usedCounts = Array.from({ length: draws }, () => amongUsed.filter((share) => drawing.uniform() < share).length);
  return {
    neurons: pairs.length,
    coincide,
    expected: mean(counts),
    probability: rankP(coincide, counts),
    expected_used: sum(amongUsed),
    probability_used: rankP(coincide, usedCounts),
  };
}
