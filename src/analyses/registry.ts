import type { Analysis } from "./analysis.ts";
import { fft } from "./fft.ts";
import { fourier } from "./fourier.ts";
import { mechanism } from "./mechanism.ts";
import { omega } from "./omega.ts";
import { positional } from "./positional.ts";
import { svd } from "./svd.ts";

/** Every analysis, in the order of the report. */
export const ANALYSES: readonly Analysis[] = [positional, svd, fourier, fft, omega, mechanism];
