import { dim, float64, type NdArray } from "../../core/index.ts";

/** An interaction below this share of its column's sum of squares is rounding. */
const ROUNDING = 1e-20;

/** Means of each column of activations [p², d] over x1 and over x0, [p, d], and over both, [d]. */
export interface DigitMeans {
  readonly rows: Float64Array;
  readonly columns: Float64Array;
  readonly grand: Float64Array;
  /** Sums of squares, [d]. */
  readonly squares: Float64Array;
}

function digitMeans(values: NdArray<"float64">, p: number): DigitMeans {
  const d = dim(values, 1);
  const { data } = values;
  const [rows, columns] = [new Float64Array(p * d), new Float64Array(p * d)];
  const [grand, squares] = [new Float64Array(d), new Float64Array(d)];
  for (let i = 0; i < p * p; i++) {
    const [row, column] = [Math.floor(i / p) * d, (i % p) * d];
    for (let j = 0; j < d; j++) {
      const value = data[i * d + j] as number;
      rows[row + j] = (rows[row + j] as number) + value / p;
      columns[column + j] = (columns[column + j] as number) + value / p;
      grand[j] = (grand[j] as number) + value / (p * p);
      squares[j] = (squares[j] as number) + value * value;
    }
  }
  return { rows, columns, grand, squares };
}

/** What is to be taken from activations [p², d] for their interaction to be left. */
export interface Additive extends DigitMeans {
  /** 1 for columns where only rounding is left, [d]. */
  readonly rounding: Uint8Array;
}

/** The part of each column of activations [p², d] that is a sum of a function of x0 and one of x1. */
export function additiveOf(values: NdArray<"float64">, p: number): Additive {
  const d = dim(values, 1);
  const means = digitMeans(values, p);
  const left = new Float64Array(d);
  for (let i = 0; i < p * p; i++) {
    const [row, column] = [Math.floor(i / p) * d, (i % p) * d];
    for (let j = 0; j < d; j++) {
      const rest =
        (values.data[i * d + j] as number) -
        (means.rows[row + j] as number) -
        (means.columns[column + j] as number) +
        (means.grand[j] as number);
      left[j] = (left[j] as number) + rest * rest;
    }
  }
  return { ...means, rounding: Uint8Array.from(left, (rest, j) => (rest > ROUNDING * (means.squares[j] as number) ? 0 : 1)) };
}

/** Activations [p², d] in two parts. */
export interface GridParts {
  readonly means: DigitMeans;
  /**
   * What no sum of a function of x0 and one of x1 explains: a(x0, x1) − row mean − column mean + grand mean, [p², d]; exactly
   * zero in columns where only rounding is left.
   */
  readonly interaction: NdArray<"float64">;
}

/** Takes activations [p², d] apart into what their means over one digit say and the rest. */
export function gridParts(values: NdArray<"float64">, p: number): GridParts {
  const d = dim(values, 1);
  const { data } = values;
  const means = digitMeans(values, p);
  const { rows, columns, grand, squares } = means;
  const left = new Float64Array(d);
  const out = new Float64Array(data.length);
  for (let i = 0; i < p * p; i++) {
    const [row, column] = [Math.floor(i / p) * d, (i % p) * d];
    for (let j = 0; j < d; j++) {
      const rest =
        (data[i * d + j] as number) - (rows[row + j] as number) - (columns[column + j] as number) + (grand[j] as number);
      out[i * d + j] = rest;
      left[j] = (left[j] as number) + rest * rest;
    }
  }
  for (let j = 0; j < d; j++) {
    if ((left[j] as number) > ROUNDING * (squares[j] as number)) continue;
    for (let i = 0; i < p * p; i++) out[i * d + j] = 0;
  }
  return { means, interaction: float64(out, values.shape) };
}
