import type { Claim } from "./claim.ts";
import { ADDITION_CLAIMS } from "./claims-addition.ts";
import { EMBEDDING_CLAIMS } from "./claims-embeddings.ts";
import { NEURON_CLAIMS } from "./claims-neurons.ts";

/** Every claim held against the runs, in the order of the table. */
export const CLAIMS: readonly Claim[] = [...EMBEDDING_CLAIMS, ...NEURON_CLAIMS, ...ADDITION_CLAIMS];
