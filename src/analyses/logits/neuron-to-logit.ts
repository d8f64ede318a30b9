import { dim, ensure, float64, type NdArray, rows } from "../../core/index.ts";
import { norm, realFourier } from "../../math/index.ts";
import type { Parameters } from "../../model/index.ts";

/**
 * The transpose of W_L = W_out·W_U over the first `classes` outputs, [classes, d_mlp]: what each neuron adds to each logit.
 * Float64.
 */
export function neuronToLogit(parameters: Parameters, classes: number): NdArray<"float64"> {
  const [out, unembed] = [parameters["blocks.0.mlp.W_out"], parameters["unembed.W_U"]];
  const [d_mlp, d_model, width] = [dim(out, 0), dim(out, 1), dim(unembed, 1)];
  ensure(width >= classes, "input", () => `unembed.W_U: must have at least ${classes} columns, got ${width}`);
  const product = new Float64Array(classes * d_mlp);
  const weights = new Float64Array(d_model);
  for (let c = 0; c < classes; c++) {
    for (let m = 0; m < d_model; m++) weights[m] = unembed.data[m * width + c] as number;
    for (let j = 0; j < d_mlp; j++) {
      let total = 0;
      for (let m = 0; m < d_model; m++) total += (out.data[j * d_model + m] as number) * (weights[m] as number);
      product[c * d_mlp + j] = total;
    }
  }
  return float64(product, [classes, d_mlp]);
}

/** Norms of the rows of a matrix [p, n] in the real Fourier basis over its rows: constant, cos 1, sin 1, cos 2, …, [p]. */
export function fourierNorms(matrix: NdArray<"float64">): number[] {
  const spectrum = realFourier(matrix);
  return Array.from({ length: dim(spectrum, 0) }, (_, r) => norm(rows(spectrum, r, r + 1).data));
}
