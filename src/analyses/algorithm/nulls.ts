import { at, type NdArray, randomStream } from "../../core/index.ts";
import { mean } from "../../math/index.ts";
import { type CircuitNeuron, scoreCircuit } from "../closed-form/circuit.ts";
import { harmonicsOf } from "../closed-form/dictionary.ts";
import { closedForm } from "../closed-form/fit.ts";
import type { FittedNeurons } from "../closed-form/neurons.ts";
import { readoutWave } from "../closed-form/readout.ts";
import { circuitsOf } from "./ladder.ts";
import type { Judge } from "./score.ts";

/** A control of the circuits by task: means over draws of accuracy and cross-entropy, and the largest accuracy of a draw. */
export type ControlRung = { accuracy: number[]; loss: number[]; largest: number[] };

/** Inputs that controls are scored on. */
export const CONTROL_SAMPLES = 1024;

/** What the draws look at. */
export interface ControlInput {
  readonly judge: Judge;
  readonly fitted: FittedNeurons;
  readonly neurons: readonly (readonly { readonly neuron: number; readonly own: CircuitNeuron }[])[];
  readonly readout: NdArray<"float64">;
  readonly draws: number;
  readonly seed: number;
}

/** Scores circuits that each draw makes anew, on a seeded sample of inputs. */
function control({ judge, fitted, draws, seed }: ControlInput, draw: () => readonly (readonly CircuitNeuron[])[]): ControlRung {
  const { p } = fitted.parts;
  const { samples, heads, targets } = judge;
  const chosen =
    samples.length <= CONTROL_SAMPLES
      ? samples
      : randomStream(seed, "algorithm/samples").permutation(samples.length).slice(0, CONTROL_SAMPLES);
  const scores = Array.from({ length: draws }, () =>
    circuitsOf(heads, draw(), p).map((circuit, task) => {
      const [score] = scoreCircuit(circuit, at(targets, task), p, [chosen]);
      return score ?? { accuracy: 0, loss: 0 };
    }),
  );
  const over = (task: number, value: (score: { accuracy: number; loss: number }) => number) =>
    scores.map((row) => value(at(row, task)));
  return {
    accuracy: heads.map((_, task) => mean(over(task, ({ accuracy }) => accuracy))),
    loss: heads.map((_, task) => mean(over(task, ({ loss }) => loss))),
    largest: heads.map((_, task) => Math.max(...over(task, ({ accuracy }) => accuracy))),
  };
}

/** Circuits with the read-out rows permuted among a task's neurons, each projected on its new neuron's frequency. */
export function permutedControl(input: ControlInput): ControlRung {
  const { judge, neurons, readout, seed } = input;
  const random = randomStream(seed, "algorithm/permuted");
  return control(input, () =>
    neurons.map((group, task) => {
      const order = random.permutation(group.length);
      const head = at(judge.heads, task);
      return group.map(({ own: { form } }, i) => {
        const row = at(group, at(order, i)).neuron;
        return { form, wave: readoutWave(readout, row, head, form.k) };
      });
    }),
  );
}

/**
 * Circuits with each neuron given to a random other task: fitted anew at a frequency which that task's neurons use (any, where it has none), and
 * read out to that task at it.
 */
export function reassignedControl(input: ControlInput): ControlRung {
  const { judge, fitted, neurons, readout, seed } = input;
  const { heads } = judge;
  const random = randomStream(seed, "algorithm/reassigned");
  const used = neurons.map((group) => [...new Set(group.map(({ own }) => own.form.k))]);
  const taskOf = new Map(neurons.flatMap((group, task) => group.map(({ neuron }) => [neuron, task] as const)));
  return control(input, () => {
    const groups: CircuitNeuron[][] = heads.map(() => []);
    for (const [neuron, own] of taskOf) {
      const other = random.integer(heads.length - 1);
      const task = other < own ? other : other + 1;
      const head = at(heads, task);
      const pairing = at(fitted.dictionary.pairings, head.number);
      const ks = at(used, task);
      const k = ks.length > 0 ? at(ks, random.integer(ks.length)) : 1 + random.integer(harmonicsOf(head.q));
      at(groups, task).push({
        form: closedForm(fitted.parts, neuron, pairing, k),
        wave: readoutWave(readout, neuron, head, k),
      });
    }
    return groups;
  });
}
