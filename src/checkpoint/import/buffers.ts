import { sizeOf } from "../../core/index.ts";
import type { LazyTensor, TensorGroup, Unreadable } from "../formats/lazy.ts";
import { isBuffer } from "./roles.ts";

/** Longer lists of integers are data rather than an order of tokens, positions or channels. */
const LONGEST_ORDER = 4096;

/**
 * Whether a tensor is a mask or another buffer without anything learned; GPT-2 keeps its causal mask as `attn.bias` [1, 1, n, n].
 */
export function isMask(name: string, tensor: LazyTensor | Unreadable): boolean {
  if (isBuffer(name)) return true;
  if ("unreadable" in tensor || !/att(?:n|ention)[./]bias$/i.test(name)) return false;
  return sideOf(tensor) !== undefined;
}

/** n of a tensor [1, …, n, n]. */
function sideOf({ shape }: LazyTensor): number | undefined {
  const [rows, columns] = shape.slice(-2);
  return shape.length >= 2 && rows === columns && shape.slice(0, -2).every((n) => n === 1) ? rows : undefined;
}

/** Whether the entries of a matrix depend on column minus row alone, as those of every mask over positions. */
function isBanded(data: ArrayLike<number>, side: number): boolean {
  for (let i = side; i < data.length; i++) if (i % side !== 0 && data[i] !== data[i - side - 1]) return false;
  return true;
}

/**
 * Whether a mask computes something, so that without it this would be another function: one over positions that treats those
 * which the last one may look at differently, and one over neurons, attention heads or weights that is not the same everywhere.
 */
export function masksSomething(name: string, tensor: LazyTensor | Unreadable, group: TensorGroup): boolean {
  if ("unreadable" in tensor || /(?:ignore|masked_bias|ids|batches_tracked|n_averaged|version|float_tensor)$/i.test(name))
    return false;
  const size = sizeOf(tensor.shape);
  if (size < 2) return false;
  const { data } = tensor.read();
  if (data.every((value) => value === data[0])) return false;
  const side = sideOf(tensor);
  if (side === undefined) return true;
  // The size of a weight may be that of a context too; pruning leaves no bands.
  const weights = [...group.tensors].filter(([other, { ...found }]) => other !== name && "shape" in found && !isBuffer(other));
  const ofWeight =
    side > 3 && weights.some(([, found]) => "shape" in found && found.shape.slice(-2).join() === `${side},${side}`);
  if (ofWeight && !isBanded(data, side)) return true;
  const last = Math.min(side, 3) - 1;
  const row = data.subarray(last * side, last * side + last + 1);
  return row.some((value) => value !== row[0]);
}

const sidesBeside = (name: string, { tensors }: TensorGroup) =>
  [...tensors].flatMap(([other, found]) => (other === name || "unreadable" in found ? [] : found.shape));

/**
 * Whether what is called by a word such as `time` may be a learned vector: no integers, and as long as a side of another tensor.
 */
export function mayBeLearned(name: string, tensor: LazyTensor | Unreadable, group: TensorGroup): boolean {
  if ("unreadable" in tensor || tensor.integral === true || !/(?:^|[./])(?:times?|steps?|history|metrics?|split)$/i.test(name))
    return false;
  const size = sizeOf(tensor.shape);
  return size > 1 && sidesBeside(name, group).includes(size);
}

/**
 * Whether integers put tokens, positions or channels in another order: a permutation, and not the identity, as long as some side
 * of another tensor.
 */
export function reorders(name: string, tensor: LazyTensor | Unreadable, group: TensorGroup): boolean {
  if ("unreadable" in tensor || tensor.integral !== true) return false;
  const size = sizeOf(tensor.shape);
  if (size < 2 || size > LONGEST_ORDER || tensor.shape.filter((n) => n !== 1).length !== 1) return false;
  if (!sidesBeside(name, group).includes(size)) return false;
  const { data } = tensor.read();
  const seen = new Set(data);
  return seen.size === size && data.every((value) => value >= 0 && value < size) && data.some((value, i) => value !== i);
}
