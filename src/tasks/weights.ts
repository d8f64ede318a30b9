import { float64, type NdArray } from "../core/index.ts";
import type { Head } from "./task.ts";

/** Entropy in nats of a task's labels over uniform samples: ln q, or H(1/q) where they say whether q divides n. */
export function labelEntropy({ q, classes }: Pick<Head, "q" | "classes">): number {
  if (classes === q) return Math.log(q);
  return Math.log(q) / q - (1 - 1 / q) * Math.log1p(-1 / q);
}

/** How heavily each task stands in the loss. */
export interface TaskWeighting {
  /**
   * A task whose labels have entropy h weighs h^exponent; −1, the default, is Eq. 12 of Syrkis & Søgaard 2024 up to a constant.
   */
  readonly exponent?: number;
  /** Which tasks are in the loss, by number; the `active` ones where absent. */
  readonly trained?: readonly boolean[];
  /** Each task's loss in nats, to whose share of h, within [0.001, 1], a task weighs by the power `lossPower`. */
  readonly losses?: ArrayLike<number>;
  readonly lossPower?: number;
}

/** A finished task's loss counts as this share of chance, so that it is never dropped. */
const LEAST_LOSS = 1e-3;

/**
 * Weight of each task in the loss, [tasks]; 0 for those that are not in it. They are scaled so that without `losses` a model at
 * chance has the loss 1: 1/(tasks · ln q) by default. A model of one task has plain cross-entropy.
 */
export function headWeights(heads: readonly Head[], weighting: TaskWeighting = {}): NdArray<"float64"> {
  const { exponent = -1, trained, losses, lossPower = 0 } = weighting;
  const isTrained = (head: Head, h: number) => trained?.[h] ?? head.active;
  const demand = (head: Head, h: number) => {
    const share = losses === undefined ? 1 : (losses[h] as number) / labelEntropy(head);
    return Math.min(1, Math.max(LEAST_LOSS, share)) ** lossPower;
  };
  const total = heads.reduce(
    (sum, head, h) => sum + (isTrained(head, h) ? labelEntropy(head) ** (exponent + 1) * demand(head, h) : 0),
    0,
  );
  const weight = (head: Head, h: number) => demand(head, h) / (total * labelEntropy(head) ** -exponent);
  return float64(
    heads.map((head, h) => (isTrained(head, h) ? (heads.length === 1 ? 1 : weight(head, h)) : 0)),
    [heads.length],
  );
}
