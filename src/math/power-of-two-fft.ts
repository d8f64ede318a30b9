import FFT from "fft.js";
import { ensure } from "../core/index.ts";

/** A complex DFT of one power-of-two length over interleaved (re, im) arrays. */
export interface PowerOfTwoFft {
  /** Writes Σ_j data_j·e^(−2πijk/n) to `out`; both hold n complex numbers and must be different arrays. */
  transform(out: Float64Array, data: Float64Array): void;
}

/** The only place that touches `fft.js`, whose own types are all `any` and whose lengths are powers of two above 1. */
export function powerOfTwoFft(n: number): PowerOfTwoFft {
  ensure(
    Number.isInteger(n) && n >= 2 && (n & (n - 1)) === 0,
    "input",
    () => `fft: length must be a power of two above 1, got ${n}`,
  );
  return new FFT(n) as PowerOfTwoFft;
}
