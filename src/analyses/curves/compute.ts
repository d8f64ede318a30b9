import { at, ensure } from "../../core/index.ts";
import { mean } from "../../math/index.ts";
import { chanceOf, limitOfChance } from "../kit/chance.ts";
import type { AnalysisInput, MetricsRow, OmegaRow } from "../kit/define.ts";
import { firstEpoch, grokEpoch } from "../kit/epochs.ts";
import { seriesOf, trainedHeads } from "../kit/inputs.ts";
import { rounded } from "../kit/text.ts";

/** Most ticks that a result holds; with more logged, every n-th and the last. Epochs of grokking come from all of them. */
export const TICKS = 400;

/** Curves of one part of the split, [tasks][ticks]. */
export type SplitCurves = {
  accuracy: number[][];
  loss: number[][];
  corrected_accuracy: number[][];
  relative_loss: number[][];
};

/** Active frequencies a neuron while the output heads generalise. */
type Phase = { phase: string; from: number; to: number; ticks: number; sound: number | null; nominal: number | null };

/** Result of `curves`. */
export type CurvesResult = {
  q: number[];
  chance_accuracy: number[];
  chance_loss: number[];
  chance_limit: number[] | null;
  epochs: number[];
  train: SplitCurves;
  validation: SplitCurves;
  memorised_epoch: (number | null)[];
  grok_epoch: (number | null)[];
  first_epoch: (number | null)[];
  stays90_epoch: (number | null)[];
  order: number[];
  phases: Phase[];
  final: { train_accuracy: number[]; validation_accuracy: number[] };
};

function splitCurves(
  rows: readonly MetricsRow[],
  split: "train" | "validation",
  heads: ReturnType<typeof trainedHeads>,
  chance: readonly Chance[],
): SplitCurves {
  const overTime = (measure: "accuracy" | "loss", scaled: (value: number, guess: Chance) => number = (value) => value) =>
    heads.map(({ number }, h) =>
      rounded(
        rows.map((row) => scaled(at(row[split][measure], number), chance[h] as Chance)),
        6,
      ),
    );
  return {
    accuracy: overTime("accuracy"),
    loss: overTime("loss"),
    corrected_accuracy: overTime("accuracy", (value, guess) => (value - guess.accuracy) / (1 - guess.accuracy)),
    relative_loss: overTime("loss", (value, guess) => value / guess.loss),
  };
}

type Chance = ReturnType<typeof chanceOf>;

/**
 * Spans of training bounded by the first output head to grok, the first of q > 7 (the paper's harder ones; where none groks,
 * there is no such bound) and the last, with the mean active frequencies in each.
 */
function phasesOf(q: readonly number[], groks: readonly (number | null)[], omega: readonly OmegaRow[], last: number): Phase[] {
  const grokked = q.flatMap((modulus, h) => (groks[h] === null ? [] : [{ modulus, epoch: groks[h] as number }]));
  if (grokked.length === 0) return [];
  const epochsOf = (heads: typeof grokked) => heads.map(({ epoch }) => epoch);
  const first = Math.min(...epochsOf(grokked));
  const harder = epochsOf(grokked.filter(({ modulus }) => modulus > 7));
  const end = Math.max(...epochsOf(grokked));
  const middle = Math.min(...harder, end);
  const spans: readonly (readonly [string, number, number])[] = [
    ["before any task groks", 0, first],
    [harder.length === 0 ? "tasks of q ≤ 7 grok" : "the first tasks grok", first, middle],
    ["tasks of q > 7 grok", middle, end],
    ["after the last task to grok", end, last + 1],
  ];
  return spans
    .filter(([, from, to]) => to > from)
    .map(([phase, from, to]) => {
      const inside = omega.filter(({ epoch }) => epoch >= from && epoch < to);
      const average = (value: (row: OmegaRow) => number) => (inside.length === 0 ? null : mean(inside.map(value)));
      return {
        phase,
        from,
        to: Math.min(to, last),
        ticks: inside.length,
        sound: average((row) => row.sound_mean),
        nominal: average((row) => row.nominal_mean),
      };
    });
}

/** What `curves` finds; see its definition. */
export function compute(input: AnalysisInput): CurvesResult {
  const { metrics, omega } = seriesOf(input);
  const heads = trainedHeads(input.heads);
  ensure(metrics.length > 0, "input", () => "curves: the run must hold metrics, got none");
  for (const { epoch, train, validation } of metrics) {
    for (const list of [train.loss, train.accuracy, validation.loss, validation.accuracy]) {
      ensure(
        list.length === input.heads.length,
        "input",
        () => `curves: metrics of epoch ${epoch} must have ${input.heads.length} tasks, got ${list.length}`,
      );
    }
  }
  const epochs = metrics.map(({ epoch }) => epoch);
  const every = Math.ceil(metrics.length / TICKS);
  const kept = metrics.filter((_, i) => i % every === 0 || i === metrics.length - 1);
  const chance = heads.map((head) => chanceOf(head, input.config.labels));
  const epochOf = (split: "train" | "validation", rule: (accuracy: readonly number[]) => number | null) =>
    heads.map(({ number }) => rule(metrics.map((row) => at(row[split].accuracy, number))));
  const stays = (accuracy: readonly number[]) => grokEpoch(epochs, accuracy);
  const grok_epoch = epochOf("validation", stays);
  const q = heads.map((head) => head.q);
  const final = metrics[metrics.length - 1] as MetricsRow;
  return {
    q,
    chance_accuracy: chance.map(({ accuracy }) => accuracy),
    chance_loss: chance.map(({ loss }) => loss),
    chance_limit:
      input.split === undefined || input.split.validation.length === 0
        ? null
        : limitOfChance(
            chance.map(({ accuracy }) => accuracy),
            input.split.validation.length,
          ),
    epochs: kept.map(({ epoch }) => epoch),
    train: splitCurves(kept, "train", heads, chance),
    validation: splitCurves(kept, "validation", heads, chance),
    memorised_epoch: epochOf("train", stays),
    grok_epoch,
    first_epoch: epochOf("validation", (accuracy) => firstEpoch(epochs, accuracy)),
    stays90_epoch: epochOf("validation", (accuracy) => grokEpoch(epochs, accuracy, 0.9)),
    order: q
      .map((modulus, h) => ({ modulus, epoch: grok_epoch[h] ?? Number.POSITIVE_INFINITY }))
      .filter(({ epoch }) => Number.isFinite(epoch))
      .sort((a, b) => a.epoch - b.epoch || a.modulus - b.modulus)
      .map(({ modulus }) => modulus),
    phases: phasesOf(q, grok_epoch, omega, at(epochs, epochs.length - 1)),
    final: {
      train_accuracy: heads.map(({ number }) => at(final.train.accuracy, number)),
      validation_accuracy: heads.map(({ number }) => at(final.validation.accuracy, number)),
    },
  };
}
