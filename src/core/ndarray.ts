import { MiiiiError } from "./errors.ts";

/** Element types that tensors are stored and computed in. */
export type DType = "float32" | "float64" | "int32";

/** The typed array that holds each element type. */
export interface DataOf {
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
}

/** A dense array in row-major order: `data.length` is the product of `shape`. */
export interface NdArray<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: DataOf[D];
}

/** Number of elements of an array of the given shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

function checked<D extends DType>(dtype: D, data: DataOf[D], shape: readonly number[]): NdArray<D> {
  if (data.length !== sizeOf(shape)) {
    throw new MiiiiError("input", `array: shape [${shape.join(", ")}] needs ${sizeOf(shape)} elements, got ${data.length}`);
  }
  return { dtype, shape, data };
}

/** A float64 array over `data` (not copied where it is a Float64Array already). */
export function float64(data: ArrayLike<number>, shape: readonly number[]): NdArray<"float64"> {
  return checked("float64", data instanceof Float64Array ? data : Float64Array.from(data), shape);
}

/** A float32 array over `data` (not copied where it is a Float32Array already). */
export function float32(data: ArrayLike<number>, shape: readonly number[]): NdArray<"float32"> {
  return checked("float32", data instanceof Float32Array ? data : Float32Array.from(data), shape);
}

/** An int32 array over `data` (not copied where it is an Int32Array already). */
export function int32(data: ArrayLike<number>, shape: readonly number[]): NdArray<"int32"> {
  return checked("int32", data instanceof Int32Array ? data : Int32Array.from(data), shape);
}

/** The same array in float64; itself where it is so already. */
export function toFloat64(array: NdArray): NdArray<"float64"> {
  return float64(array.data, array.shape);
}

/** The same array in float32; itself where it is so already. */
export function toFloat32(array: NdArray): NdArray<"float32"> {
  return float32(array.data, array.shape);
}

/** The same array as floats of the given type; itself where it is so already. */
export function inPrecision(array: NdArray, precision: "float32" | "float64"): NdArray<"float32" | "float64"> {
  return precision === "float64" ? toFloat64(array) : toFloat32(array);
}

/** The axis length `shape[axis]`; throws where the array has no such axis. */
export function dim(array: { readonly shape: readonly number[] }, axis: number): number {
  const n = array.shape[axis];
  if (n === undefined) throw new MiiiiError("input", `array: axis ${axis} must exist, shape is [${array.shape.join(", ")}]`);
  return n;
}

/** The element at flat index `i`; throws outside the array, so that no `undefined` enters arithmetic. */
export function at<T>(data: ArrayLike<T>, i: number): T {
  const value = data[i];
  if (value === undefined) throw new MiiiiError("input", `array: index ${i} must be below ${data.length}`);
  return value;
}

/** Rows `[start, end)` along the first axis, as a view on the same memory. */
export function rows<D extends DType>(array: NdArray<D>, start: number, end: number): NdArray<D> {
  const width = sizeOf(array.shape.slice(1));
  return {
    dtype: array.dtype,
    shape: [end - start, ...array.shape.slice(1)],
    data: array.data.subarray(start * width, end * width) as DataOf[D],
  };
}

/** The rows of a matrix at the given places, in their order, copied: [places.length, width]. */
export function rowsAt(matrix: NdArray<"float64">, places: ArrayLike<number>): NdArray<"float64"> {
  const width = dim(matrix, 1);
  const out = new Float64Array(places.length * width);
  for (let i = 0; i < places.length; i++) {
    const start = (places[i] as number) * width;
    out.set(matrix.data.subarray(start, start + width), i * width);
  }
  return float64(out, [places.length, width]);
}

/** The transpose of a matrix, copied. */
export function transpose<D extends DType>(matrix: NdArray<D>): NdArray<D> {
  const [m, n] = [dim(matrix, 0), dim(matrix, 1)];
  const source: DataOf[DType] = matrix.data;
  const target = matrix.data.slice();
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) target[j * m + i] = source[i * n + j] as number;
  return { dtype: matrix.dtype, shape: [n, m], data: target as DataOf[D] };
}

/** Throws, naming `where` and the first offending index, unless every entry is finite. */
export function ensureFinite(array: NdArray, where: string): void {
  const { data } = array;
  // 0 times anything finite is 0: sums find whether there is anything to look for, four of them since each waits for its last
  // addition.
  let [a, b, c, d] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 4 <= data.length; i += 4) {
    a += (data[i] as number) * 0;
    b += (data[i + 1] as number) * 0;
    c += (data[i + 2] as number) * 0;
    d += (data[i + 3] as number) * 0;
  }
  for (; i < data.length; i++) a += (data[i] as number) * 0;
  if (a + b + c + d === 0) return;
  refuseInfinite(array, where);
}

/** Throws, naming the first entry that is not finite. */
function refuseInfinite({ data, shape }: NdArray, where: string): void {
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) {
      let rest = i;
      const index = shape.map((_, axis) => {
        const stride = sizeOf(shape.slice(axis + 1));
        const k = Math.floor(rest / stride);
        rest -= k * stride;
        return k;
      });
      throw new MiiiiError("input", `${where}: every entry must be finite, got ${data[i]} at [${index.join(", ")}]`);
    }
  }
}
