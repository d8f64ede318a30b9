import { at } from "../../core/index.ts";
import { type Ablations, costsMoreLoss } from "./ablate.ts";

/** A group whose loss costs another task more than every random group of its size does. */
export interface CrossPair {
  readonly group: number;
  readonly task: number;
  readonly loss_gained: number;
}

/**
 * The pairs of a group and another group's task whose loss rises beyond the largest of the random groups', the largest first;
 * with how many pairs were looked at, and how many of them groups drawn at random would give at most.
 */
export function crossPairs(ablations: Ablations, tasks: readonly number[]): { pairs: CrossPair[]; of: number; expected: number } {
  const pairs: CrossPair[] = [];
  let [of, expected] = [0, 0];
  ablations.labels.forEach((group, i) => {
    const none = ablations.null[at(ablations.null_of, i)];
    if (none === undefined) return;
    tasks.forEach((task, h) => {
      if (task === group) return;
      of += 1;
      expected += 1 / (none.draws + 1);
      const loss_gained = at(ablations.loss_gained[i] ?? [], h);
      if (costsMoreLoss(loss_gained, at(none.loss_gained.largest, h))) pairs.push({ group, task, loss_gained });
    });
  });
  return { pairs: pairs.sort((a, b) => b.loss_gained - a.loss_gained), of, expected };
}
