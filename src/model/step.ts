import { float64, int32, type NdArray, sizeOf } from "../core/index.ts";
import type { Ops, Tensors } from "../ops/index.ts";
import { tensor } from "../ops/index.ts";
import type { Head } from "../tasks/index.ts";
import { headWeights, logitsOf } from "../tasks/index.ts";
import type { RunConfig } from "./config.ts";
import { type AttentionPass, attention, type DropoutMasks, type ForwardShape, mlp } from "./forward.ts";
import { PARAMETER_NAMES, type ParameterName } from "./names.ts";
import type { PerParameter } from "./parameters.ts";

/** The training batch, fixed for a whole run. */
export interface Batch {
  /** Rows of the look-up tables, int32 [batch]: x0, and p + x1. */
  readonly rows0: NdArray<"int32">;
  readonly rows1: NdArray<"int32">;
  /** Column of the target's logit for each sample and output head, int32 [batch, tasks]. */
  readonly columns: NdArray<"int32">;
}

/** Loss per output head and the gradient of the weighted loss. */
export interface LossAndGradients<T> {
  /** Mean cross-entropy of each output head in nats, [tasks]. */
  readonly loss: T;
  readonly gradients: PerParameter<T>;
}

/** Smallest probability that a target is taken to have, for the loss's value alone; its gradient is not affected. */
export const TINY = 1e-37;

/** Indicator of which class belongs to which output head, [tasks, classes]. */
export function headIndicator(heads: readonly Head[]): NdArray<"float64"> {
  const classes = logitsOf(heads);
  const data = new Float64Array(heads.length * classes);
  heads.forEach((head, h) => {
    data.fill(1, h * classes + head.offset, h * classes + head.offset + head.classes);
  });
  return float64(data, [heads.length, classes]);
}

/** What a softmax within each output head gives the targets and all other classes. */
export interface TargetShares<T> {
  readonly target: T; // [rows, tasks]
  /** 0 for each target. */
  readonly zeros: T; // [rows, tasks]
  /** The softmax with zeros at the targets. */
  readonly others: T; // [rows, classes]
  /** Sums of `others` by output head. */
  readonly rest: T; // [rows, tasks]
}

/**
 * The softmax of logits, parted at the targets' `columns`: cross-entropy is log(1 + rest/target), exact far below float32's
 * resolution of the logits, since neither is ever a difference of nearly equal numbers.
 */
export function targetShares<T>(ops: Ops<T>, logits: T, columns: T, heads: readonly Head[]): TargetShares<T> {
  const indicator = ops.constant(headIndicator(heads)); // [tasks, classes]
  const softmax = ops.softmax(
    logits,
    heads.map((head) => head.classes),
  ); // [rows, classes]
  const target = ops.takeColumns(softmax, columns); // [rows, tasks]
  // Made from the target, so that it is read before the softmax is written over, and no copy is needed.
  const zeros = ops.sub(target, target); // [rows, tasks]
  const others = ops.putColumns(softmax, columns, zeros); // [rows, classes]
  const rest = ops.matmul(others, indicator, { transposeB: true }); // [rows, tasks]
  return { target, zeros, others, rest };
}

/**
 * Cross-entropy of every output head, as its samples' share of the mean over a batch of `batch`, and its gradient with respect to
 * the logits, up to each output head's weight and 1/batch: the softmax, with −rest at the target.
 */
export function crossEntropy<T>(
  ops: Ops<T>,
  logits: T,
  columns: T,
  heads: readonly Head[],
  batch: number,
): { loss: T; dLogits: T } {
  const { target, zeros, others, rest } = targetShares(ops, logits, columns, heads);
  const floor = ops.constant(float64([TINY], [1]));
  const loss = ops.sum(ops.log1p(ops.div(rest, ops.maximum(target, floor))), 0); // [tasks]
  const dLogits = ops.putColumns(others, columns, ops.sub(zeros, rest)); // [rows, classes]
  return { loss: ops.mul(loss, ops.constant(float64([1 / batch], [1]))), dLogits };
}

/** What is summed over the samples, block by block: the loss and the gradients of what acts on each sample alone. */
interface SampleSums<T> {
  readonly loss: T; // [tasks]
  readonly dW_U: T; // [d_model, classes], up to the tasks' weights and 1/batch
  readonly dW_out: T; // [d_mlp, d_model]
  readonly dW_in: T; // [d_model, d_mlp]
  readonly dW_O: T; // [head·d_head, d_model]
  readonly dStart: T; // [1, d_model]
}

/** Each class's weight in the loss, over the batch: fixed, or by `task_weights` [tasks, 1] among the inputs, [1, classes]. */
function columnWeightsOf<T>(ops: Ops<T>, weights: Tensors<T>, heads: readonly Head[], shape: StepShape): T {
  const headOf = heads.flatMap((head, h) => new Array<number>(head.classes).fill(h));
  const classes = headOf.length;
  const given = weights.task_weights;
  if (given !== undefined) return ops.reshape(ops.gather(given, ops.constant(int32(headOf, [classes]))), [1, classes]);
  const perHead = headWeights(heads, { exponent: shape.task_weights ?? -1 }).data;
  const perClass = headOf.map((h) => (perHead[h] as number) / shape.batch);
  return ops.constant(float64(perClass, [1, classes]));
}

/** First and last (exclusive) sample of each block: nothing that acts on each sample alone is wider than `width` there. */
function blocksOf(batch: number, width: number, blockBytes: number | undefined): [number, number][] {
  const bytes = Float32Array.BYTES_PER_ELEMENT * batch * width;
  const blocks = blockBytes === undefined ? 1 : Math.min(batch, Math.ceil(bytes / blockBytes));
  return Array.from({ length: blocks }, (_, i) => [Math.floor((i * batch) / blocks), Math.floor(((i + 1) * batch) / blocks)]);
}

/** Some samples: what attention gives them, their dropout masks, and their loss from the residual stream after the MLP. */
interface SampleBlock<T> {
  readonly attn: Pick<AttentionPass<T>, "z" | "W_O" | "start">;
  readonly dropout: DropoutMasks<T> | undefined;
  readonly loss: (resid_post: T) => { loss: T; dLogits: T };
}

/**
 * From the heads' outputs z of some samples through MLP and logits to the loss and back to z; adds to the sums of the blocks
 * before.
 */
function throughSamples<T>(
  ops: Ops<T>,
  weights: Tensors<T>,
  { attn, dropout, loss }: SampleBlock<T>,
  weightedW_U: T,
  sums: SampleSums<T> | undefined,
): { sums: SampleSums<T>; dz: T } {
  const pass = mlp(ops, weights, attn, dropout);
  const times = (a: T, mask: T | undefined) => (mask === undefined ? a : ops.mul(a, mask));
  const plus = (a: T, b: T | undefined) => (b === undefined ? a : ops.add(b, a));
  // Added apart: a product that starts from what it adds to copies that first.
  const outer = (a: T, b: T, sum: T | undefined) => plus(ops.matmul(a, b, { transposeA: true }), sum);
  const transposed = { transposeB: true } as const;

  const { loss: own, dLogits } = loss(pass.resid_post); // [tasks], [batch, classes]
  const dW_U = outer(pass.resid_post, dLogits, sums?.dW_U); // [d_model, classes]
  const dAfterMlp = times(ops.matmul(dLogits, weightedW_U, transposed), dropout?.post); // [batch, d_model]
  const dW_out = outer(pass.mlp_post, dAfterMlp, sums?.dW_out); // [d_mlp, d_model]
  const dMlp = ops.reluGrad(ops.matmul(dAfterMlp, tensor(weights, "blocks.0.mlp.W_out"), transposed), pass.mlp_post); // [batch, d_mlp]
  const dW_in = outer(pass.resid_mid, dMlp, sums?.dW_in); // [d_model, d_mlp]
  const dMid = ops.matmul(dMlp, tensor(weights, "blocks.0.mlp.W_in"), { transposeB: true, add: dAfterMlp }); // [batch, d_model]
  const dAfterAttn = times(dMid, dropout?.mid); // [batch, d_model]
  const dW_O = outer(attn.z, dAfterAttn, sums?.dW_O); // [head·d_head, d_model]
  const dz = ops.matmul(dAfterAttn, attn.W_O, transposed); // [batch, head·d_head]
  const dStart = plus(ops.sum(dAfterAttn, 0, true), sums?.dStart); // [1, d_model]
  return { sums: { loss: plus(own, sums?.loss), dW_U, dW_out, dW_in, dW_O, dStart }, dz };
}

/** Gradients of everything before z: embeddings and the heads' weights. */
function backwardAttention<T>(
  ops: Ops<T>,
  pass: AttentionPass<T>,
  { dz, dStart }: { readonly dz: T; readonly dStart: T },
  batch: Batch,
  shape: ForwardShape,
): Pick<PerParameter<T>, "embed.W_E" | "pos_embed.W_pos" | "blocks.0.attn.W_Q" | "blocks.0.attn.W_K" | "blocks.0.attn.W_V"> {
  const { p, d_model, n_heads, d_head } = shape;
  const n = shape.batch;
  const inner = n_heads * d_head;
  const transposed = { transposeB: true } as const;
  const dz3 = ops.reshape(dz, [n, n_heads, d_head]); // [batch, head, d_head]

  // The gradient of a gather is a sum over the samples that read a row.
  const sumByX0 = (a: T) => ops.sumByRow(a, batch.rows0, p); // [batch, …] → [p, …]
  const digits1: NdArray<"int32"> = { ...batch.rows1, data: batch.rows1.data.map((row) => row - p) };
  const sumByX1 = (a: T) => ops.sumByRow(a, digits1, p); // [batch, …] → [p, …]
  const [a0, a1, a2] = pass.pattern; // [batch, head]
  const each = (a: T) => ops.reshape(a, [n, n_heads, 1]);
  const weighted = (a: T) => ops.reshape(ops.mul(dz3, each(a)), [n, inner]); // [batch, head·d_head]
  const dv0 = sumByX0(weighted(a0)); // [p, head·d_head]
  const dv1 = sumByX1(weighted(a1)); // [p, head·d_head]
  const dvDigits = ops.concat([dv0, dv1], 0); // [2p, head·d_head]
  const dvEquals = ops.sub(ops.sum(dz, 0, true), ops.sum(dvDigits, 0, true)); // [1, head·d_head]
  const dv = ops.concat([dvDigits, dvEquals], 0); // [2p+1, head·d_head]

  // Softmax over three keys; the value of '=' is the origin of the values, so its weight has no gradient of its own.
  const da0 = ops.sum(ops.mul(dz3, pass.values[0]), 2); // [batch, head]
  const da1 = ops.sum(ops.mul(dz3, pass.values[1]), 2); // [batch, head]
  const mean = ops.add(ops.mul(a0, da0), ops.mul(a1, da1)); // [batch, head]
  const ds0 = sumByX0(ops.mul(a0, ops.sub(da0, mean))); // [p, head]
  const ds1 = sumByX1(ops.mul(a1, ops.sub(da1, mean))); // [p, head]
  const zero = ops.constant(float64([0], [1]));
  const ds2 = ops.sub(zero, ops.sum(ops.mul(a2, mean), 0, true)); // [1, head]
  const scale = ops.constant(float64([1 / Math.sqrt(d_head)], [1]));
  const ds = ops.reshape(ops.mul(ops.concat([ds0, ds1, ds2], 0), scale), [2 * p + 1, n_heads, 1]); // [2p+1, head, 1]
  const q3 = ops.reshape(pass.q, [1, n_heads, d_head]); // [1, head, d_head]
  const k3 = ops.reshape(pass.k, [2 * p + 1, n_heads, d_head]); // [2p+1, head, d_head]
  const dk = ops.reshape(ops.mul(ds, q3), [2 * p + 1, inner]); // [2p+1, head·d_head]
  const dq = ops.reshape(ops.sum(ops.mul(ds, k3), 0), [1, inner]); // [1, head·d_head]

  const equals = ops.slice(pass.x, 2 * p, 2 * p + 1); // [1, d_model]
  const split = (a: T) => ops.transpose(ops.reshape(a, [d_model, n_heads, d_head]), [1, 0, 2]); // [head, d_model, d_head]
  const dx = ops.matmul(dk, pass.W_K, { transposeB: true, add: ops.matmul(dv, pass.W_V, transposed) }); // [2p+1, d_model]
  const dx0 = ops.slice(dx, 0, p); // [p, d_model]
  const dx1 = ops.slice(dx, p, 2 * p); // [p, d_model]
  const dx2 = ops.add(ops.matmul(dq, pass.W_Q, { transposeB: true, add: ops.slice(dx, 2 * p, 2 * p + 1) }), dStart); // [1, d_model]
  return {
    "embed.W_E": ops.concat([ops.add(dx0, dx1), dx2], 0), // [p+1, d_model]
    "pos_embed.W_pos": ops.concat([ops.sum(dx0, 0, true), ops.sum(dx1, 0, true), dx2], 0), // [3, d_model]
    "blocks.0.attn.W_Q": split(ops.matmul(equals, dq, { transposeA: true })), // [head, d_model, d_head]
    "blocks.0.attn.W_K": split(ops.matmul(pass.x, dk, { transposeA: true })), // [head, d_model, d_head]
    "blocks.0.attn.W_V": split(ops.matmul(pass.x, dv, { transposeA: true })), // [head, d_model, d_head]
  };
}

/** The sizes that a step is written for, its kind of dropout masks, and its exponent of the tasks' weights (−1 where absent). */
export interface StepShape extends ForwardShape, Pick<RunConfig, "dropout_mask">, Partial<Pick<RunConfig, "task_weights">> {}

/**
 * Forward and backward pass over the batch: the loss of each output head, and the gradient of Σ output head weight · loss
 * ({@link headWeights}, or the tensor `task_weights` [tasks, 1] among the weights: each output head's weight over the batch's
 * size). What acts on each sample alone, from z to the loss and back, is done for one block of samples after another where the
 * runtime is faster so.
 */
export function lossAndGradients<T>(
  ops: Ops<T>,
  weights: Tensors<T>,
  { batch, heads }: { readonly batch: Batch; readonly heads: readonly Head[] },
  shape: StepShape,
  dropout?: DropoutMasks<T>,
): LossAndGradients<T> {
  const n = shape.batch;
  const classes = logitsOf(heads);
  const attn = attention(ops, weights, ops.constant(batch.rows0), ops.constant(batch.rows1), shape);
  // The weights of the output heads go into the small matrices: W_U before, its gradient after the product.
  const columnWeights = columnWeightsOf(ops, weights, heads, shape);
  const weighted = ops.mul(tensor(weights, "unembed.W_U"), columnWeights); // [d_model, classes]
  let sums: SampleSums<T> | undefined;
  const dz: T[] = [];
  const blocks = blocksOf(n, Math.max(classes, shape.d_mlp), ops.blockBytes);
  for (const [start, end] of blocks) {
    const rows = (a: T) => (blocks.length === 1 ? a : ops.slice(a, start, end));
    const own = dropout !== undefined && shape.dropout_mask === "sample";
    const masks = own ? { mid: rows(dropout.mid), post: rows(dropout.post) } : dropout;
    const { data } = batch.columns;
    const columns = int32(data.subarray(start * heads.length, end * heads.length), [end - start, heads.length]);
    const loss = (resid_post: T) =>
      crossEntropy(ops, ops.matmul(resid_post, tensor(weights, "unembed.W_U")), ops.constant(columns), heads, n);
    const block = throughSamples(ops, weights, { attn: { ...attn, z: rows(attn.z) }, dropout: masks, loss }, weighted, sums);
    sums = block.sums;
    dz.push(block.dz);
  }
  const { loss, dW_U, dW_out, dW_in, dW_O, dStart } = sums as SampleSums<T>;
  const dzAll = dz.length === 1 ? (dz[0] as T) : ops.concat(dz, 0); // [batch, head·d_head]
  return {
    loss,
    gradients: {
      ...backwardAttention(ops, attn, { dz: dzAll, dStart }, batch, shape),
      "blocks.0.attn.W_O": ops.reshape(dW_O, [shape.n_heads, shape.d_head, shape.d_model]), // [head, d_head, d_model]
      "blocks.0.mlp.W_in": dW_in, // [d_model, d_mlp]
      "blocks.0.mlp.W_out": dW_out, // [d_mlp, d_model]
      "unembed.W_U": ops.mul(dW_U, columnWeights), // [d_model, classes]
    },
  };
}

/** Per-step scalars of the optimiser, [1] each: learning rate, and the two corrections of the moments' bias. */
export interface StepScalars<T> {
  readonly lr: T;
  readonly correct1: T;
  readonly correct2: T;
}

/** Optimiser state of one weight tensor; `ema` where Grokfast is on. */
export interface Moments<T> {
  readonly m: T;
  readonly v: T;
  readonly ema: T | undefined;
}

/**
 * One tensor's update. Grokfast-EMA (Lee et al. 2024): e ← α·e + (1−α)·g, g ← g + λ·e with the current gradient (Eq. 13 of Syrkis
 * & Søgaard 2024 prints a lag). Then AdamW with decoupled weight decay (Loshchilov & Hutter 2019).
 */
export function update<T>(
  ops: Ops<T>,
  { weight, gradient, state }: { readonly weight: T; readonly gradient: T; readonly state: Moments<T> },
  scalars: StepScalars<T>,
  config: Pick<RunConfig, "beta1" | "beta2" | "eps" | "weight_decay" | "grokfast_alpha" | "grokfast_lambda">,
): { weight: T; filtered: T; state: Moments<T> } {
  const c = (value: number) => ops.constant(float64([value], [1]));
  const { beta1, beta2, grokfast_alpha: alpha, grokfast_lambda: lambda } = config;
  const blend = (decay: number, old: T, now: T) => ops.add(ops.mul(old, c(decay)), ops.mul(now, c(1 - decay)));
  const ema = state.ema === undefined ? undefined : blend(alpha, state.ema, gradient);
  const filtered = ema === undefined ? gradient : ops.add(gradient, ops.mul(ema, c(lambda)));
  const m = blend(beta1, state.m, filtered);
  const v = blend(beta2, state.v, ops.mul(filtered, filtered));
  // (1 − lr·wd)·w − lr·(m·c1) / (√(v·c2) + ε), with the scalars taken together: they cost nothing, and each operation on a tensor
  // does.
  const root = ops.sqrt(scalars.correct2);
  const rate = ops.div(ops.mul(scalars.lr, scalars.correct1), root);
  const kept = ops.sub(c(1), ops.mul(scalars.lr, c(config.weight_decay)));
  const direction = ops.div(m, ops.add(ops.sqrt(v), ops.div(c(config.eps), root)));
  return { weight: ops.sub(ops.mul(weight, kept), ops.mul(direction, rate)), filtered, state: { m, v, ema } };
}

/** A tensor with its rows, along the last axis, scaled down to the norm `most` where they exceed it. */
export function boundRows<T>(ops: Ops<T>, a: T, shape: readonly number[], most: number): T {
  const width = shape.at(-1) ?? 1;
  const byRow = ops.reshape(a, [sizeOf(shape) / width, width]); // [rows, width]
  const norms = ops.sqrt(ops.sum(ops.mul(byRow, byRow), 1, true)); // [rows, 1]
  const limit = ops.constant(float64([most], [1]));
  return ops.reshape(ops.mul(byRow, ops.div(limit, ops.maximum(norms, limit))), shape);
}

/** The moving average of a tensor, after Polyak: average ← d·average + (1−d)·weight, d [1]. */
export function moveAverage<T>(ops: Ops<T>, average: T, weight: T, decay: T): T {
  const one = ops.constant(float64([1], [1]));
  return ops.add(ops.mul(average, decay), ops.mul(weight, ops.sub(one, decay)));
}

/** Sum of squares of a tensor, [1]. */
export function sumOfSquares<T>(ops: Ops<T>, a: T, shape: readonly number[]): T {
  // Rows first: one float32 sum over a million terms would lose digits.
  const width = shape.at(-1) ?? 1;
  const byRow = ops.reshape(a, [sizeOf(shape) / width, width]);
  return ops.sum(ops.sum(ops.mul(byRow, byRow), 1), 0, true);
}

/** The weight tensors' names, in order, paired with a value for each. */
export function eachParameter<T>(value: (name: ParameterName) => T): [ParameterName, T][] {
  return PARAMETER_NAMES.map((name) => [name, value(name)]);
}
