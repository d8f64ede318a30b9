import { dim, float64, type NdArray } from "../../core/index.ts";

/** An interaction below this share of its column's sum of squares is rounding. */
const ROUNDING = 1e-20;

/**
 * What no sum of a function of x0 and one of x1 explains of each column of activations [p², d]: a(x0, x1) − row mean − column
 * mean + grand mean, [p², d]. Exactly zero in columns where only rounding is left.
 */
export function interactionOf(values: NdArray<"float64">, p: number): NdArray<"float64"> {
  const d = dim(values, 1);
  const { data } = values;
  const [rows, columns] = [new Float64Array(p * d), new Float64Array(p * d)];
  const [grand, squares, left] = [new Float64Array(d), new Float64Array(d), new Float64Array(d)];
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
  return float64(out, values.shape);
}
