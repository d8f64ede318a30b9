import { at } from "../core/index.ts";
import { frequencyOf, PARTS, type PerPart, partMeans, partRanges } from "./half-plane.ts";
import { sum } from "./statistics.ts";

/**
 * The sound rule: entries of a half-plane spectrum whose power over their part's mean exceeds the part's threshold, ascending.
 */
export function soundActive(power: Float64Array, p: number, thresholds: PerPart<number>): number[] {
  const ranges = partRanges(p);
  const means = partMeans(power, p);
  const active: number[] = [];
  for (const part of PARTS) {
    if (means[part] === 0) continue;
    const limit = thresholds[part] * means[part];
    const [start, end] = ranges[part];
    for (let i = start; i < end; i++) if ((power[i] as number) > limit) active.push(i);
  }
  return active;
}

/**
 * The share of entries that noise has above μ+2σ: |F| of noise is Rayleigh distributed, with μ = √(π/2) and σ = √(2 − π/2) in
 * units of its scale; 3.7 %.
 */
export const NOMINAL_NOISE_SHARE = Math.exp(-((Math.sqrt(Math.PI / 2) + 2 * Math.sqrt(2 - Math.PI / 2)) ** 2) / 2);

/** The paper's stated rule: entries with |F| above μ + 2σ of the neuron's own half-plane, ascending. Noise has 3.7 % of them. */
export function nominalActive(power: Float64Array): number[] {
  let [total, squares] = [0, 0];
  for (let i = 0; i < power.length; i++) {
    total += Math.sqrt(power[i] as number);
    squares += power[i] as number;
  }
  const center = total / power.length;
  const limit = center + 2 * Math.sqrt(Math.max(0, squares / power.length - center ** 2));
  const active: number[] = [];
  for (let i = 0; i < power.length; i++) if (Math.sqrt(power[i] as number) > limit) active.push(i);
  return active;
}

interface ActiveCounts {
  readonly total: number;
  readonly by_omega0: number[];
  readonly by_omega1: number[];
}

/** Mean over neurons of active entries, in all and by |ω0| and ω1; zeros where there is no neuron. */
export function activeCounts(actives: readonly (readonly number[])[], p: number): ActiveCounts {
  const [counts0, counts1] = [new Int32Array((p + 1) / 2), new Int32Array((p + 1) / 2)];
  for (const active of actives) {
    for (const i of active) {
      const [omega0, omega1] = frequencyOf(i, p);
      counts0[Math.abs(omega0)] = at(counts0, Math.abs(omega0)) + 1;
      counts1[omega1] = at(counts1, omega1) + 1;
    }
  }
  const neurons = Math.max(1, actives.length);
  const perNeuron = (counts: Int32Array) => Array.from(counts, (count) => count / neurons);
  return { total: sum(counts0) / neurons, by_omega0: perNeuron(counts0), by_omega1: perNeuron(counts1) };
}
