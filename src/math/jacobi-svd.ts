import { MiiiiError } from "../core/index.ts";
import { dot } from "./statistics.ts";

/** A dense matrix in row-major order. */
export interface Dense {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float64Array;
}

/** A = Q·R with the columns of A in the order of `order`, the largest remaining column first. */
export interface PivotedQr {
  /** Orthonormal rows that span A's columns, [rank, rows of A]. */
  readonly Q: Float64Array[];
  /** Rows of R, over A's columns in their own order, [rank, columns of A]. */
  readonly R: Float64Array[];
  /** Diagonal of R, descending, all positive. */
  readonly diagonal: number[];
}

/** Below this share of the first pivot what is left of a column is rounding. */
const ROUNDING = 16 * Number.EPSILON;
/** Jacobi's method doubles the correct digits with each sweep; some ten suffice for hundreds of columns. */
const MAX_SWEEPS = 60;

function addScaled(target: Float64Array, scale: number, source: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) + scale * (source[i] as number);
}

/** What is left of a vector after its parts along orthonormal ones are taken out, twice, since once leaves rounding. */
function project(vector: Float64Array, basis: readonly Float64Array[], parts?: (k: number, part: number) => void): void {
  for (let pass = 0; pass < 2; pass++) {
    for (const [k, direction] of basis.entries()) {
      const part = dot(direction, vector);
      addScaled(vector, -part, direction);
      parts?.(k, part);
    }
  }
}

/**
 * A column-pivoted QR decomposition that stops where nothing but rounding is left; it reveals the rank (Golub & Van Loan 5.4).
 */
export function pivotedQr({ rows, columns, data }: Dense): PivotedQr {
  const rest = Array.from({ length: columns }, (_, j) =>
    Float64Array.from({ length: rows }, (_, i) => data[i * columns + j] as number),
  );
  const left = new Set(rest.keys());
  const [Q, R, diagonal]: [Float64Array[], Float64Array[], number[]] = [[], [], []];
  while (left.size > 0 && Q.length < rows) {
    let [pivot, largest] = [-1, 0];
    for (const j of left) {
      const length = Math.sqrt(dot(rest[j] as Float64Array, rest[j] as Float64Array));
      if (length > largest) [pivot, largest] = [j, length];
    }
    if (pivot < 0 || largest <= ROUNDING * (diagonal[0] ?? 0)) break;
    const direction = rest[pivot] as Float64Array;
    project(direction, Q, (k, part) => {
      const row = R[k] as Float64Array;
      row[pivot] = (row[pivot] as number) + part;
    });
    left.delete(pivot);
    const length = Math.sqrt(dot(direction, direction));
    // What rounding left along the earlier directions is gone now; often that was all.
    if (length <= ROUNDING * (diagonal[0] ?? 0)) continue;
    const row = new Float64Array(columns);
    row[pivot] = length;
    for (let i = 0; i < rows; i++) direction[i] = (direction[i] as number) / length;
    for (const j of left) {
      const column = rest[j] as Float64Array;
      const part = dot(direction, column);
      row[j] = part;
      addScaled(column, -part, direction);
    }
    Q.push(direction);
    R.push(row);
    diagonal.push(length);
  }
  return { Q, R, diagonal };
}

/**
 * Turns each pair of rows until all are orthogonal, and the same pairs of `companions` with them (one-sided Jacobi, Hestenes
 * 1958).
 */
function orthogonalise(rows: readonly Float64Array[], companions: readonly Float64Array[]): void {
  const turn = (a: Float64Array, b: Float64Array, c: number, s: number) => {
    for (let i = 0; i < a.length; i++) {
      const [x, y] = [a[i] as number, b[i] as number];
      a[i] = c * x - s * y;
      b[i] = s * x + c * y;
    }
  };
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let turned = false;
    for (let i = 0; i < rows.length; i++) {
      for (let j = i + 1; j < rows.length; j++) {
        const [a, b] = [rows[i] as Float64Array, rows[j] as Float64Array];
        const [aa, bb, ab] = [dot(a, a), dot(b, b), dot(a, b)];
        if (Math.abs(ab) <= 8 * Number.EPSILON * Math.sqrt(aa) * Math.sqrt(bb)) continue;
        turned = true;
        const zeta = (bb - aa) / (2 * ab);
        const t = Math.sign(zeta || 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const c = 1 / Math.hypot(1, t);
        turn(a, b, c, c * t);
        turn(companions[i] as Float64Array, companions[j] as Float64Array, c, c * t);
      }
    }
    if (!turned) return;
  }
  throw new MiiiiError("numeric", `svd: must converge within ${MAX_SWEEPS} sweeps of Jacobi's method, and did not`);
}

/** Orthonormal vectors added until there are `count`: unit vectors, less what is spanned already. */
function complete(vectors: Float64Array[], count: number, length: number): void {
  for (let axis = 0; vectors.length < count && axis < length; axis++) {
    const candidate = new Float64Array(length);
    candidate[axis] = 1;
    project(candidate, vectors);
    const rest = Math.sqrt(dot(candidate, candidate));
    // Of n unit vectors at least one keeps 1/√n of its length for each direction that is missing.
    if (rest < 0.5 / Math.sqrt(length)) continue;
    vectors.push(candidate.map((x) => x / rest));
  }
}

/**
 * Singular values and vectors of a matrix from its pivoted QR decomposition, also where its rank is deficient: it ends always,
 * and is as exact as the rounding of the entries (one-sided Jacobi after QR, Drmač & Veselić 2008). Values that are rounding
 * alone are 0.
 *
 * @returns left and right vectors as rows, `count` of each, and as many values, descending.
 */
export function jacobiSvd(
  { Q, R }: PivotedQr,
  { rows, columns }: Pick<Dense, "rows" | "columns">,
  count: number,
): { readonly U: Float64Array[]; readonly values: Float64Array; readonly V: Float64Array[] } {
  const right = R.map((row) => row.slice());
  const left = Q.map((row) => row.slice());
  orthogonalise(right, left);
  const lengths = right.map((row) => Math.sqrt(dot(row, row)));
  const order = [...lengths.keys()].sort((a, b) => (lengths[b] as number) - (lengths[a] as number));
  const U = order.map((i) => left[i] as Float64Array);
  const V = order.map((i) => (right[i] as Float64Array).map((x) => x / (lengths[i] as number)));
  const values = new Float64Array(count);
  for (const [k, i] of order.entries()) values[k] = lengths[i] as number;
  complete(U, count, rows);
  complete(V, count, columns);
  return { U, values, V };
}
