import type { NdArray } from "../core/index.ts";

/** A change to the model before a forward pass; means are over all p² samples of the unchanged model. */
export interface Edits {
  /** Replace these neurons (after the ReLU) by their means. */
  readonly meanAblateNeurons?: readonly number[];
  /** Replace these attention heads' outputs by their means. */
  readonly meanAblateHeads?: readonly number[];
  /**
   * Replace the residual stream before the MLP by its mean over this digit (0: x0), the other digit as it is: nothing that
   * follows can read it.
   */
  readonly averageDigit?: 0 | 1;
  /** Replace the residual stream that passes the MLP by its mean: the logits then hear of the input from the neurons alone. */
  readonly meanAblateSkip?: boolean;
  /** Use this token embedding, [p+1, d_model], instead. */
  readonly W_E?: NdArray<"float64">;
}
