import type { NdArray } from "../../core/index.ts";

/** A tensor of a file whose shape is known and whose elements are read when asked for. */
export interface LazyTensor {
  readonly shape: readonly number[];
  /** Whether its elements are integers or truth values, as far as the file says: a counter, indices, a mask. */
  readonly integral?: boolean;
  /** What a reader should be told of how its elements are read. */
  readonly note?: string;
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

/** What a file says of the model beside its tensors: plain values by their keys, such as `n_heads` or `act_fn`. */
export type Statements = readonly { readonly key: string; readonly value: string | number | boolean | null }[];
