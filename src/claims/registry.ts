import { ADDITION_CLAIMS } from "./addition.ts";
import { CIRCUIT_CLAIMS, PROGRESS_CLAIMS } from "./circuits.ts";
import type { Claim } from "./claim.ts";
import { EMBEDDING_CLAIMS } from "./embeddings.ts";
import { NEURON_CLAIMS } from "./neurons.ts";
import { TRAINING_CLAIMS } from "./recipe.ts";
import { TIME_CLAIMS } from "./time.ts";

/** Every claim held against the runs, in the order of the table: training, weights, activations, time, circuits; then Nanda et al. */
export const CLAIMS: readonly Claim[] = [
  ...TRAINING_CLAIMS,
  ...EMBEDDING_CLAIMS,
  ...NEURON_CLAIMS,
  ...TIME_CLAIMS,
  ...CIRCUIT_CLAIMS,
  ...ADDITION_CLAIMS,
  ...PROGRESS_CLAIMS,
];
