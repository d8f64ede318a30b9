import { ABLATION_CLAIMS } from "./ablations.ts";
import { ACCURACY_CLAIMS } from "./accuracy.ts";
import { ALGORITHM_CLAIMS } from "./algorithm.ts";
import { ATTENTION_CLAIMS } from "./attention.ts";
import { BEAT_CLAIMS } from "./beats.ts";
import { CIRCUIT_CLAIMS } from "./circuits.ts";
import type { Claim } from "./claim.ts";
import { CLOSED_FORM_CLAIMS } from "./closed-form.ts";
import { COURSE_CLAIMS } from "./course.ts";
import { FFT_CLAIMS, NANDA_NEURON_CLAIMS } from "./fft.ts";
import { FOURIER_CLAIMS } from "./fourier.ts";
import { MASKED_CLAIMS } from "./masked.ts";
import { MECHANISM_CLAIMS } from "./mechanism.ts";
import { NORMS_CLAIMS } from "./norms.ts";
import { OMEGA_CLAIMS } from "./omega.ts";
import { ORDER_CLAIMS } from "./order.ts";
import { PATCH_CLAIMS } from "./patch.ts";
import { POSITIONAL_CLAIMS } from "./positional.ts";
import { PRIMES_CLAIMS } from "./primes.ts";
import { PROGRESS_CLAIMS } from "./progress.ts";
import { SVD_CLAIMS } from "./svd.ts";

/** Every claim, in the order of the table: training, weights, activations, time, circuits, closed form; then Nanda et al. */
export const CLAIMS: readonly Claim[] = [
  ...ACCURACY_CLAIMS,
  ...ORDER_CLAIMS,
  ...ABLATION_CLAIMS,
  ...MASKED_CLAIMS,
  ...POSITIONAL_CLAIMS,
  ...SVD_CLAIMS,
  ...FOURIER_CLAIMS,
  ...FFT_CLAIMS,
  ...OMEGA_CLAIMS,
  ...NORMS_CLAIMS,
  ...ATTENTION_CLAIMS,
  ...PRIMES_CLAIMS,
  ...CIRCUIT_CLAIMS,
  ...CLOSED_FORM_CLAIMS,
  ...ALGORITHM_CLAIMS,
  ...BEAT_CLAIMS,
  ...PATCH_CLAIMS,
  ...COURSE_CLAIMS,
  ...MECHANISM_CLAIMS,
  ...NANDA_NEURON_CLAIMS,
  ...PROGRESS_CLAIMS,
];
