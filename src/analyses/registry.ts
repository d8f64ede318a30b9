import { attention } from "./attention/index.ts";
import { circuits } from "./circuits/index.ts";
import { curves } from "./curves/index.ts";
import { fft } from "./fft/index.ts";
import { fourier } from "./fourier/index.ts";
import type { Analysis } from "./kit/define.ts";
import { mechanism } from "./mechanism/index.ts";
import { neurons } from "./neurons/index.ts";
import { norms } from "./norms/index.ts";
import { omega } from "./omega/index.ts";
import { positional } from "./positional/index.ts";
import { primes } from "./primes/index.ts";
import { progress } from "./progress/index.ts";
import { svd } from "./svd/index.ts";

/** Every analysis, in the order of the report. */
export const ANALYSES: readonly Analysis[] = [
  positional,
  svd,
  fourier,
  fft,
  primes,
  neurons,
  attention,
  mechanism,
  circuits,
  omega,
  curves,
  norms,
  progress,
];
