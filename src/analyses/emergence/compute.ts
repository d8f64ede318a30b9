import { at } from "../../core/index.ts";
import type { AdditiveParts } from "../closed-form/additive.ts";
import { moduliOf } from "../closed-form/dictionary.ts";
import { type Dictionary, dictionaryOf, pairingsOf, sharesByPair, sharesByPairing } from "../closed-form/fit.ts";
import { permutedLimit } from "../closed-form/neurons.ts";
import { partsAt } from "../closed-form/series-parts.ts";
import { chanceOf } from "../kit/chance.ts";
import type { AnalysisInput, Matmul } from "../kit/define.ts";
import { matmulOf, seriesOf } from "../kit/inputs.ts";
import { type Quantised, quantised } from "../kit/quantised.ts";
import { rounded } from "../kit/text.ts";

/** Permutations behind the null of a neuron's best row. */
export const DRAWS = 200;

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
  /**
   * The row that explains most of each neuron at the last checkpoint, as its place among `labels`; −1 where the neuron does not
   * vary.
   */
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

/** The neurons of one checkpoint by row. */
export interface Snapshot {
  readonly epoch: number;
  readonly R2: Quantised;
  readonly best: readonly { readonly row: number; readonly value: number }[];
  /** The null of a neuron's best row. */
  readonly limit: number;
}

/** What the rows of `emergence` are for a task: its moduli, or the frequencies of its only one. */
export interface EmergenceRows {
  readonly kind: EmergenceResult["rows"];
  readonly labels: readonly number[];
  readonly dictionary: Dictionary;
}

/** The rows for a model's task; throws for tasks without a closed form. */
export function rowsOf({ config, heads }: Pick<AnalysisInput, "config" | "heads">): EmergenceRows {
  const moduli = moduliOf("emergence", config, heads);
  const pairings = pairingsOf(moduli, config.p);
  const [only] = pairings.length === 1 ? pairings : [];
  const labels = only === undefined ? moduli.map(({ m }) => m) : Array.from({ length: only.table.harmonics }, (_, i) => i + 1);
  return { kind: only === undefined ? "q" : "k", labels, dictionary: dictionaryOf(pairings, config.p) };
}

/** What each row explains of each neuron at one checkpoint, from the additive parts of the neurons before the ReLU. */
export async function snapshot(
  { kind, dictionary }: EmergenceRows,
  epoch: number,
  parts: AdditiveParts,
  seed: number,
  matmul: Matmul,
): Promise<Snapshot> {
  const R2 = await (kind === "q" ? sharesByPairing : sharesByPair)(dictionary, parts, matmul);
  const { limit } = await permutedLimit({ parts, dictionary }, DRAWS, seed, matmul);
  return { epoch, R2: quantised(R2, parts.neurons), best: bestRows(R2, parts.neurons), limit };
}

/**
 * The result of checkpoints in the order of their epochs.
 *
 * @param logged - validation accuracy of each task at an epoch; undefined where it was not logged.
 */
export function assembled(
  { config, heads }: Pick<AnalysisInput, "config" | "heads">,
  { kind, labels }: EmergenceRows,
  found: readonly Snapshot[],
  logged: (epoch: number) => readonly number[] | undefined,
): EmergenceResult {
  const final = found.at(-1)?.best ?? [];
  const order = final
    .map(({ row, value }, neuron) => ({ neuron, row: row < 0 ? labels.length : row, value }))
    .sort((a, b) => a.row - b.row || b.value - a.value)
    .map(({ neuron }) => neuron);
  return {
    p: config.p,
    rows: kind,
    labels: [...labels],
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

/** What `emergence` finds; see its definition. */
export async function compute(input: AnalysisInput): Promise<EmergenceResult> {
  const { config, seed, onProgress } = input;
  const series = seriesOf(input);
  const rows = rowsOf(input);
  const matmul = matmulOf(input);
  const found: Snapshot[] = [];
  for await (const model of series.models(["blocks.0.mlp.hook_pre"])) {
    found.push(await snapshot(rows, model.epoch, partsAt(model, config), seed, matmul));
    onProgress?.(found.length, series.checkpoints.length);
  }
  const { metrics } = series;
  return assembled(input, rows, found, (epoch) => metrics.find((row) => row.epoch === epoch)?.validation.accuracy);
}
