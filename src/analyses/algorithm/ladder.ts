import { at, float64, type NdArray } from "../../core/index.ts";
import { logitsOf } from "../../tasks/index.ts";
import type { Columns } from "../closed-form/contribution.ts";
import {
  centredProduct,
  closedGrid,
  closedHalf,
  closedStream,
  columnsAt,
  halvesOf,
  type Weights,
} from "../closed-form/halves.ts";
import type { FittedNeurons } from "../closed-form/neurons.ts";
import type { Matmul } from "../kit/define.ts";
import { interactionOf } from "../kit/interaction.ts";
import { type Judge, type Rung, rungOf, scoreLogits, type TaskScore, type TrainedHead } from "../logits/score.ts";

/** Rungs that need the logits over the whole grid. */
export const GRID_RUNGS = ["model", "interaction", "linear", "even", "u_hat", "u_hat_relu"] as const;

/** Columns worked on at a time hold at least so many classes, or all. */
const CHUNK = 96;

/** Consecutive tasks whose columns are worked on together. */
interface Chunk {
  readonly tasks: readonly number[];
  readonly columns: Columns;
}

/** The tasks in chunks of at least 96 classes, as far as their columns are next to each other. */
function chunksOf(heads: readonly TrainedHead[]): Chunk[] {
  const chunks: { tasks: number[]; columns: { offset: number; classes: number } }[] = [];
  heads.forEach(({ offset, classes }, task) => {
    const last = chunks.at(-1);
    const open = last !== undefined && last.columns.classes < CHUNK && last.columns.offset + last.columns.classes === offset;
    if (open) {
      last.tasks.push(task);
      last.columns.classes += classes;
    } else chunks.push({ tasks: [task], columns: { offset, classes } });
  });
  return chunks;
}

/** Mean squares of the parts of the logits, centred over samples and within output heads. */
export type Energy = { model: number; skip: number; half: number; linear: number; even: number };

/** The rungs over the whole grid, and how the parts of the logits compare. */
export interface GridLadder {
  readonly rungs: { readonly [rung in (typeof GRID_RUNGS)[number]]: Rung };
  readonly energy: Energy;
  /** Cosine of M·W_U with ½u·C; 0 where one of them is nothing beside the logits. */
  readonly skip_cosine: number;
}

/** A part whose energy is below so much of the model's is nothing but rounding. */
const NOTHING = 1e-12;

/** relu(û)·C with the skip path and the biases. */
function reluOf(
  even: NdArray<"float64">,
  half: NdArray<"float64">,
  skip: NdArray<"float64">,
  bias: Float64Array,
): NdArray<"float64"> {
  const out = new Float64Array(even.data.length);
  for (let row = 0; row < out.length; row += bias.length) {
    for (let c = 0; c < bias.length; c++) {
      const i = row + c;
      out[i] = (even.data[i] as number) + (half.data[i] as number) + (skip.data[i] as number) + (bias[c] as number);
    }
  }
  return float64(out, even.shape);
}

/** Evaluates the rungs that need logits over the whole grid, some columns at a time. */
export async function gridLadder(
  judge: Judge,
  fitted: FittedNeurons,
  { logits, mid, weights }: { readonly logits: NdArray<"float64">; readonly mid: NdArray<"float64">; readonly weights: Weights },
  matmul: Matmul,
  onChunk: (done: number, total: number) => void,
): Promise<GridLadder> {
  const { p } = fitted.parts;
  const closed = closedGrid(fitted);
  const stream = await closedStream(closed, weights.out, matmul);
  const scores = Object.fromEntries(GRID_RUNGS.map((rung) => [rung, [] as TaskScore[]])) as Record<
    (typeof GRID_RUNGS)[number],
    TaskScore[]
  >;
  let products = [0, 0, 0, 0, 0];
  const chunks = chunksOf(judge.heads);
  for (const [done, { tasks, columns }] of chunks.entries()) {
    const halves = await halvesOf(logits, mid, weights, columns, matmul);
    const closedEvenPart = await matmul(stream, columnsAt(weights.centred, columns));
    const closedHalfPart = await closedHalf(closed, weights.readout, columns, matmul);
    const relu = reluOf(
      closedEvenPart,
      closedHalfPart,
      halves.skip,
      weights.bias.subarray(columns.offset, columns.offset + columns.classes),
    );
    const of = {
      model: halves.logits,
      interaction: interactionOf(halves.logits, p),
      linear: halves.linear,
      even: halves.even,
      u_hat: closedEvenPart,
      u_hat_relu: relu,
    };
    const placed = tasks.map((task) => {
      const { offset, classes } = at(judge.heads, task);
      return { task, offset: offset - columns.offset, classes };
    });
    for (const rung of GRID_RUNGS)
      for (const { task, offset } of placed) scores[rung].push(scoreLogits(judge, task, of[rung], offset));
    const { skip, half, even } = halves;
    const pairs = [
      [halves.logits, halves.logits],
      [skip, skip],
      [half, half],
      [skip, half],
      [even, even],
    ] as const;
    products = products.map((total, i) => total + centredProduct(...at(pairs, i), placed));
    onChunk(done + 1, chunks.length);
  }
  const [model = 0, skip = 0, half = 0, cross = 0, even = 0] = products;
  const entries = judge.samples.length * logitsOf(judge.heads);
  const small = Math.min(skip, half) <= NOTHING * model;
  return {
    rungs: Object.fromEntries(GRID_RUNGS.map((rung) => [rung, rungOf(scores[rung])])) as GridLadder["rungs"],
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
