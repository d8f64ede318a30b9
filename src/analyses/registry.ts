import type { Analysis } from "./analysis.ts";
import { attention } from "./attention.ts";
import { circuits } from "./circuits.ts";
import { curves } from "./curves.ts";
import { fft } from "./fft.ts";
import { fourier } from "./fourier.ts";
import { mechanism } from "./mechanism.ts";
import { norms } from "./norms.ts";
import { omega } from "./omega.ts";
import { positional } from "./positional.ts";
import { primes } from "./primes.ts";
import { progress } from "./progress.ts";
import { svd } from "./svd.ts";

/** Every analysis, in the order of the report. */
export const ANALYSES: readonly Analysis[] = [
  positional,
  svd,
  fourier,
  fft,
  primes,
  attention,
  mechanism,
  circuits,
  omega,
  curves,
  norms,
  progress,
];
