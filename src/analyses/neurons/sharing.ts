import { at, type NdArray, randomStream } from "../../core/index.ts";
import type { Head } from "../../tasks/index.ts";
import { foldedFrequency, type Modulus } from "../closed-form/dictionary.ts";
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
  /** The mean of that count with the second pair drawn from all used pairs of other moduli. */
  expected: number;
  /** (draws that reach the count + 1) / (draws + 1). */
  probability: number;
};

interface Pair {
  readonly modulus: Modulus;
  readonly k: number;
}

const nameOf = ({ modulus, k }: Pair) => `${modulus.m} ${k}`;

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

/** How often the pairs of the two output heads that a neuron serves coincide in one digit, against random used pairs. */
export function sharingOf(
  members: readonly SharingMember[],
  readout: NdArray<"float64">,
  heads: readonly Head[],
  moduli: readonly Modulus[],
  { p, draws, seed }: { readonly p: number; readonly draws: number; readonly seed: number },
): Sharing {
  const pairs = members.flatMap(({ neuron, form }) => {
    const energies = readoutEnergies(readout, neuron, heads);
    const whole = energies.reduce((a, b) => a + b, 0);
    let second = -1;
    energies.forEach((energy, h) => {
      if (h !== form.modulus.head && energy > SECOND_SHARE * whole && energy > (energies[second] ?? 0)) second = h;
    });
    const head = heads[second];
    if (head === undefined) return [];
    return [{ own: form, other: { modulus: at(moduli, second), k: strongestReadout(readout, neuron, head) } }];
  });
  const coincide = pairs.filter(({ own, other }) => coincident(own, other, p)).length;
  const used = [...new Map(members.map(({ form }) => [nameOf(form), form])).values()];
  // Neurons of one pair tend to serve the same second pair: they are no independent cases, and are drawn for together.
  const groups = new Map<string, { own: Pair; neurons: number }>();
  for (const { own, other } of pairs) {
    const key = `${nameOf(own)} ${nameOf(other)}`;
    groups.set(key, { own, neurons: (groups.get(key)?.neurons ?? 0) + 1 });
  }
  const random = randomStream(seed, "neurons/sharing");
  let [reached, total] = [0, 0];
  for (let draw = 0; draw < draws; draw++) {
    let count = 0;
    for (const { own, neurons } of groups.values()) {
      const others = used.filter(({ modulus }) => modulus.m !== own.modulus.m);
      if (others.length > 0 && coincident(own, at(others, random.integer(others.length)), p)) count += neurons;
    }
    total += count;
    if (count >= coincide) reached++;
  }
  return { neurons: pairs.length, coincide, expected: total / draws, probability: (reached + 1) / (draws + 1) };
}
