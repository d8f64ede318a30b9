import { at, type NdArray } from "../../core/index.ts";
import type { Matmul } from "../kit/define.ts";
import type { Judge, TaskScore, TrainedHead } from "../logits/score.ts";
import { type Circuit, type CircuitNeuron, circuitOf, scoreCircuit, scoringMemory } from "./circuit.ts";
import type { FittedNeurons } from "./neurons.ts";
import { readoutWave } from "./readout.ts";

/** The neurons of each task with their waves at its output head, [tasks]. */
export function circuitNeurons(
  heads: readonly TrainedHead[],
  { forms }: FittedNeurons,
  readout: NdArray<"float64">,
): { readonly neuron: number; readonly own: CircuitNeuron }[][] {
  return heads.map((head) =>
    forms.flatMap((form, neuron) =>
      form?.modulus.head === head.number ? [{ neuron, own: { form, wave: readoutWave(readout, neuron, head, form.k) } }] : [],
    ),
  );
}

/** The same with the read-out's phase set to φ0 + φ1, which solves the task whatever the model does. */
export function idealNeuron({ form, wave }: CircuitNeuron): CircuitNeuron {
  const strength = Math.hypot(wave.a, wave.b);
  const phase = form.phi0 + form.phi1;
  // Modulus 2 has signs alone.
  const [a, b] = form.modulus.m === 2 ? [Math.sign(Math.cos(phase)), 0] : [Math.cos(phase), Math.sin(phase)];
  return { form, wave: { a: strength * a, b: strength * b } };
}

/** Scores of one circuit a task. */
export async function scoreCircuits(
  judge: Judge,
  circuits: readonly Circuit[],
  p: number,
  matmul: Matmul,
  withLoss = true,
): Promise<TaskScore[]> {
  const { samples } = judge;
  const moduli = circuits.map(({ m }) => m);
  const scoring = { matmul, withLoss, memory: scoringMemory(moduli, p * p) };
  const scores: TaskScore[] = [];
  for (const [task, circuit] of circuits.entries()) {
    const targets = at(judge.targets, task);
    const answers = judge.answers?.[task];
    const readings = [
      { targets, samples },
      { targets, samples: judge.validation ?? new Int32Array(0) },
      { targets: answers ?? targets, samples: answers === undefined ? new Int32Array(0) : samples },
    ];
    const [score, validation, answer] = await scoreCircuit(circuit, p, readings, scoring);
    scores.push({
      accuracy: score?.accuracy ?? 0,
      loss: score?.loss ?? 0,
      ...(judge.validation === undefined || validation === undefined ? {} : { validation }),
      ...(answers === undefined || answer === undefined ? {} : { task_accuracy: answer.accuracy }),
    });
  }
  return scores;
}

/** The circuits of all tasks from their neurons. */
export function circuitsOf(heads: readonly TrainedHead[], neurons: readonly (readonly CircuitNeuron[])[], p: number): Circuit[] {
  return heads.map(({ q }, task) => circuitOf(q, neurons[task] ?? [], p));
}
