import type { NdArray } from "../core/index.ts";
import type { CurriculumState } from "./curriculum.ts";
import type { PerParameter } from "./parameters.ts";

/**
 * Everything that a run needs to resume from an epoch exactly as it would have gone on, bit for bit. `W` is what its frequency
 * statistics under way look like: JSON where a file holds them.
 */
export interface TrainingState<W> {
  /** Completed epochs. */
  readonly epoch: number;
  readonly parameters: PerParameter<NdArray>;
  /** AdamW's first and second moments. */
  readonly m: PerParameter<NdArray>;
  readonly v: PerParameter<NdArray>;
  /** Grokfast's moving average; absent where it is off. */
  readonly ema?: PerParameter<NdArray>;
  /** The moving average of the weights; absent where none is kept. */
  readonly average?: PerParameter<NdArray>;
  /** Frequency statistics under way, which need epochs before and after them; absent where none are. */
  readonly window?: W;
  /** Where the schedule of tasks stands; absent where there is none, and before the first epoch. */
  readonly curriculum?: CurriculumState;
}
