import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { dim, ensure, ensureFinite, float64, type NdArray, type Random } from "../core/index.ts";
import { type Dense, jacobiSvd, pivotedQr } from "./jacobi-svd.ts";

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
  // ml-matrix silently returns zeros for NaN.
  ensureFinite(matrix, "svd");
  const [m, n] = [dim(matrix, 0), dim(matrix, 1)];
  ensure(m > 0 && n > 0, "input", () => `svd: must have rows and columns, got shape [${m}, ${n}]`);
  return [m, n];
}

function leadingColumns(matrix: Matrix, count: number): NdArray<"float64"> {
  const data = new Float64Array(matrix.rows * count);
  for (let i = 0; i < matrix.rows; i++) for (let j = 0; j < count; j++) data[i * count + j] = matrix.get(i, j);
  return float64(data, [matrix.rows, count]);
}

/** Vectors as the columns of a matrix. */
function asColumns(vectors: readonly Float64Array[], length: number): NdArray<"float64"> {
  const data = new Float64Array(length * vectors.length);
  for (const [j, vector] of vectors.entries()) {
    for (let i = 0; i < length; i++) data[i * vectors.length + j] = vector[i] as number;
  }
  return float64(data, [length, vectors.length]);
}

/** Below this ratio of the last pivot to the first, ml-matrix is not asked: on matrices of deficient rank it may never return. */
const SAFE_RATIO = 1e-9;

function jacobiSvdOf(matrix: Dense): Svd {
  const { rows: m, columns: n, data } = matrix;
  const rank = Math.min(m, n);
  const qr = pivotedQr(matrix);
  const [first = 0, last = 0] = [qr.diagonal[0], qr.diagonal[rank - 1]];
  if (last <= SAFE_RATIO * first) {
    const { U, values, V } = jacobiSvd(qr, matrix, rank);
    return { U: asColumns(U, m), singular_values: values, V: asColumns(V, n) };
  }
  const dense = new Matrix(m, n);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) dense.set(i, j, data[i * n + j] as number);
  // Without autoTranspose a wide matrix gets one singular value too many.
  const result = new SingularValueDecomposition(dense, { autoTranspose: true });
  return {
    U: leadingColumns(result.leftSingularVectors, rank),
    singular_values: Float64Array.from(result.diagonal.slice(0, rank)),
    V: leadingColumns(result.rightSingularVectors, rank),
  };
}

/**
 * The thin singular value decomposition of a matrix [m, n] of any rank, float64. Each pair of singular vectors has the sign that
 * makes the left vector's entry of largest magnitude positive.
 */
export function svd(matrix: NdArray): Svd {
  const [m, n] = sizesOf(matrix);
  const rank = Math.min(m, n);
  // Squares of very large or very small entries leave the range of floats.
  let scale = 0;
  for (const entry of matrix.data) scale = Math.max(scale, Math.abs(entry));
  const unit = scale === 0 ? 1 : 2 ** Math.max(-1022, Math.floor(Math.log2(scale)));
  const { U, singular_values, V } = jacobiSvdOf({
    rows: m,
    columns: n,
    data: Float64Array.from(matrix.data, (entry) => entry / unit),
  });
  for (let j = 0; j < rank; j++) {
    let peak = 0;
    for (let i = j; i < U.data.length; i += rank) if (Math.abs(U.data[i] as number) > Math.abs(peak)) peak = U.data[i] as number;
    if (peak >= 0) continue;
    for (const { data } of [U, V]) for (let i = j; i < data.length; i += rank) data[i] = -(data[i] as number);
  }
  return { U, singular_values: singular_values.map((value) => value * unit), V };
}

/** A draw of χ with `n` degrees of freedom: the length of n independent standard normals. */
function chi(n: number, random: Random): number {
  let total = 0;
  for (let i = 0; i < n; i++) total += random.normal() ** 2;
  return Math.sqrt(total);
}

/**
 * The singular values, descending, of a random matrix [m, n] of independent normal entries, scaled to the given Frobenius norm.
 * The matrix itself is not drawn: for m ≤ n reflections leave of it a bidiagonal one with independent entries, χ with n, n − 1, …
 * degrees of freedom on the diagonal and m − 1, m − 2, … beside it (Silverstein 1985; Dumitriu & Edelman 2002).
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
