import type { Claim } from "./claim.ts";

/** Every claim held against the runs, in the order of the table. */
export const CLAIMS: readonly Claim[] = [];
