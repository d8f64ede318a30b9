/** Mean cross-entropy in nats and accuracy per output head on one set of samples, without dropout. */
export interface Scores {
  readonly loss: readonly number[];
  readonly accuracy: readonly number[];
}

/** One line of a run's `metrics.jsonl`; lists over output heads are in order of q. */
export interface MetricsRow {
  /** Completed epochs; 0 is the initial state. */
  readonly epoch: number;
  /** Mean cross-entropy in nats and accuracy per output head on the training samples, without dropout. */
  readonly train: Scores;
  /** The same on the validation samples. */
  readonly validation: Scores;
  /** The weighted training loss (Eq. 12, Syrkis & Søgaard 2024, up to a constant), without dropout. */
  readonly objective: number;
  /** Weight of each task in the last step's loss, where a schedule changes it; 0 for tasks that are not in it yet. */
  readonly task_weights?: readonly number[];
  /** Scores of the moving average of the weights, where one is kept. */
  readonly average?: { readonly train: Scores; readonly validation: Scores };
  /** L2 norms per weight tensor of the last step's gradient, before and after Grokfast's filter; absent at epoch 0. */
  readonly gradient_norms?: Readonly<Record<string, number>>;
  readonly filtered_gradient_norms?: Readonly<Record<string, number>>;
  readonly weight_norms: Readonly<Record<string, number>>;
}
