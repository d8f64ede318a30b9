import { at, ensure } from "../../core/index.ts";
import { additiveParts } from "../closed-form/additive.ts";
import { circuitNeurons, circuitsOf, scoreCircuits } from "../closed-form/circuits.ts";
import { fitParts } from "../closed-form/neurons.ts";
import { readoutMatrix } from "../closed-form/readout.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { activationOf, matmulOf, trainedHeads } from "../kit/inputs.ts";
import { accuraciesOf, judgeOf } from "../logits/score.ts";
import { type BeatCircuit, beatCircuit } from "./circuit.ts";
import { type DigitWaves, type Kind, nearOf } from "./kinds.ts";
import { type CountNull, permutedCount, uniformCount, usedCount } from "./nulls.ts";
import { countOf, kindsOf, readersOf } from "./readers.ts";
import { twoWaves } from "./two-waves.ts";

/** From this accuracy on a task is answered, and below the other its own circuit does not answer it. */
export const ANSWERED = 0.99;
export const CIRCUIT = 0.9;

/** How one task is read. */
export type BeatTask = {
  q: number;
  /** Accuracy of the model, and of the task's own circuit in closed form, on all inputs. */
  accuracy: number;
  circuit: number;
  /** The neurons that it is read from most, and the share that they hold of Σ |read-out|²·Var u. */
  neurons: number;
  held: number;
  /** Of them, those with waves of the task's own in both digits, and those that beat in both. */
  own: number;
  beats: number;
  /** Those that beat among as many that the task is read from least. */
  least: number;
  /** How many of them would beat, were frequencies uniform and independent. */
  uniform: number;
  /** With relabelled tokens; null where none beats, so that every draw reaches it. */
  permuted: CountNull | null;
  /** With second waves of random neurons of the model. */
  used: CountNull;
  /** What the beating neurons answer; null where fewer than half of the most-read beat. */
  circuit_of_beats: BeatCircuit | null;
};

/** Result of `beats`. */
export type BeatsResult = {
  p: number;
  neurons: number;
  dead: number;
  /** How near a sum or difference must come, in cycles a token. */
  near: number;
  tasks: BeatTask[];
  /** Tasks that are answered though their own circuits do not answer them; of these, those whose most-read neurons beat. */
  without_circuit: number[];
  by_beats: number[];
  null: { draws: number; circuit_draws: number };
};

/** Whether at least half of the neurons that a task is read from most beat, and more than by chance. */
export function isByBeats({ neurons, beats, permuted, used }: BeatTask): boolean {
  return neurons > 0 && 2 * beats >= neurons && Math.max(permuted?.probability ?? 1, used.probability) <= 0.01;
}

/** Draws of the controls of a circuit of beats. */
export const CIRCUIT_DRAWS = 20;

/** The neurons that beat. */
function beatingOf(neurons: readonly number[], kinds: readonly Kind[]): number[] {
  return neurons.filter((_, place) => kinds[place] === "beats");
}

/** How each task is read: by waves of its own, by beats of others, or neither. */
export async function compute(input: AnalysisInput, draws: number): Promise<BeatsResult> {
  const { config, parameters, seed, onProgress } = input;
  const { p } = config;
  const matmul = matmulOf(input);
  const heads = trainedHeads(input.heads).filter(({ adds }) => !adds);
  ensure(heads.length > 0, "input", () => "beats: needs a trained task of n mod q, got none");
  const parts = additiveParts(activationOf(input, "blocks.0.mlp.hook_pre"), p);
  const fitted = await fitParts("beats", input, parts);
  const readout = await readoutMatrix(parameters, input.heads, matmul);
  const judge = judgeOf(input, heads);
  const model = accuraciesOf(judge, activationOf(input, "logits"));
  const own = circuitNeurons(heads, fitted, readout).map((group) => group.map((member) => member.own));
  const circuits = await scoreCircuits(judge, circuitsOf(heads, own, p), p, matmul, false);
  const waves = await twoWaves(parts.digits, p, matmul);
  const wavesOf = (j: number): DigitWaves => [waves[2 * j], waves[2 * j + 1]];
  const tasks: BeatTask[] = [];
  for (const [task, head] of heads.entries()) {
    const { q } = head;
    const readers = readersOf(parts, readout, head);
    const kindsAmong = (neurons: readonly number[]) => kindsOf(neurons, (_, j) => wavesOf(j), { q, kOf: readers.kOf }, p);
    const kinds = kindsAmong(readers.order.slice(0, readers.most));
    const beats = countOf(kinds, "beats");
    const none = { q, readers, parts, matmul, draws, seed };
    tasks.push({
      q,
      accuracy: at(model, task).accuracy,
      circuit: at(circuits, task).accuracy,
      neurons: readers.most,
      held: readers.held,
      own: countOf(kinds, "own"),
      beats,
      least: readers.most === 0 ? 0 : countOf(kindsAmong(readers.order.slice(-readers.most)), "beats"),
      uniform: uniformCount(readers.most, q, p),
      permuted: beats === 0 ? null : await permutedCount(none, beats),
      used: usedCount(none, wavesOf, beats),
      circuit_of_beats:
        2 * beats < readers.most || beats === 0
          ? null
          : ((await beatCircuit({
              judge,
              task,
              parts,
              readout,
              neurons: beatingOf(readers.order, kindsAmong(readers.order)),
              kOf: readers.kOf,
              wavesOf,
              draws: CIRCUIT_DRAWS,
              seed,
              matmul,
            })) ?? null),
    });
    onProgress?.(task + 1, heads.length);
  }
  const without = tasks.filter(({ accuracy, circuit }) => accuracy >= ANSWERED && circuit < CIRCUIT);
  return {
    p,
    neurons: parts.neurons,
    dead: parts.live.filter((alive) => !alive).length,
    near: nearOf(p),
    tasks,
    without_circuit: without.map(({ q }) => q),
    by_beats: without.filter(isByBeats).map(({ q }) => q),
    null: { draws, circuit_draws: CIRCUIT_DRAWS },
  };
}
