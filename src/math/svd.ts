import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { dim, ensure, ensureFinite, float64, type NdArray } from "../core/index.ts";

/** M = U·diag(σ)·Vᵀ with r = min(m, n) columns. */
export interface Svd {
  /** Left singular vectors as columns, [m, r]. */
  readonly U: NdArray<"float64">;
  /** Singular values, descending, [r]. */
  readonly singular_values: Float64Array;
  /** Right singular vectors as columns, [n, r]. */
  readonly V: NdArray<"float64">;
}

function decompose(matrix: NdArray, vectors: boolean): SingularValueDecomposition {
  ensure(matrix.shape.length === 2, "input", () => `svd: must be a matrix, got shape [${matrix.shape.join(", ")}]`);
  // ml-matrix answers a NaN with zeros and no word.
  ensureFinite(matrix, "svd");
  const [m, n] = [dim(matrix, 0), dim(matrix, 1)];
  ensure(m > 0 && n > 0, "input", () => `svd: must have rows and columns, got shape [${m}, ${n}]`);
  const dense = new Matrix(m, n);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) dense.set(i, j, matrix.data[i * n + j] as number);
  // Without autoTranspose a wide matrix gets one singular value too many.
  return new SingularValueDecomposition(dense, {
    autoTranspose: true,
    computeLeftSingularVectors: vectors,
    computeRightSingularVectors: vectors,
  });
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
  const result = decompose(matrix, true);
  const rank = Math.min(dim(matrix, 0), dim(matrix, 1));
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

/** The singular values of a matrix alone, descending, min(m, n) of them. */
export function singularValues(matrix: NdArray): Float64Array {
  return Float64Array.from(decompose(matrix, false).diagonal.slice(0, Math.min(dim(matrix, 0), dim(matrix, 1))));
}
