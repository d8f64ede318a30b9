import type { NdArray } from "../core/index.ts";

/** A change to the model before a forward pass; means are over all p² samples of the unchanged model. */
export interface Edits {
  /** Replace these neurons (after the ReLU) by their means. */
  readonly meanAblateNeurons?: readonly number[];
  /** Replace these attention heads' outputs by their means. */
  readonly meanAblateHeads?: readonly number[];
  /** Use this token embedding, [p+1, d_model], instead. */
  readonly W_E?: NdArray<"float64">;
}
