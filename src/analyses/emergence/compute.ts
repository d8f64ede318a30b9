import { at } from "../../core/index.ts";
import { type AdditiveParts, additiveParts } from "../closed-form/additive.ts";
import { moduliOf } from "../closed-form/dictionary.ts";
import { bestPairs, type Pairing, pairingsOf } from "../closed-form/fit.ts";
import { fitNeurons, inOrder, permutedLimit } from "../closed-form/neurons.ts";
import { waveEnergies, waveSpace } from "../closed-form/waves.ts";
import { chanceOf } from "../kit/chance.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { activationOf, seriesOf } from "../kit/inputs.ts";
import { type Quantised, quantised } from "../kit/quantised.ts";
import { rounded } from "../kit/text.ts";

/** Permutations behind the null of a neuron's best row. */
export const DRAWS = 20;

/** Result of `emergence`. */
export type EmergenceResult = {
  p: number;
  /** What the rows are: tasks q, or the frequencies k of a model of one task. */
  rows: "q" | "k";
  labels: number[];
  neurons: number;
  /** Kept checkpoints, ascending. */
  epochs: number[];
  /** At each checkpoint, [labels, neurons]. */
  R2: Quantised[];
  /** Neurons by their best row at the last checkpoint. */
  order: number[];
  /** The row that explains most of each neuron at the last checkpoint, as its place among `labels`; −1 where the neuron does not vary. */
  best: number[];
  above_null: number[];
  above_half: number[];
  tasks: number[];
  chance: number[];
  /** Validation accuracy at each checkpoint, [checkpoints][tasks]; null where it was not logged. */
  accuracy: (number[] | null)[];
  null: { R2: number[]; draws: number };
};

/** What each frequency of one pairing explains of each neuron, [harmonics, neurons]. */
function byFrequency({ table, low, high }: Pairing, { neurons, digits, energy, p }: AdditiveParts): Float64Array {
  const space = waveSpace([table]);
  const out = new Float64Array(table.harmonics * neurons);
  for (let j = 0; j < neurons; j += 2) {
    waveEnergies(table, digits, 2 * j, inOrder(p), space);
    for (let one = 0; one < 2 && j + one < neurons; one++) {
      const whole = at(energy, j + one);
      if (whole === 0) continue;
      for (let k = 0; k < table.harmonics; k++) {
        const f = at(space.energies, at(low, k) * 4 + 2 * one);
        const g = at(space.energies, at(high, k) * 4 + 2 * one + 1);
        out[k * neurons + j + one] = (f + g) / whole;
      }
    }
  }
  return out;
}

/** What each task's best frequency explains of each neuron, [tasks, neurons]. */
function byTask(pairings: readonly Pairing[], parts: AdditiveParts): Float64Array {
  const out = new Float64Array(pairings.length * parts.neurons);
  pairings.forEach((pairing, row) => {
    out.set(bestPairs([pairing], parts, inOrder(parts.p)).R2, row * parts.neurons);
  });
  return out;
}

/** The largest entry of each column and the row that it is in; row −1 for columns of zeros. */
function bestRows(R2: Float64Array, neurons: number): { row: number; value: number }[] {
  return Array.from({ length: neurons }, (_, j) => {
    let [row, value] = [-1, 0];
    for (let r = 0; r * neurons < R2.length; r++) {
      if (at(R2, r * neurons + j) > value) [row, value] = [r, at(R2, r * neurons + j)];
    }
    return { row, value };
  });
}

/** What `emergence` finds; see its definition. */
export async function compute(input: AnalysisInput): Promise<EmergenceResult> {
  const { config, heads, seed, onProgress } = input;
  const { p } = config;
  const series = seriesOf(input);
  const moduli = moduliOf("emergence", config, heads);
  const pairings = pairingsOf(moduli, p);
  const [only] = pairings.length === 1 ? pairings : [];
  const labels = only === undefined ? moduli.map(({ m }) => m) : Array.from({ length: only.table.harmonics }, (_, i) => i + 1);
  const found: { epoch: number; R2: Quantised; best: { row: number; value: number }[]; limit: number }[] = [];
  for await (const { epoch, activations } of series.models(["blocks.0.mlp.hook_pre"])) {
    const pre = activationOf({ config, activations }, "blocks.0.mlp.hook_pre");
    const parts = additiveParts(pre, p);
    const R2 = only === undefined ? byTask(pairings, parts) : byFrequency(only, parts);
    const { limit } = permutedLimit({ ...fitNeurons("emergence", input, pre), parts }, DRAWS, seed);
    found.push({ epoch, R2: quantised(R2, parts.neurons), best: bestRows(R2, parts.neurons), limit });
    onProgress?.(found.length, series.checkpoints.length);
  }
  const final = found.at(-1)?.best ?? [];
  const order = final
    .map(({ row, value }, neuron) => ({ neuron, row: row < 0 ? labels.length : row, value }))
    .sort((a, b) => a.row - b.row || b.value - a.value)
    .map(({ neuron }) => neuron);
  const logged = (epoch: number) => series.metrics.find((row) => row.epoch === epoch)?.validation.accuracy;
  return {
    p,
    rows: only === undefined ? "q" : "k",
    labels,
    neurons: final.length,
    epochs: found.map(({ epoch }) => epoch),
    R2: found.map(({ R2 }) => R2),
    order,
    best: final.map(({ row }) => row),
    above_null: found.map(({ best, limit }) => best.filter(({ value }) => value > limit).length),
    above_half: found.map(({ best }) => best.filter(({ value }) => value > 0.5).length),
    tasks: heads.map(({ q }) => q),
    chance: rounded(heads.map((head) => chanceOf(head, config.labels).accuracy)),
    accuracy: found.map(({ epoch }) => {
      const accuracy = logged(epoch);
      return accuracy === undefined ? null : rounded(accuracy);
    }),
    null: { R2: rounded(found.map(({ limit }) => limit)), draws: DRAWS },
  };
}
