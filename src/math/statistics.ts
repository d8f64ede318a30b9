import { at, ensure } from "../core/index.ts";

function ensureSome(x: ArrayLike<number>, where: string): void {
  ensure(x.length > 0, "input", () => `${where}: needs at least one number, got none`);
}

function ensurePair(x: ArrayLike<number>, y: ArrayLike<number>, where: string): void {
  ensureSome(x, where);
  ensure(x.length === y.length, "input", () => `${where}: both must have the same length, got ${x.length} and ${y.length}`);
}

/** Sum of all numbers; 0 for none. */
export function sum(x: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i] as number;
  return total;
}

/** Arithmetic mean. */
export function mean(x: ArrayLike<number>): number {
  ensureSome(x, "mean");
  return sum(x) / x.length;
}

/** Population variance (divided by n). */
export function variance(x: ArrayLike<number>): number {
  const center = mean(x);
  let total = 0;
  for (let i = 0; i < x.length; i++) total += ((x[i] as number) - center) ** 2;
  return total / x.length;
}

/** Population standard deviation (divided by n, NumPy's default). */
export function std(x: ArrayLike<number>): number {
  return Math.sqrt(variance(x));
}

/** Inner product. */
export function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += (x[i] as number) * (y[i] as number);
  return total;
}

/** Euclidean (Frobenius) norm. */
export function norm(x: ArrayLike<number>): number {
  return Math.sqrt(dot(x, x));
}

/** Cosine of the angle between two vectors; 0 where one of them is zero. */
export function cosine(x: ArrayLike<number>, y: ArrayLike<number>): number {
  ensurePair(x, y, "cosine");
  const scale = norm(x) * norm(y);
  return scale === 0 ? 0 : dot(x, y) / scale;
}

/** Pearson's correlation; 0 where one of the two is constant. */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number {
  ensurePair(x, y, "pearson");
  const [mx, my] = [mean(x), mean(y)];
  const centred = (values: ArrayLike<number>, center: number) => Float64Array.from(values, (value) => value - center);
  return cosine(centred(x, mx), centred(y, my));
}

/**
 * Gini coefficient of non-negative numbers: 0 where all are equal, (n−1)/n where one holds everything, 0 where all are zero.
 * With x ascending: Σ (2i − n − 1)·x_i / (n·Σ x_i), i = 1..n.
 */
export function gini(x: ArrayLike<number>): number {
  ensureSome(x, "gini");
  const sorted = Float64Array.from(x).sort();
  ensure(at(sorted, 0) >= 0, "input", () => `gini: every number must be at least 0, got ${sorted[0]}`);
  const total = sum(sorted);
  if (total === 0) return 0;
  let weighted = 0;
  sorted.forEach((value, i) => {
    weighted += (2 * (i + 1) - sorted.length - 1) * value;
  });
  return weighted / (sorted.length * total);
}

/** The quantile at `level` in [0, 1] by linear interpolation between order statistics (NumPy's default). */
export function quantile(x: ArrayLike<number>, level: number): number {
  ensureSome(x, "quantile");
  ensure(level >= 0 && level <= 1, "input", () => `quantile: level must lie in [0, 1], got ${level}`);
  const sorted = Float64Array.from(x).sort();
  const position = level * (sorted.length - 1);
  const low = Math.floor(position);
  const below = at(sorted, low);
  return below + (position - low) * (at(sorted, Math.min(low + 1, sorted.length - 1)) - below);
}

/** Participation ratio (Σw)²/Σw² of non-negative weights: how many of them carry the total; 0 where all are zero. */
export function participationRatio(weights: ArrayLike<number>): number {
  const squares = dot(weights, weights);
  return squares === 0 ? 0 : sum(weights) ** 2 / squares;
}

/** Stable rank ‖M‖²_F/σ₁² of a matrix with the given singular values; 0 for a zero matrix. */
export function stableRank(singularValues: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < singularValues.length; i++) largest = Math.max(largest, singularValues[i] as number);
  return largest === 0 ? 0 : dot(singularValues, singularValues) / largest ** 2;
}

/** Index of the largest number, the first of equals. */
export function argmax(x: ArrayLike<number>): number {
  ensureSome(x, "argmax");
  let best = 0;
  for (let i = 1; i < x.length; i++) if ((x[i] as number) > (x[best] as number)) best = i;
  return best;
}

/** The middle of some numbers: of an even count the lower of the two middle ones, so that it is one of them. */
export function median(x: ArrayLike<number>): number {
  ensureSome(x, "median");
  const sorted = Float64Array.from(x).sort();
  return at(sorted, Math.floor((sorted.length - 1) / 2));
}

/** Ranks from 1, those of equal numbers at their mean. */
export function ranks(x: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(x);
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal + 1) / 2;
  });
}

/** Spearman's rank correlation, ties at their mean rank; 0 where one of the two is constant. */
export function spearman(x: ArrayLike<number>, y: ArrayLike<number>): number {
  ensurePair(x, y, "spearman");
  return pearson(ranks(x), ranks(y));
}

/** Length of the mean of unit vectors at the given angles, in radians: 1 where all are the same, 0 where they cancel. */
export function resultant(angles: readonly number[]): number {
  let [x, y] = [0, 0];
  for (const angle of angles) {
    x += Math.cos(angle);
    y += Math.sin(angle);
  }
  return Math.hypot(x, y) / angles.length;
}
