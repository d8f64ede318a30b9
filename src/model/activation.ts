import { float64, type NdArray } from "../core/index.ts";
import type { Ops } from "../ops/index.ts";

/**
 * The MLP's activations that a forward pass computes, under Hugging Face's names where these have one:
 * `gelu` x·Φ(x), exact; `gelu_new` its tanh approximation; `quick_gelu` x·σ(1.702x); `silu` x·σ(x); `leaky_relu` of slope 0.01;
 * `relu2` max(0, x)²; `square` x² (Gromov 2023). This project trains `relu` alone; the others are for models from elsewhere.
 */
export const ACTIVATIONS = ["relu", "gelu", "gelu_new", "quick_gelu", "silu", "tanh", "leaky_relu", "relu2", "square"] as const;

/** The name of an activation. */
export type Activation = (typeof ACTIVATIONS)[number];

/** The activation of a model's MLP: `relu` where its config says nothing. */
export function activationName({ activation = "relu" }: { readonly activation?: Activation }): Activation {
  return activation;
}

/**
 * erfc(z) = t·exp(−z² + P(2t − 1)) with t = 2/(2 + z), z ≥ 0: P's coefficients, the constant first; from a Chebyshev
 * interpolation of the exponent in 50 digits. The relative error of the result is below 5e-16·(1 + z²).
 */
const ERFC_EXPONENT = [
  -0.6717940840566923, 0.6726432239776576, 0.047343306841898185, -0.04689561023126843, -0.009872689365754328,
  0.008824938559754456, 0.0017589335383343782, -0.002345812534455924, -0.00014624658593812465, 0.0006736790125601483,
  -9.373724844191498e-5, -0.00017430363340684767, 7.141197421250557e-5, 3.174564453332488e-5, -3.0223285611578687e-5,
  1.4209508570563053e-7, 8.639485381013146e-6, -2.96593296826235e-6, -1.385338113807891e-6, 1.2851059526765449e-6,
  -5.745722742510482e-8, -2.902443935533007e-7, 8.354693636883371e-8, 2.99232719144331e-8, -1.3791305946176174e-8,
] as const;

/** y = f(x) element by element, in operations that every runtime has. */
export function activate<T>(ops: Ops<T>, x: T, activation: Activation): T {
  const constant = (value: number) => ops.constant(float64([value], [1]) satisfies NdArray);
  const times = (a: T, value: number) => ops.mul(a, constant(value));
  /** x·σ(y); where exp overflows, the quotient is 0, as it should be. */
  const gated = (y: T) => ops.div(x, ops.add(ops.exp(times(y, -1)), constant(1)));
  switch (activation) {
    case "relu":
      return ops.relu(x);
    case "gelu": {
      // x·Φ(x) = max(0, x) − |x|·erfc(|x|/√2)/2 on either side of 0, without cancellation.
      const magnitude = ops.maximum(x, times(x, -1));
      const z = times(magnitude, Math.SQRT1_2);
      const t = ops.div(constant(2), ops.add(z, constant(2)));
      const s = ops.add(times(t, 2), constant(-1));
      const exponent = ERFC_EXPONENT.reduceRight<T | undefined>(
        (sum, coefficient) => (sum === undefined ? constant(coefficient) : ops.add(ops.mul(sum, s), constant(coefficient))),
        undefined,
      ) as T;
      const erfc = ops.mul(t, ops.exp(ops.sub(exponent, ops.mul(z, z))));
      return ops.sub(ops.relu(x), times(ops.mul(magnitude, erfc), 0.5));
    }
    case "gelu_new": {
      // (1 + tanh y)/2 = σ(2y), y = √(2/π)·(x + 0.044715x³).
      const cubic = ops.add(x, times(ops.mul(x, ops.mul(x, x)), 0.044715));
      return gated(times(cubic, 2 * Math.sqrt(2 / Math.PI)));
    }
    case "quick_gelu":
      return gated(times(x, 1.702));
    case "silu":
      return gated(x);
    case "tanh":
      // 1 − 2/(exp(2x) + 1), which overflow of exp takes to 1.
      return ops.sub(constant(1), ops.div(constant(2), ops.add(ops.exp(times(x, 2)), constant(1))));
    case "leaky_relu":
      return ops.maximum(x, times(x, 0.01));
    case "relu2": {
      const positive = ops.relu(x);
      return ops.mul(positive, positive);
    }
    case "square":
      return ops.mul(x, x);
    default:
      return activation satisfies never;
  }
}
