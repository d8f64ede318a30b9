import type { NdArray } from "../../core/index.ts";

/** A tensor of a file whose shape is known and whose elements are read when asked for. */
export interface LazyTensor {
  readonly shape: readonly number[];
  /** Whether its elements are integers or truth values, as far as the file says: a counter, indices, a mask. */
  readonly integral?: boolean;
  /** Whether its elements are truth values. */
  readonly boolean?: boolean;
  /** What a reader should be told of how its elements are read. */
  readonly note?: string;
  read(): NdArray;
}

/** Something that stands where a tensor might, yet cannot be read as one. */
export interface Unreadable {
  /** What it is, such as `an object of "my.Tensor"`. */
  readonly unreadable: string;
  /** Whether it is a tensor all the same, of a type that is not read: what has one computes with it. */
  readonly tensor?: true;
  /** The text that it holds, such as the name of an activation. */
  readonly text?: string;
}

/** Tensors that belong together, such as a state dict, and where in the file they were found. */
export interface TensorGroup {
  /** Path within the file, such as `model`; empty for the file itself. */
  readonly source: string;
  readonly tensors: ReadonlyMap<string, LazyTensor | Unreadable>;
}

/** Something that a file says of the model beside its tensors: a plain value by its key, such as `n_heads` or `act_fn`. */
export interface Statement {
  readonly key: string;
  readonly value: string | number | boolean | null;
  /** Whether it stands without a key, as the fields of a named tuple do: then `key` is empty. */
  readonly nameless?: true;
  /** Whether `key` is the path of a module without weights in a model that was saved whole, and `value` its class. */
  readonly module?: true;
  /** Whether `value` is the name of a config that lies beside the model and that nothing could be taken from. */
  readonly unread?: true;
  /** Whether it is a tensor that lies beside the model by itself, which is not read. */
  readonly tensor?: true;
}

/** What a file says of the model beside its tensors. */
export type Statements = readonly Statement[];
