import type { DType, NdArray } from "../core/index.ts";

/** Options of a matrix product. */
export interface MatmulOptions<T> {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Added to the product; broadcast to its shape. */
  readonly add?: T;
}

/**
 * The operations that the model, its loss and its training step are written in. `T` is a runtime's handle of a tensor: a node of
 * a graph being recorded, or a device tensor that is computed at once. Element-wise operations broadcast as in NumPy.
 */
export interface Ops<T> {
  /**
   * Bytes of an array, counted as float32, beyond which what acts row by row is best done in blocks of rows; absent where that
   * gains nothing.
   */
  readonly blockBytes?: number;
  /** A fixed array, in the type that the program computes in unless it is an int32 index. */
  constant(array: NdArray): T;
  /** A · B of two matrices, transposed where asked. */
  matmul(a: T, b: T, options?: MatmulOptions<T>): T;
  add(a: T, b: T): T;
  sub(a: T, b: T): T;
  mul(a: T, b: T): T;
  div(a: T, b: T): T;
  maximum(a: T, b: T): T;
  exp(a: T): T;
  /** log(1 + a) for a ≥ 0, with full relative precision near 0. */
  log1p(a: T): T;
  sqrt(a: T): T;
  relu(a: T): T;
  /** `dy` where `y`, an output of {@link relu}, is positive; 0 elsewhere. */
  reluGrad(dy: T, y: T): T;
  /** Sum over one axis, which is kept with length 1 where asked. */
  sum(a: T, axis: number, keepDims?: boolean): T;
  /** The rows of a table at int32 indices: [rows, …], [n] → [n, …]. */
  gather(table: T, indices: T): T;
  /**
   * Sums of a matrix's rows that share an index, {@link gather}'s gradient: [n, m], fixed indices [n] below `count` → [count, m].
   */
  sumByRow(a: T, indices: NdArray<"int32">, count: number): T;
  /** Softmax within each of the given consecutive segments of the last axis, which they fill. */
  softmax(a: T, widths: readonly number[]): T;
  /** Entries of a matrix by column index: [n, m], int32 [n, k] → [n, k]. */
  takeColumns(a: T, columns: T): T;
  /** A matrix with the entries at those columns replaced: [n, m], int32 [n, k], [n, k] → [n, m]. `a` must not be used again. */
  putColumns(a: T, columns: T, values: T): T;
  reshape(a: T, shape: readonly number[]): T;
  transpose(a: T, order: readonly number[]): T;
  concat(parts: readonly T[], axis: number): T;
  /** Rows `[start, end)` along the first axis. */
  slice(a: T, start: number, end: number): T;
}

/** A dropout mask that a runtime makes itself: see {@link dropoutMask}. */
export interface DropoutSpec {
  readonly seed: number;
  /** Which of a step's masks it is. */
  readonly site: number;
  /** Share of entries dropped. */
  readonly rate: number;
}

/** Stands for a length that may differ from run to run; `onnx` alone takes such inputs, and not as state. */
export const FREE = -1;

/** Type and shape of a program's input. */
export interface TensorSpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Not fed but made by the runtime for each run, from the feed `step` (int32 [1]). */
  readonly dropout?: DropoutSpec;
}

/** Named tensors. */
export type Tensors<T> = Readonly<Record<string, T>>;

/**
 * A computation written over {@link Ops}: from its inputs by name to its outputs by name. A name that is both is state, which the
 * runtime carries from one run to the next.
 */
export interface ProgramSource {
  /** The type that it computes in. */
  readonly dtype: "float32" | "float64";
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  readonly build: <T>(ops: Ops<T>, inputs: Tensors<T>) => Tensors<T>;
}

/** The named tensor; throws where there is none, which is a defect of the program. */
export function tensor<T>(tensors: Tensors<T>, name: string): T {
  const value = tensors[name];
  if (value === undefined) throw new Error(`program: tensor ${name} must exist, there are ${Object.keys(tensors).join(", ")}`);
  return value;
}
