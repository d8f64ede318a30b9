import type { Analysis } from "./analysis.ts";
import { mechanism } from "./mechanism.ts";
import { positional } from "./positional.ts";
import { svd } from "./svd.ts";

/** Every analysis, in the order of the report. */
export const ANALYSES: readonly Analysis[] = [positional, svd, mechanism];
