import { at, float64, type NdArray } from "../../core/index.ts";
import { headAccuracy, quantile } from "../../math/index.ts";
import { SUM_HARMONIC, torusPhases } from "../../tasks/index.ts";
import { type CircuitNeuron, cellLogits, circuitOf, classWaves } from "../closed-form/circuit.ts";
import { harmonicsOf, type Modulus } from "../closed-form/dictionary.ts";
import { headLogits } from "../logits/groups.ts";
import type { Judge } from "../logits/score.ts";

/** One task with closed-form neurons of one more frequency added to its logits; nothing is trained. */
export type Repair = {
  q: number;
  /** The frequency added, and so many neurons of it. */
  k: number;
  neurons: number;
  accuracy: number;
  repaired: number;
  /** The same with x1 at k/q instead of k·p/q; null where those are the same waves. */
  sham_frequency: number | null;
  /** The same with the read-out at φ0 − φ1. */
  sham_phase: number;
};

/** Accuracy below which a task is worth repairing. */
const GOOD = 0.99;

/** Fewest neurons whose phases cover the torus. */
const LEAST = 8;

const medianOrZero = (values: readonly number[]) => (values.length === 0 ? 0 : quantile(values, 0.5));

/** The frequency that raises the margin most when a wave of the given strength is added to g. */
function bestFrequency(kernel: Float64Array, used: readonly number[], strength: number): number | undefined {
  const q = kernel.length;
  let [best, largest] = [0, Number.NEGATIVE_INFINITY];
  for (let k = 1; k <= harmonicsOf(q); k++) {
    if (used.includes(k)) continue;
    let next = Number.NEGATIVE_INFINITY;
    for (let delta = 1; delta < q; delta++)
      next = Math.max(next, at(kernel, delta) + strength * Math.cos((2 * Math.PI * ((k * delta) % q)) / q));
    const margin = at(kernel, 0) + strength - next;
    if (margin > largest) [best, largest] = [k, margin];
  }
  return best === 0 ? undefined : best;
}

/** What is known of the tasks before they are repaired. */
export interface RepairInput {
  readonly judge: Judge;
  readonly logits: NdArray<"float64">;
  readonly neurons: readonly (readonly CircuitNeuron[])[];
  readonly kernels: readonly Float64Array[];
  readonly frequencies: readonly (readonly number[])[];
  readonly accuracy: readonly number[];
  readonly p: number;
  readonly moduli: readonly Modulus[];
}

/** Repairs the `count` tasks of lowest accuracy, as far as they are below 0.99 and have neurons of their own to copy. */
export function repairsOf(input: RepairInput, count: number): Repair[] {
  const { judge, accuracy, neurons } = input;
  const worst = judge.heads
    .map((_, task) => task)
    .filter((task) => at(accuracy, task) < GOOD && at(judge.heads, task).q > 2 && at(neurons, task).length >= LEAST)
    .sort((a, b) => at(accuracy, a) - at(accuracy, b))
    .slice(0, count);
  return worst.flatMap((task) => repair(input, task)).sort((a, b) => a.q - b.q);
}

function repair({ judge, logits, neurons, kernels, frequencies, accuracy, p, moduli }: RepairInput, task: number): Repair[] {
  const head = at(judge.heads, task);
  const own = at(neurons, task);
  const used = at(frequencies, task);
  const size = Math.max(LEAST, Math.round(own.length / Math.max(1, used.length)));
  const amplitude = medianOrZero(own.map(({ form }) => (form.A + form.B) / 2));
  const strength = medianOrZero(own.map(({ wave }) => Math.hypot(wave.a, wave.b)));
  const added = (size / 2) * (SUM_HARMONIC / 2) * amplitude * strength;
  const k = bestFrequency(at(kernels, task), used, added);
  if (k === undefined) return [];
  const { phi0, phi1 } = torusPhases(size);
  const modulus = at(moduli, head.number);
  const group = (with_: Modulus, phase: (low: number, high: number) => number): CircuitNeuron[] =>
    phi0.map((low, j) => {
      const high = at(phi1, j);
      const psi = phase(low, high);
      return {
        form: { modulus: with_, k, constant: 0, A: amplitude, B: amplitude, phi0: low, phi1: high },
        wave: { a: strength * Math.cos(psi), b: strength * Math.sin(psi) },
      };
    });
  const before = headLogits(logits, head);
  const score = (neuronsAdded: readonly CircuitNeuron[]) => accuracyWith(before, neuronsAdded, judge, task, p);
  const sum = (low: number, high: number) => low + high;
  const same = modulus.c1 === modulus.c0 || modulus.c1 === modulus.m - modulus.c0;
  return [
    {
      q: head.q,
      k,
      neurons: size,
      accuracy: at(accuracy, task),
      repaired: score(group(modulus, sum)),
      sham_frequency: same ? null : score(group({ ...modulus, c1: modulus.c0 }, sum)),
      sham_phase: score(group(modulus, (low, high) => low - high)),
    },
  ];
}

/** Accuracy of one task with what some neurons add to its logits. */
function accuracyWith(
  before: NdArray<"float64">,
  neurons: readonly CircuitNeuron[],
  judge: Judge,
  task: number,
  p: number,
): number {
  const { q } = at(judge.heads, task);
  const circuit = circuitOf(q, neurons, p, false);
  const waves = classWaves(circuit);
  const sums = before.data.slice();
  const cell = new Float64Array(q);
  for (let r0 = 0; r0 < q; r0++) {
    for (let r1 = 0; r1 < q; r1++) {
      cellLogits(circuit, waves, r0 * q + r1, cell);
      for (let x0 = r0; x0 < p; x0 += q) {
        for (let x1 = r1; x1 < p; x1 += q) {
          const row = (x0 * p + x1) * q;
          for (let c = 0; c < q; c++) sums[row + c] = (sums[row + c] as number) + (cell[c] as number);
        }
      }
    }
  }
  return at(headAccuracy(float64(sums, before.shape), at(judge.targets, task), [{ offset: 0, classes: q }]), 0);
}
