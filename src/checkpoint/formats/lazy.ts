import type { NdArray } from "../../core/index.ts";

/** A tensor of a file whose shape is known and whose elements are read when asked for. */
export interface LazyTensor {
  readonly shape: readonly number[];
  read(): NdArray;
}

/** Something that stands where a tensor might, yet cannot be read as one. */
export interface Unreadable {
  /** What it is, such as `an object of "my.Tensor"`. */
  readonly unreadable: string;
}

/** Tensors that belong together, such as a state dict, and where in the file they were found. */
export interface TensorGroup {
  /** Path within the file, such as `model`; empty for the file itself. */
  readonly source: string;
  readonly tensors: ReadonlyMap<string, LazyTensor | Unreadable>;
}
