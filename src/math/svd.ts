import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { dim, ensure, ensureFinite, float64, type NdArray } from "../core/index.ts";
import { singularValuesOf } from "./singular-values.ts";

/** M = U·diag(σ)·Vᵀ with r = min(m, n) columns. */
export interface Svd {
  /** Left singular vectors as columns, [m, r]. */
  readonly U: NdArray<"float64">;
  /** Singular values, descending, [r]. */
  readonly singular_values: Float64Array;
  /** Right singular vectors as columns, [n, r]. */
  readonly V: NdArray<"float64">;
}

/** The sizes [m, n] of what must be a finite matrix with rows and columns. */
function sizesOf(matrix: NdArray): [number, number] {
  ensure(matrix.shape.length === 2, "input", () => `svd: must be a matrix, got shape [${matrix.shape.join(", ")}]`);
  // ml-matrix answers a NaN with zeros and no word.
  ensureFinite(matrix, "svd");
  const [m, n] = [dim(matrix, 0), dim(matrix, 1)];
  ensure(m > 0 && n > 0, "input", () => `svd: must have rows and columns, got shape [${m}, ${n}]`);
  return [m, n];
}

function columnsOf(matrix: Matrix, count: number): NdArray<"float64"> {
  const data = new Float64Array(matrix.rows * count);
  for (let i = 0; i < matrix.rows; i++) for (let j = 0; j < count; j++) data[i * count + j] = matrix.get(i, j);
  return float64(data, [matrix.rows, count]);
}

/**
 * The thin singular value decomposition of a matrix [m, n], float64. Each pair of singular vectors has the sign that makes the left
 * vector's entry of largest magnitude positive.
 */
export function svd(matrix: NdArray): Svd {
  const [m, n] = sizesOf(matrix);
  const rank = Math.min(m, n);
  const dense = new Matrix(m, n);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) dense.set(i, j, matrix.data[i * n + j] as number);
  // Without autoTranspose a wide matrix gets one singular value too many.
  const result = new SingularValueDecomposition(dense, { autoTranspose: true });
  const U = columnsOf(result.leftSingularVectors, rank);
  const V = columnsOf(result.rightSingularVectors, rank);
  for (let j = 0; j < rank; j++) {
    let peak = 0;
    for (let i = j; i < U.data.length; i += rank) if (Math.abs(U.data[i] as number) > Math.abs(peak)) peak = U.data[i] as number;
    if (peak >= 0) continue;
    for (const { data } of [U, V]) for (let i = j; i < data.length; i += rank) data[i] = -(data[i] as number);
  }
  return { U, singular_values: Float64Array.from(result.diagonal.slice(0, rank)), V };
}

/** The singular values of a matrix alone, descending, min(m, n) of them; a third of the time of {@link svd}'s package without vectors. */
export function singularValues(matrix: NdArray): Float64Array {
  const [m, n] = sizesOf(matrix);
  return singularValuesOf(matrix.data, m, n);
}
