import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { dim, ensure, ensureFinite, float64, type NdArray, type Random } from "../core/index.ts";

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

/** A draw of χ with `n` degrees of freedom: the length of n independent standard normals. */
function chi(n: number, random: Random): number {
  let total = 0;
  for (let i = 0; i < n; i++) total += random.normal() ** 2;
  return Math.sqrt(total);
}

/**
 * The singular values, descending, of a random matrix [m, n] of independent normal entries, scaled to the given Frobenius norm. The matrix
 * itself is not drawn: for m ≤ n reflections leave of it a bidiagonal one with independent entries, χ with n, n − 1, … degrees of
 * freedom on the diagonal and m − 1, m − 2, … beside it (Silverstein 1985; Dumitriu & Edelman 2002).
 */
export function gaussianSingularValues([m, n]: readonly [number, number], frobenius: number, random: Random): Float64Array {
  const [size, length] = [Math.min(m, n), Math.max(m, n)];
  const matrix = Matrix.zeros(size, size);
  for (let k = 0; k < size; k++) {
    matrix.set(k, k, chi(length - k, random));
    if (k + 1 < size) matrix.set(k + 1, k, chi(size - k - 1, random));
  }
  matrix.mul(frobenius / matrix.norm("frobenius"));
  const valuesAlone = { computeLeftSingularVectors: false, computeRightSingularVectors: false };
  return Float64Array.from(new SingularValueDecomposition(matrix, valuesAlone).diagonal);
}
