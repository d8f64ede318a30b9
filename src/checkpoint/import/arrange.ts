import { dim, ensure, type NdArray, sizeOf } from "../../core/index.ts";
import type { LazyTensor } from "../formats/lazy.ts";

/** The same elements in another shape of the same size. */
export function reshape(tensor: LazyTensor, shape: readonly number[]): LazyTensor {
  ensure(
    sizeOf(tensor.shape) === sizeOf(shape),
    "input",
    () => `reshape: [${tensor.shape.join(", ")}] must have as many elements as [${shape.join(", ")}]`,
  );
  return { shape, read: () => ({ ...tensor.read(), shape }) };
}

function permuteArray(array: NdArray, axes: readonly number[]): NdArray {
  const shape = axes.map((axis) => dim(array, axis));
  const strides = axes.map((axis) => sizeOf(array.shape.slice(axis + 1)));
  const target = array.data.slice();
  const index = shape.map(() => 0);
  let place = 0;
  for (let i = 0; i < target.length; i++) {
    target[i] = array.data[place] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const stride = strides[axis] as number;
      const next = (index[axis] as number) + 1;
      place += stride;
      index[axis] = next;
      if (next < (shape[axis] as number)) break;
      place -= next * stride;
      index[axis] = 0;
    }
  }
  return { ...array, shape, data: target } as NdArray;
}

/** The axes in another order: axis i of the result is axis `axes[i]` of the tensor. */
export function permute(tensor: LazyTensor, axes: readonly number[]): LazyTensor {
  ensure(
    axes.length === tensor.shape.length && [...axes].sort((a, b) => a - b).every((axis, i) => axis === i),
    "input",
    () => `permute: must name each axis of [${tensor.shape.join(", ")}] once, got [${axes.join(", ")}]`,
  );
  if (axes.every((axis, i) => axis === i)) return tensor;
  return { shape: axes.map((axis) => dim(tensor, axis)), read: () => permuteArray(tensor.read(), axes) };
}

/** Rows `[start, end)` along the first axis. */
export function sliceRows(tensor: LazyTensor, start: number, end: number): LazyTensor {
  const [length = 0, ...rest] = tensor.shape;
  ensure(
    tensor.shape.length > 0 && 0 <= start && start <= end && end <= length,
    "input",
    () => `slice: [${start}, ${end}) must lie within the first axis of [${tensor.shape.join(", ")}]`,
  );
  const width = sizeOf(rest);
  return {
    shape: [end - start, ...rest],
    read: () => {
      const array = tensor.read();
      return { ...array, shape: [end - start, ...rest], data: array.data.slice(start * width, end * width) } as NdArray;
    },
  };
}

/** The tensor without leading axes of length 1, down to `rank` axes. */
export function squeeze(tensor: LazyTensor, rank: number): LazyTensor {
  let { shape } = tensor;
  while (shape.length > rank && shape[0] === 1) shape = shape.slice(1);
  return shape === tensor.shape ? tensor : reshape(tensor, shape);
}

/** The tensor, read at most once. */
export function once(tensor: LazyTensor): LazyTensor {
  let array: NdArray | undefined;
  return {
    shape: tensor.shape,
    read: () => {
      array ??= tensor.read();
      return array;
    },
  };
}
