import { at, dim, float64, int32, type NdArray, rows } from "../../core/index.ts";
import { type HeadMetrics, headAccuracy, metricsWithPart } from "../../math/index.ts";
import { logitsOf } from "../../tasks/index.ts";
import {
  CLOSED_BLOCK,
  closedGrid,
  closedHalf,
  forMagnitudes,
  halvesMemory,
  halvesOf,
  type Weights,
} from "../closed-form/halves.ts";
import type { FittedNeurons } from "../closed-form/neurons.ts";
import type { Matmul } from "../kit/define.ts";
import { type Additive, additiveOf } from "../kit/interaction.ts";
import { type Judge, type Rung, rungOf } from "../logits/score.ts";
import { CentredProducts } from "./energies.ts";

/** Rungs that need the logits over the whole grid. */
export const GRID_RUNGS = ["model", "interaction", "linear", "even", "u_hat", "u_hat_relu"] as const;

type GridRung = (typeof GRID_RUNGS)[number];

/** Mean squares of the parts of the logits, centred over samples and within output heads. */
export type Energy = { model: number; skip: number; half: number; linear: number; even: number };

/** The rungs over the whole grid, and how the parts of the logits compare. */
export interface GridLadder {
  readonly rungs: { readonly [rung in GridRung]: Rung };
  readonly energy: Energy;
  /** Cosine of M·W_U with ½u·C; 0 where one of them is nothing beside the logits. */
  readonly skip_cosine: number;
}

/** A part whose energy is below so much of the model's is nothing but rounding. */
const NOTHING = 1e-12;

/** The scores of all tasks on one rung, from those of blocks of samples. */
class RungScores {
  readonly #judge: Judge;
  readonly #isValidation: Uint8Array;
  readonly #answers: NdArray<"int32"> | undefined;
  readonly #all: { accuracy: number; loss: number }[];
  readonly #held: { accuracy: number; loss: number }[];
  readonly #answered: number[];

  constructor(judge: Judge) {
    const { heads, answers, samples } = judge;
    this.#judge = judge;
    this.#isValidation = new Uint8Array(samples.length);
    for (const i of judge.validation ?? []) this.#isValidation[i] = 1;
    const tasks = heads.length;
    this.#answers =
      answers === undefined
        ? undefined
        : int32(
            Int32Array.from({ length: samples.length * tasks }, (_, i) => at(at(answers, i % tasks), Math.floor(i / tasks))),
            [samples.length, tasks],
          );
    this.#all = heads.map(() => ({ accuracy: 0, loss: 0 }));
    this.#held = heads.map(() => ({ accuracy: 0, loss: 0 }));
    this.#answered = heads.map(() => 0);
  }

  /** Takes in the logits, [count, classes], of the samples from `start` on. */
  add(logits: NdArray<"float64">, start: number): void {
    const { heads, together } = this.#judge;
    const count = dim(logits, 0);
    const targets = rows(together, start, start + count);
    const isHeld = this.#isValidation.subarray(start, start + count);
    const { all, part } = metricsWithPart(logits, targets, heads, isHeld);
    const sum = (into: { accuracy: number; loss: number }[], { accuracy, loss }: HeadMetrics, samples: number) =>
      into.forEach((score, task) => {
        score.accuracy += samples * at(accuracy, task);
        score.loss += samples * at(loss, task);
      });
    sum(this.#all, all, count);
    if (part !== undefined)
      sum(
        this.#held,
        part,
        isHeld.reduce((held, is) => held + is, 0),
      );
    if (this.#answers === undefined) return;
    headAccuracy(logits, rows(this.#answers, start, start + count), heads).forEach((accuracy, task) => {
      this.#answered[task] = at(this.#answered, task) + count * accuracy;
    });
  }

  rung(): Rung {
    const { samples, validation } = this.#judge;
    const over = ({ accuracy, loss }: { accuracy: number; loss: number }, count: number) => ({
      accuracy: accuracy / count,
      loss: loss / count,
    });
    return rungOf(
      this.#all.map((all, task) => ({
        ...over(all, samples.length),
        ...(validation === undefined ? {} : { validation: over(at(this.#held, task), validation.length) }),
        ...(this.#answers === undefined ? {} : { task_accuracy: at(this.#answered, task) / samples.length }),
      })),
    );
  }
}

/** The digits of the samples from `start` on, and where their rows of tables by digit begin. */
function forSamples(p: number, start: number, count: number, use: (row: number, x0: number, x1: number) => void): void {
  for (let i = 0; i < count; i++) use(i, Math.floor((start + i) / p), (start + i) % p);
}

/** Writes the interaction of logits [count, classes] of the samples from `start` on. */
function writeInteraction(
  { data, shape }: NdArray<"float64">,
  { rows: low, columns: high, grand, rounding }: Additive,
  p: number,
  start: number,
  into: Float64Array,
): NdArray<"float64"> {
  const width = grand.length;
  forSamples(p, start, data.length / width, (i, x0, x1) => {
    const [row, first, second] = [i * width, x0 * width, x1 * width];
    for (let c = 0; c < width; c++) {
      const rest = (data[row + c] as number) - (low[first + c] as number) - (high[second + c] as number) + (grand[c] as number);
      into[row + c] = rounding[c] === 1 ? 0 : rest;
    }
  });
  return float64(into.subarray(0, data.length), shape);
}

/** Evaluates the rungs that need logits over the whole grid, some samples at a time. */
export async function gridLadder(
  judge: Judge,
  fitted: FittedNeurons,
  { logits, mid, weights }: { readonly logits: NdArray<"float64">; readonly mid: NdArray<"float64">; readonly weights: Weights },
  matmul: Matmul,
  onBlock: (done: number, total: number) => void,
): Promise<GridLadder> {
  const { p } = fitted.parts;
  const width = dim(logits, 1);
  const closed = closedGrid(fitted);
  const byDigit = (await closedHalf(closed, weights, matmul)).data; // [2p, classes]
  const additive = additiveOf(logits, p);
  const scores = Object.fromEntries(GRID_RUNGS.map((rung) => [rung, new RungScores(judge)])) as Record<GridRung, RungScores>;
  const energies = new CentredProducts(judge.heads, width);
  const memory = halvesMemory(CLOSED_BLOCK, width);
  const [u_hat, interaction] = [new Float64Array(CLOSED_BLOCK * width), new Float64Array(CLOSED_BLOCK * width)];
  const stream = new Float64Array(CLOSED_BLOCK * dim(weights.out, 1));
  await forMagnitudes(closed, async (magnitude, start) => {
    const count = dim(magnitude, 0);
    const own = rows(logits, start, start + count);
    const halves = await halvesOf(own, rows(mid, start, start + count), weights, matmul, memory);
    const { skip, half, linear, even } = halves;
    energies.add({ model: own.data, skip: skip.data, half: half.data, even: even.data });
    scores.model.add(own, start);
    scores.linear.add(linear, start);
    scores.even.add(even, start);
    scores.interaction.add(writeInteraction(own, additive, p, start, interaction), start);
    const added = await matmul(magnitude, weights.out, stream); // [count, d_model]
    for (let i = 0; i < added.data.length; i++) added.data[i] = (added.data[i] as number) / 2;
    const closedEven = await matmul(added, weights.centred, u_hat); // [count, classes]
    scores.u_hat.add(closedEven, start);
    // relu(û)·C with the skip path and the biases, in the place of ½|û|·C.
    forSamples(p, start, count, (i, x0, x1) => {
      const [row, low, high] = [i * width, x0 * width, (p + x1) * width];
      for (let c = 0; c < width; c++) {
        const closedPart = (closedEven.data[row + c] as number) + (byDigit[low + c] as number) + (byDigit[high + c] as number);
        closedEven.data[row + c] = closedPart + (skip.data[row + c] as number) + (weights.bias[c] as number);
      }
    });
    scores.u_hat_relu.add(closedEven, start);
    onBlock(start + count, p * p);
  });
  const { model, skip, half, cross, even } = energies.products();
  const entries = judge.samples.length * logitsOf(judge.heads);
  const small = Math.min(skip, half) <= NOTHING * model;
  return {
    rungs: Object.fromEntries(GRID_RUNGS.map((rung) => [rung, scores[rung].rung()])) as GridLadder["rungs"],
    energy: {
      model: model / entries,
      skip: skip / entries,
      half: half / entries,
      linear: Math.max(0, skip + half + 2 * cross) / entries,
      even: even / entries,
    },
    skip_cosine: small ? 0 : cross / Math.sqrt(skip * half),
  };
}
