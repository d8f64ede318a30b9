import { MiiiiError } from "../core/index.ts";

/** Inner product of n numbers of `a` from i on with n of `b` from j on; four sums at a time, which do not wait for each other. */
function dotAt(a: Float64Array, i: number, b: Float64Array, j: number, n: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let k = 0;
  for (; k + 3 < n; k += 4) {
    s0 += (a[i + k] as number) * (b[j + k] as number);
    s1 += (a[i + k + 1] as number) * (b[j + k + 1] as number);
    s2 += (a[i + k + 2] as number) * (b[j + k + 2] as number);
    s3 += (a[i + k + 3] as number) * (b[j + k + 3] as number);
  }
  for (; k < n; k++) s0 += (a[i + k] as number) * (b[j + k] as number);
  return s0 + s1 + (s2 + s3);
}

/** Adds `factor` times n numbers of `b` from j on to those of `a` from i on. */
function addAt(a: Float64Array, i: number, b: Float64Array, j: number, n: number, factor: number): void {
  for (let k = 0; k < n; k++) a[i + k] = (a[i + k] as number) + factor * (b[j + k] as number);
}

/**
 * Makes the first n numbers of x the vector v of the reflection 1 − v·vᵀ that takes x to a multiple of the first axis, and returns that
 * multiple; v = 0 where x is 0.
 */
function reflection(x: Float64Array, n: number): number {
  const length = Math.sqrt(dotAt(x, 0, x, 0, n));
  if (length === 0) return 0;
  const first = x[0] as number;
  // The sign that adds, so that nothing cancels.
  const image = first > 0 ? -length : length;
  const scale = 1 / Math.sqrt(length * (length + Math.abs(first)));
  x[0] = first - image;
  for (let k = 0; k < n; k++) x[k] = (x[k] as number) * scale;
  return image;
}

/**
 * Reflections of rows and columns in turn that leave a matrix [m, n], m ≤ n, with its diagonal and the entries below it (Golub & Kahan
 * 1965): diagonal, entry below it, next of the diagonal, …, 2m − 1 numbers. All work runs along the rows. Overwrites `a`.
 */
function bidiagonal(a: Float64Array, m: number, n: number): Float64Array {
  const entries = new Float64Array(2 * m - 1);
  const v = new Float64Array(n);
  const w = new Float64Array(n);
  for (let k = 0; k < m; k++) {
    const width = n - k;
    const row = k * n + k;
    for (let j = 0; j < width; j++) v[j] = a[row + j] as number;
    entries[2 * k] = reflection(v, width);
    for (let i = k + 1; i < m; i++) {
      const start = i * n + k;
      addAt(a, start, v, 0, width, -dotAt(a, start, v, 0, width));
    }
    if (k + 1 === m) break;
    const height = m - k - 1;
    const below = (k + 1) * n + k;
    for (let i = 0; i < height; i++) v[i] = a[below + i * n] as number;
    entries[2 * k + 1] = reflection(v, height);
    w.fill(0, 0, width - 1);
    for (let i = 0; i < height; i++) addAt(w, 0, a, below + i * n + 1, width - 1, v[i] as number);
    for (let i = 0; i < height; i++) addAt(a, below + i * n + 1, w, 0, width - 1, -(v[i] as number));
  }
  return entries;
}

/** Steps for one eigenvalue, of which two or three are the rule. */
const STEPS = 60;

/**
 * The eigenvalues of the symmetric tridiagonal matrix with zeros on its diagonal and `beside` next to it, in no order: implicit QL
 * with Wilkinson's shift (Dubrulle, Martin & Wilkinson 1968).
 */
function eigenvaluesOf(beside: Float64Array): Float64Array {
  const n = beside.length + 1;
  const d = new Float64Array(n);
  const e = new Float64Array(n);
  e.set(beside);
  const negligible = Number.EPSILON * beside.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  for (let low = 0; low < n; low++) {
    for (let step = 0; ; step++) {
      let high = low;
      while (high < n - 1 && Math.abs(e[high] as number) > negligible) high++;
      if (high === low) break;
      if (step === STEPS) throw new MiiiiError("numeric", `svd: singular value ${low} must converge within ${STEPS} steps`);
      const gap = ((d[low + 1] as number) - (d[low] as number)) / (2 * (e[low] as number));
      const root = Math.sqrt(gap * gap + 1);
      let g = (d[high] as number) - (d[low] as number) + (e[low] as number) / (gap + (gap < 0 ? -root : root));
      let s = 1;
      let c = 1;
      let shift = 0;
      for (let i = high - 1; i >= low; i--) {
        const f = s * (e[i] as number);
        const b = c * (e[i] as number);
        const r = Math.sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r === 0) {
          // The matrix has fallen apart here; the rest is looked at anew.
          d[i + 1] = (d[i + 1] as number) - shift;
          e[high] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = (d[i + 1] as number) - shift;
        const t = ((d[i] as number) - g) * s + 2 * c * b;
        shift = s * t;
        d[i + 1] = g + shift;
        g = c * t - b;
        if (i === low) {
          d[low] = (d[low] as number) - shift;
          e[low] = g;
          e[high] = 0;
        }
      }
    }
  }
  return d;
}

/**
 * The singular values of a matrix [m, n], descending, min(m, n) of them: the positive eigenvalues of [[0, B], [Bᵀ, 0]] for the bidiagonal B
 * that reflections make of it. Their errors are of the order of rounding in the largest.
 */
export function singularValuesOf(data: ArrayLike<number>, m: number, n: number): Float64Array {
  const [rows, columns] = [Math.min(m, n), Math.max(m, n)];
  const a = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) a[m <= n ? i * n + j : j * m + i] = data[i * n + j] as number;
  }
  const scale = a.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  if (scale === 0) return new Float64Array(rows);
  // Squares of entries must neither overflow nor vanish.
  for (let i = 0; i < a.length; i++) a[i] = (a[i] as number) / scale;
  const values = eigenvaluesOf(bidiagonal(a, rows, columns))
    .sort()
    .reverse();
  return values.slice(0, rows).map((value) => Math.max(0, value) * scale);
}
