import type { Claim } from "./claim.ts";
import { ADDITION_CLAIMS } from "./claims-addition.ts";
import { CIRCUIT_CLAIMS, PROGRESS_CLAIMS } from "./claims-circuits.ts";
import { EMBEDDING_CLAIMS } from "./claims-embeddings.ts";
import { NEURON_CLAIMS } from "./claims-neurons.ts";
import { TIME_CLAIMS } from "./claims-time.ts";
import { TRAINING_CLAIMS } from "./claims-training.ts";

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
