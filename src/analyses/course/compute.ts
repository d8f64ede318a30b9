import { at, dim, MiiiiError, type NdArray, rows, toFloat64 } from "../../core/index.ts";
import { headAccuracy, mean, quantile } from "../../math/index.ts";
import { additiveShare } from "../closed-form/additive.ts";
import { permutedControl } from "../closed-form/circuit-nulls.ts";
import { circuitNeurons, circuitsOf, scoreCircuits } from "../closed-form/circuits.ts";
import { CLOSED_BLOCK, closedGrid, forMagnitudes } from "../closed-form/halves.ts";
import { type FittedNeurons, fitParts, permutedLimit } from "../closed-form/neurons.ts";
import { centredUnembedding, readoutMatrix } from "../closed-form/readout.ts";
import { partsAt } from "../closed-form/series-parts.ts";
import type { AnalysisInput, Matmul, SeriesModel } from "../kit/define.ts";
import { grokEpoch } from "../kit/epochs.ts";
import { activationOf, matmulOf, seriesOf, trainedHeads } from "../kit/inputs.ts";
import { rounded } from "../kit/text.ts";
import { accuraciesOf, type Judge, judgeOf } from "../logits/score.ts";
import { type AttentionCourse, type AttentionTick, attentionCourse, averagedPattern, patternAt } from "./attention.ts";
import { type Peak, samplesOf, type TemporaryAblation, temporaryAblation } from "./temporary.ts";

/** A pair (q, k) that the run uses at some checkpoint, with its neurons above the null at each. */
export type PairCourse = { m: number; k: number; neurons: number[] };

/** Accuracies by task and checkpoint. */
export type Courses = {
  model: number[][];
  u_hat: number[][];
  circuit: number[][];
  /** Of the model on validation samples; absent where the split is not known. */
  validation?: number[][];
};

/** Result of `course`. */
export type CourseResult = {
  epochs: number[];
  tasks: number[];
  chance: number[];
  shuffled: boolean;
  additive_share: number[];
  R2: number[];
  accuracy: Courses;
  pairs: PairCourse[];
  /** Pairs in use at each checkpoint, and of them new since, and gone since, the checkpoint before. */
  in_use: number[];
  born: number[];
  gone: number[];
  /** Pairs that were in use and are not at the end, with their peak. */
  temporary: { m: number; k: number; neurons: number; epoch: number }[];
  ablation: TemporaryAblation;
  /** Null for a model without '='. */
  attention: AttentionCourse | null;
  /** First checkpoint from which accuracy stays at 0.99 or above, by task; null for none. */
  circuit_epoch: (number | null)[];
  validation_epoch: (number | null)[] | null;
  null: { R2: number[]; circuit_permuted: number[]; draws: number; permutations: number };
  left_out: string[];
};

/** A pair is in use with at least so many neurons above the null: single ones exceed it by chance. */
export const IN_USE = 3;

/** Draws of the permuted read-out at each checkpoint. */
const CONTROL_DRAWS = 20;

/** Accuracies of ½|û|·C: as (|û|·W_out)·W_U, which takes half of the operations. */
async function closedScores(
  judge: Judge,
  fitted: FittedNeurons,
  { parameters, heads }: Pick<AnalysisInput, "parameters" | "heads">,
  matmul: Matmul,
): Promise<{ readonly accuracy: number }[]> {
  const W_out = toFloat64(parameters["blocks.0.mlp.W_out"]);
  const W_U = centredUnembedding(parameters, heads);
  const hits = judge.heads.map(() => 0);
  const [streams, products] = [new Float64Array(CLOSED_BLOCK * dim(W_U, 0)), new Float64Array(CLOSED_BLOCK * dim(W_U, 1))];
  await forMagnitudes(closedGrid(fitted), async (magnitude, start) => {
    const logits = await matmul(await matmul(magnitude, W_out, streams), W_U, products); // [count, classes]
    const count = dim(logits, 0);
    headAccuracy(logits, rows(judge.together, start, start + count), judge.heads).forEach((accuracy, task) => {
      hits[task] = at(hits, task) + count * accuracy;
    });
  });
  return hits.map((own) => ({ accuracy: own / judge.samples.length }));
}

/** What one checkpoint shows. */
async function courseAt(input: AnalysisInput, model: SeriesModel, judge: Judge, matmul: Matmul, draws: number) {
  const { parameters, activations } = model;
  const here = { config: input.config, activations };
  const fitted = await fitParts("course", input, partsAt(model, input.config));
  const logits = activationOf(here, "logits");
  const readout = await readoutMatrix(parameters, input.heads, matmul);
  const neurons = circuitNeurons(judge.heads, fitted, readout);
  const own = neurons.map((group) => group.map((member) => member.own));
  const { p } = input.config;
  const { limit } = await permutedLimit(fitted, draws, input.seed, matmul);
  const neuronsOf = new Map<string, number[]>();
  const live: number[] = [];
  fitted.forms.forEach((form, j) => {
    if (form === undefined) return;
    const R2 = at(fitted.best.R2, j);
    live.push(R2);
    if (R2 <= limit) return;
    const key = `${form.modulus.m} ${form.k}`;
    neuronsOf.set(key, [...(neuronsOf.get(key) ?? []), j]);
  });
  const draw = { judge, fitted, neurons, readout, draws: CONTROL_DRAWS, seed: input.seed, matmul, withLoss: false };
  const control = await permutedControl(draw);
  return {
    additiveShare: additiveShare(fitted.parts),
    R2: live.length === 0 ? 0 : quantile(live, 0.5),
    limit,
    means: fitted.parts.positive,
    neuronsOf,
    model: accuraciesOf(judge, logits),
    closed: await closedScores(judge, fitted, { parameters, heads: input.heads }, matmul),
    circuit: await scoreCircuits(judge, circuitsOf(judge.heads, own, p), p, matmul, false),
    permuted: mean(control.accuracy),
  };
}

type Snapshot = Awaited<ReturnType<typeof courseAt>>;

function pairCourses(snapshots: readonly Snapshot[]): PairCourse[] {
  const used = new Set(
    snapshots.flatMap(({ neuronsOf }) => [...neuronsOf].flatMap(([key, { length }]) => (length >= IN_USE ? [key] : []))),
  );
  return [...used]
    .map((key) => {
      const [m = 0, k = 0] = key.split(" ").map(Number);
      return { m, k, neurons: snapshots.map(({ neuronsOf }) => neuronsOf.get(key)?.length ?? 0) };
    })
    .sort((a, b) => a.m - b.m || a.k - b.k);
}

/** The closed form at each kept checkpoint of a run. */
export async function compute(input: AnalysisInput, draws: number): Promise<CourseResult> {
  const series = seriesOf(input);
  const matmul = matmulOf(input);
  const heads = trainedHeads(input.heads);
  const judge = judgeOf(input, heads);
  const { heldOut } = samplesOf(input);
  const [epochs, snapshots, ticks]: [number[], Snapshot[], AttentionTick[]] = [[], [], []];
  let averaged: NdArray<"float64"> | undefined;
  for await (const model of series.models(["blocks.0.attn.hook_pattern", "blocks.0.mlp.hook_pre", "logits"])) {
    const { epoch, activations } = model;
    epochs.push(epoch);
    const shown = await courseAt(input, model, judge, matmul, draws);
    snapshots.push(shown);
    const pattern = activationOf({ config: input.config, activations }, "blocks.0.attn.hook_pattern"); // [p², heads, keys]
    const accuracy = mean(shown.model.map((score) => score.validation ?? score.accuracy));
    ticks.push({ epoch, pattern: patternAt(pattern, heldOut), accuracy });
    averaged = averagedPattern(pattern, heldOut.length);
    input.onProgress?.(snapshots.length, series.checkpoints.length);
  }
  if (averaged === undefined) throw new MiiiiError("input", "course: needs a run that kept a checkpoint, got none");
  const byTask = (accuracy: (one: Snapshot, task: number) => number) =>
    heads.map((_, task) =>
      rounded(
        snapshots.map((one) => accuracy(one, task)),
        6,
      ),
    );
  const circuit = byTask((one, task) => at(one.circuit, task).accuracy);
  const validation = judge.validation === undefined ? undefined : byTask((one, task) => at(one.model, task).validation ?? 0);
  const pairs = pairCourses(snapshots);
  const uses = ({ neurons }: PairCourse, tick: number) => (neurons[tick] ?? 0) >= IN_USE;
  const count = (is: (pair: PairCourse, tick: number) => boolean) =>
    epochs.map((_, tick) => pairs.filter((pair) => is(pair, tick)).length);
  const last = epochs.length - 1;
  const temporary = pairs
    .filter((pair) => !uses(pair, last))
    .map(({ m, k, neurons }): Peak => {
      const tick = neurons.indexOf(Math.max(...neurons));
      const { neuronsOf, means } = at(snapshots, tick);
      return { m, k, epoch: at(epochs, tick), neurons: neuronsOf.get(`${m} ${k}`) ?? [], means };
    });
  return {
    epochs,
    tasks: heads.map(({ q }) => q),
    chance: heads.map(({ q }) => 1 / q),
    shuffled: judge.answers !== undefined,
    additive_share: snapshots.map(({ additiveShare: share }) => share),
    R2: snapshots.map(({ R2 }) => R2),
    accuracy: {
      model: byTask((one, task) => at(one.model, task).accuracy),
      u_hat: byTask((one, task) => at(one.closed, task).accuracy),
      circuit,
      ...(validation === undefined ? {} : { validation }),
    },
    pairs,
    in_use: count(uses),
    born: count((pair, tick) => tick > 0 && uses(pair, tick) && !uses(pair, tick - 1)),
    gone: count((pair, tick) => tick > 0 && !uses(pair, tick) && uses(pair, tick - 1)),
    temporary: temporary.map(({ m, k, epoch, neurons }) => ({ m, k, neurons: neurons.length, epoch })),
    ablation: await temporaryAblation(input, judge, temporary, matmul),
    attention: await attentionCourse(input, judge, { samples: heldOut, ticks, averaged }),
    circuit_epoch: circuit.map((values) => grokEpoch(epochs, values)),
    validation_epoch: validation?.map((values) => grokEpoch(epochs, values)) ?? null,
    null: {
      R2: snapshots.map(({ limit }) => limit),
      circuit_permuted: snapshots.map(({ permuted }) => permuted),
      draws: CONTROL_DRAWS,
      permutations: draws,
    },
    left_out: validation === undefined ? ["accuracy.validation", "validation_epoch"] : [],
  };
}
