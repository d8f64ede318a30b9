import { at, type NdArray } from "../../core/index.ts";
import { sum } from "../../math/index.ts";
import type { AdditiveParts } from "../closed-form/additive.ts";
import { readoutEnergies, strongestReadout } from "../closed-form/readout.ts";
import type { TrainedHead } from "../logits/score.ts";
import { type DigitWaves, frequenciesOf, type Kind, kindOf, type Target, targetOf } from "./kinds.ts";

/** Most neurons that are looked at as those a task is read from most. */
export const MOST_READ = 64;

/** The neurons of a model as a task sees them. */
export interface Readers {
  /** Live neurons, those that the task is read from most first. */
  readonly order: readonly number[];
  /** How many of the first hold half of Σ |read-out|²·Var u, at most {@link MOST_READ}; 0 where nothing is read out. */
  readonly most: number;
  /** The share of that sum that they hold. */
  readonly held: number;
  /** The frequency k of a neuron's read-out to the task. */
  readonly kOf: (neuron: number) => number;
}

/** Who is read by a task, and at which frequency. */
export function readersOf(parts: AdditiveParts, readout: NdArray<"float64">, head: TrainedHead): Readers {
  const live = parts.live.flatMap((alive, j) => (alive ? [j] : []));
  const weights = new Map(live.map((j) => [j, at(readoutEnergies(readout, j, [head]), 0) * at(parts.variance, j)] as const));
  const weight = (j: number) => weights.get(j) ?? 0;
  const order = live.sort((a, b) => weight(b) - weight(a));
  const whole = sum([...weights.values()]);
  let [held, most] = [0, 0];
  while (whole > 0 && held < whole / 2 && most < Math.min(MOST_READ, order.length)) held += weight(at(order, most++));
  // Few of many neurons are asked for.
  const known = new Map<number, number>();
  const kOf = (j: number): number => {
    const k = known.get(j) ?? strongestReadout(readout, j, head);
    known.set(j, k);
    return k;
  };
  return { order, most, held: whole > 0 ? held / whole : 0, kOf };
}

/** How a neuron serves a task, by its waves. */
export function kindWith([low, high]: DigitWaves, target: Target, p: number): Kind {
  if (low === undefined || high === undefined) return "other";
  return kindOf(frequenciesOf(low), frequenciesOf(high), target, p);
}

/** {@link kindWith} of some neurons at the frequency of their read-outs to task q. */
export function kindsOf(
  neurons: readonly number[],
  wavesOf: (place: number, neuron: number) => DigitWaves,
  { q, kOf }: { readonly q: number } & Pick<Readers, "kOf">,
  p: number,
): Kind[] {
  return neurons.map((j, place) => kindWith(wavesOf(place, j), targetOf(q, kOf(j), p), p));
}

/** How many are of a kind. */
export function countOf(kinds: readonly Kind[], kind: Kind): number {
  return kinds.filter((one) => one === kind).length;
}
