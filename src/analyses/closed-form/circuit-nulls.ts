import { at, float64, type NdArray, randomStream } from "../../core/index.ts";
import { mean, readRows, rowLoss } from "../../math/index.ts";
import type { Matmul } from "../kit/define.ts";
import type { Judge } from "../logits/score.ts";
import { type CircuitNeuron, cellsOf, centredFields, logitsOfWaves, type Score, scoreCircuit, scoringMemory } from "./circuit.ts";
import { circuitsOf } from "./circuits.ts";
import { harmonicsOf } from "./dictionary.ts";
import { closedForm } from "./fit.ts";
import type { FittedNeurons } from "./neurons.ts";
import { readoutWave } from "./readout.ts";

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
  readonly matmul: Matmul;
  /** Whether the permuted control's losses are wanted (they are). */
  readonly withLoss?: boolean;
}

/** The inputs that circuits are scored on: a seeded sample of all. */
function controlSamples({ judge: { samples }, seed }: ControlInput): Int32Array {
  return samples.length <= CONTROL_SAMPLES
    ? samples
    : randomStream(seed, "algorithm/samples").permutation(samples.length).slice(0, CONTROL_SAMPLES);
}

/** Means and largest over draws, [tasks] of [draws]. */
function rungOver(scores: readonly (readonly Score[])[]): ControlRung {
  return {
    accuracy: scores.map((draws) => mean(draws.map(({ accuracy }) => accuracy))),
    loss: scores.map((draws) => mean(draws.map(({ loss }) => loss))),
    largest: scores.map((draws) => Math.max(...draws.map(({ accuracy }) => accuracy))),
  };
}

/** Draws whose logits are held at a time: few enough that they stay near the processor until they are read. */
const TOGETHER = 10;

/** Memory that all tasks' draws use in turn. */
interface Memory {
  readonly factors: Float64Array;
  readonly logits: Float64Array;
}

/**
 * One task's circuit under several permutations of its read-out rows: the neurons' fields are the same in all of them, and so one
 * product gives some.
 */
async function permutedScores(
  { judge, fitted, neurons, readout, matmul, withLoss = true }: ControlInput,
  task: number,
  orders: readonly Int32Array[],
  samples: Int32Array,
  memory: Memory,
): Promise<Score[]> {
  const head = at(judge.heads, task);
  const group = at(neurons, task);
  const { p } = fitted.parts;
  const { q: m } = head;
  const ks = [...new Set(group.map(({ own }) => own.form.k))].sort((a, b) => a - b);
  const { cells, place } = cellsOf(samples, m, p);
  const forms = group.map(({ own }) => own.form);
  const fields = centredFields(m, forms, p, cells); // [cells, neurons]
  const waves = group.map(({ neuron }) => ks.map((k) => readoutWave(readout, neuron, head, k)));
  /** Logits under some of the orders, [cells·draws, m]. */
  const logitsUnder = async (some: readonly Int32Array[]): Promise<Float64Array> => {
    const size = cells.length * some.length * m;
    if (group.length === 0) return memory.logits.fill(0, 0, size).subarray(0, size);
    const width = some.length * 2 * ks.length;
    const weights = new Float64Array(group.length * width);
    some.forEach((order, draw) => {
      forms.forEach(({ k }, j) => {
        const wave = ks.indexOf(k);
        const { a, b } = at(at(waves, at(order, j)), wave);
        const column = j * width + 2 * (draw * ks.length + wave);
        weights[column] = a;
        weights[column + 1] = b;
      });
    });
    const factors = await matmul(fields, float64(weights, [group.length, width]), memory.factors); // [cells, draws·2·ks]
    return logitsOfWaves(factors.data, { m, ks }, matmul, memory.logits);
  };
  const targets = at(judge.targets, task);
  const scores: Score[] = [];
  for (let first = 0; first < orders.length; first += TOGETHER) {
    const some = orders.slice(first, first + TOGETHER);
    const logits = await logitsUnder(some);
    const read = readRows(logits, m, withLoss);
    for (let draw = 0; draw < some.length; draw++) {
      let [hits, loss] = [0, 0];
      for (let i = 0; i < samples.length; i++) {
        const row = (place[i] as number) * some.length + draw;
        const target = targets[samples[i] as number] as number;
        if (read.best[row] === target) hits++;
        if (withLoss) loss += rowLoss(read, logits, row, m, target);
      }
      scores.push({ accuracy: hits / samples.length, loss: loss / samples.length });
    }
  }
  return scores;
}

/** Circuits with the read-out rows permuted among a task's neurons, each projected on its new neuron's frequency. */
export async function permutedControl(input: ControlInput): Promise<ControlRung> {
  const { judge, neurons, seed, draws } = input;
  const samples = controlSamples(input);
  const random = randomStream(seed, "algorithm/permuted");
  const orders = Array.from({ length: draws }, () => neurons.map((group) => random.permutation(group.length)));
  const moduli = judge.heads.map(({ q }) => q);
  // A circuit has no more waves, two a frequency, than classes.
  const size = TOGETHER * scoringMemory(moduli, samples.length).length;
  const memory = { factors: new Float64Array(size), logits: new Float64Array(size) };
  const scores: Score[][] = [];
  for (let task = 0; task < neurons.length; task++) {
    const own = orders.map((order) => at(order, task));
    scores.push(await permutedScores(input, task, own, samples, memory));
  }
  return rungOver(scores);
}

/**
 * Circuits with each neuron given to a random other task: fitted anew at a frequency which that task's neurons use (any, where it
 * has none), and read out to that task at it.
 */
export async function reassignedControl(input: ControlInput): Promise<ControlRung> {
  const { judge, fitted, neurons, readout, seed, draws, matmul } = input;
  const { heads } = judge;
  const { p } = fitted.parts;
  const samples = controlSamples(input);
  const random = randomStream(seed, "algorithm/reassigned");
  const used = neurons.map((group) => [...new Set(group.map(({ own }) => own.form.k))]);
  const taskOf = new Map(neurons.flatMap((group, task) => group.map(({ neuron }) => [neuron, task] as const)));
  const scores: Score[][] = heads.map(() => []);
  const moduli = heads.map(({ q }) => q);
  const scoring = { matmul, memory: scoringMemory(moduli, samples.length) };
  for (let draw = 0; draw < draws; draw++) {
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
    for (const [task, circuit] of circuitsOf(heads, groups, p).entries()) {
      const [score] = await scoreCircuit(circuit, p, [{ targets: at(judge.targets, task), samples }], scoring);
      scores[task]?.push(score ?? { accuracy: 0, loss: 0 });
    }
  }
  return rungOver(scores);
}
