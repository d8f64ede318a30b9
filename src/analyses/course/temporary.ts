import { at, dim, ensureFinite, float64, MiiiiError, type NdArray, randomStream, rowsAt } from "../../core/index.ts";
import type { Head } from "../../tasks/index.ts";
import { type GroupValues, valuesOfGroups } from "../closed-form/contribution.ts";
import { drawn } from "../closed-form/groups.ts";
import { readoutMatrix } from "../closed-form/readout.ts";
import type { ActivationName, AnalysisInput, Matmul, SeriesModel } from "../kit/define.ts";
import { seriesOf } from "../kit/inputs.ts";
import { rounded } from "../kit/text.ts";
import { hitsAfterOf, hitsOf, targetsAt } from "../logits/hits.ts";
import type { Judge } from "../logits/score.ts";

/** Temporary pairs that are ablated, those of most neurons; the rest are counted. */
const MOST_PAIRS = 24;

/** Samples of each set on which an ablation is measured, at most. */
const MOST_SAMPLES = 1000;

/** Random groups of each pair's size. */
export const ABLATION_DRAWS = 20;

/** The accuracy that an ablation costs on one set of samples. */
export type Cost = {
  /** Of the pair's own task. */
  own: number;
  /** Of the task that loses most, and that task. */
  worst: number;
  worst_q: number;
  /** The most that any of the random groups costs the pair's task, and any task. */
  random_own: number;
  random_worst: number;
};

/** What a temporary pair's neurons do at its peak. */
export type PairAblation = { m: number; k: number; neurons: number; epoch: number; train: Cost | null; held_out: Cost };

/** The temporary pairs ablated each at the checkpoint of its peak. */
export type TemporaryAblation = {
  pairs: PairAblation[];
  /** Temporary pairs beyond those ablated. */
  left_out: number;
  /** Samples that were trained on (0 where the split is not known), and that were not. */
  samples: { train: number; held_out: number };
  draws: number;
};

/** A pair at the checkpoint at which most neurons have it. */
export interface Peak {
  readonly m: number;
  readonly k: number;
  readonly epoch: number;
  readonly neurons: readonly number[];
  /** What all neurons are on average over the grid after the ReLU, at that checkpoint, [d_mlp]. */
  readonly means: Float64Array;
}

/** Seeded samples that were trained on, and that were not; where the split is not known, of all, which counts as the latter. */
export function samplesOf({ config, split, seed }: AnalysisInput): { readonly train: Int32Array; readonly heldOut: Int32Array } {
  const random = randomStream(seed, "course/samples");
  const some = (pool: Int32Array) =>
    random
      .permutation(pool.length)
      .slice(0, MOST_SAMPLES)
      .map((i) => at(pool, i));
  if (split === undefined)
    return { train: new Int32Array(0), heldOut: some(Int32Array.from({ length: config.p ** 2 }, (_, i) => i)) };
  return { train: some(split.train), heldOut: some(Int32Array.from([...split.validation, ...split.test])) };
}

/** An activation of a model at some samples. */
function atSamples({ activations }: SeriesModel, name: ActivationName, samples: Int32Array): NdArray<"float64"> {
  const activation = activations[name];
  if (activation === undefined || dim(activation, 0) !== samples.length)
    throw new MiiiiError("input", `${name}: must be there for ${samples.length} samples, got ${activation?.shape[0] ?? "none"}`);
  ensureFinite(activation, name);
  return activation;
}

/** What mean-ablation adds to the neurons, [samples, d_mlp], and the neurons that are ever above 0. */
function ablated(pre: NdArray<"float64">, means: Float64Array) {
  const width = means.length;
  const changes = pre.data.map((u, i) => (means[i % width] as number) - Math.max(0, u));
  return {
    changes: float64(changes, pre.shape),
    live: Array.from({ length: width }, (_, j) => j).filter((j) => at(means, j) > 0),
  };
}

/** Accuracy of each trained task on samples `from` to `to` (exclusive), from the hits of all, [samples, tasks]. */
function accuracies(heads: Judge["heads"], hits: Uint8Array, tasks: number, from: number, to: number): number[] {
  return heads.map(({ number }) => {
    let right = 0;
    for (let s = from; s < to; s++) right += hits[s * tasks + number] as number;
    return right / (to - from);
  });
}

/**
 * What an ablation costs a task, and any, from the accuracy that each task loses by it and by random groups of its size,
 * [draws][tasks].
 */
export function costOf(
  { own, random }: { readonly own: readonly number[]; readonly random: readonly (readonly number[])[] },
  task: number,
  heads: readonly Pick<Head, "q">[],
): Cost {
  const worst = own.indexOf(Math.max(...own));
  const [a, b, c, d] = rounded([
    at(own, task),
    at(own, worst),
    Math.max(...random.map((values) => at(values, task))),
    Math.max(...random.flat()),
  ]);
  return { own: a ?? 0, worst: b ?? 0, worst_q: at(heads, worst).q, random_own: c ?? 0, random_worst: d ?? 0 };
}

/** What the peaks of one checkpoint do there. */
async function ablateAtPeak(
  input: AnalysisInput,
  model: SeriesModel,
  judge: Judge,
  [first, ...others]: readonly [Peak, ...Peak[]],
  matmul: Matmul,
): Promise<PairAblation[]> {
  const { train, heldOut } = samplesOf(input);
  const samples = Int32Array.from([...train, ...heldOut]);
  const logits = atSamples(model, "logits", samples); // [samples, classes]
  const { changes, live } = ablated(atSamples(model, "blocks.0.mlp.hook_pre", samples), first.means);
  const readout: NdArray<"float64"> = await readoutMatrix(model.parameters, input.heads, matmul); // [d_mlp, classes]
  const targets = targetsAt(input.targets, samples);
  const hitsAfter = await hitsAfterOf(input)(logits, targets);
  const sets = [
    [0, train.length],
    [train.length, samples.length],
  ] as const;
  const scores = (hits: Uint8Array) =>
    sets.map(([from, to]) => (from === to ? undefined : accuracies(judge.heads, hits, input.heads.length, from, to)));
  const before = scores(hitsOf(logits, targets, input.heads));
  const lostBy = async ({ group, values }: GroupValues) => {
    const after = scores(await hitsAfter(values, rowsAt(readout, group)));
    return after.map((own, set) => own?.map((accuracy, task) => at(before[set] ?? [], task) - accuracy));
  };
  const random = randomStream(input.seed, `course/ablation/${model.epoch}`);
  const found: PairAblation[] = [];
  for (const { m, k, epoch, neurons } of [first, ...others]) {
    const groups = Array.from({ length: ABLATION_DRAWS }, () => drawn(live, neurons.length, random.permutation));
    const losses: (readonly (readonly number[] | undefined)[])[] = [];
    for (const group of valuesOfGroups(changes, [neurons, ...groups])) losses.push(await lostBy(group));
    const [lost = [], ...drawnAway] = losses;
    const task = judge.heads.findIndex(({ q }) => q === m);
    const costOn = (set: number): Cost | null => {
      const own = lost[set];
      if (own === undefined) return null;
      const drawnLosses = drawnAway.map((draw) => draw[set] ?? []);
      return costOf({ own, random: drawnLosses }, task, judge.heads);
    };
    const held = costOn(1);
    if (task >= 0 && held !== null) found.push({ m, k, neurons: neurons.length, epoch, train: costOn(0), held_out: held });
  }
  return found;
}

/** Mean-ablates the neurons of temporary pairs, each at the kept checkpoint of its peak. */
export async function temporaryAblation(
  input: AnalysisInput,
  judge: Judge,
  peaks: readonly Peak[],
  matmul: Matmul,
): Promise<TemporaryAblation> {
  const chosen = [...peaks].sort((a, b) => b.neurons.length - a.neurons.length).slice(0, MOST_PAIRS);
  const epochs = [...new Set(chosen.map(({ epoch }) => epoch))].sort((a, b) => a - b);
  const { train, heldOut } = samplesOf(input);
  const samples = Int32Array.from([...train, ...heldOut]);
  const pairs: PairAblation[] = [];
  if (epochs.length > 0) {
    for await (const model of seriesOf(input).models(["blocks.0.mlp.hook_pre", "logits"], epochs, samples)) {
      const [first, ...others] = chosen.filter(({ epoch }) => epoch === model.epoch);
      if (first !== undefined) pairs.push(...(await ablateAtPeak(input, model, judge, [first, ...others], matmul)));
    }
  }
  return {
    pairs,
    left_out: peaks.length - chosen.length,
    samples: { train: train.length, held_out: heldOut.length },
    draws: ABLATION_DRAWS,
  };
}

/** Whether a task loses more on a set of samples than with every random group of the pair's size: the pair's own, or any. */
export function isNeeded({ train, held_out }: PairAblation): boolean {
  return [train, held_out].some((cost) => cost !== null && (cost.own > cost.random_own || cost.worst > cost.random_worst));
}

/** So many pairs that were themselves random groups would count as needed, at most: two sets of samples, two ways to be. */
export function neededByChance({ pairs, draws }: TemporaryAblation): number {
  return pairs.reduce((sum, { train }) => sum + ((train === null ? 1 : 2) * 2) / (draws + 1), 0);
}
