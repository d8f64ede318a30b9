import { at } from "../../core/index.ts";
import { additiveParts } from "../closed-form/additive.ts";
import { moduliOf } from "../closed-form/dictionary.ts";
import { dictionaryOf, pairingsOf, sharesByPair, sharesByPairing } from "../closed-form/fit.ts";
import { permutedLimit } from "../closed-form/neurons.ts";
import { chanceOf } from "../kit/chance.ts";
import type { AnalysisInput } from "../kit/define.ts";
import { activationOf, matmulOf, seriesOf } from "../kit/inputs.ts";
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
  const dictionary = dictionaryOf(pairings, p);
  const matmul = matmulOf(input);
  const [only] = pairings.length === 1 ? pairings : [];
  const labels = only === undefined ? moduli.map(({ m }) => m) : Array.from({ length: only.table.harmonics }, (_, i) => i + 1);
  const found: { epoch: number; R2: Quantised; best: { row: number; value: number }[]; limit: number }[] = [];
  for await (const { epoch, activations } of series.models(["blocks.0.mlp.hook_pre"])) {
    const pre = activationOf({ config, activations }, "blocks.0.mlp.hook_pre");
    const parts = additiveParts(pre, p);
    const R2 = await (only === undefined ? sharesByPairing : sharesByPair)(dictionary, parts, matmul);
    const { limit } = await permutedLimit({ parts, dictionary }, DRAWS, seed, matmul);
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
