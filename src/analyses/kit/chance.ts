import { ensure } from "../../core/index.ts";
import type { Head, Labels } from "../../tasks/index.ts";

/** What a model scores on an output head that ignores its input but knows how often each class occurs. */
export interface Chance {
  readonly accuracy: number;
  /** Cross-entropy in nats. */
  readonly loss: number;
}

/** Chance on a head: 1/q and ln q for remainders; the larger class's share and the entropy of the two for divisibility. */
export function chanceOf({ q }: Pick<Head, "q">, labels: Labels): Chance {
  if (labels === "remainder") return { accuracy: 1 / q, loss: Math.log(q) };
  const [divides, not] = [1 / q, 1 - 1 / q];
  return { accuracy: Math.max(divides, not), loss: -divides * Math.log(divides) - not * Math.log(not) };
}

/**
 * The smallest share k/n that a binomial variable of n trials stays at or below with probability `level` (exact). Throws for n <
 * 1: no trials have no share.
 */
export function binomialQuantile(n: number, probability: number, level: number): number {
  ensure(n >= 1, "input", () => `chance: trials must be at least 1, got ${n}`);
  // In logarithms: the first terms may lie below the smallest float.
  const odds = Math.log(probability) - Math.log1p(-probability);
  let log = n * Math.log1p(-probability);
  let cumulative = Math.exp(log);
  let k = 0;
  while (cumulative < level && k < n) {
    log += Math.log((n - k) / (k + 1)) + odds;
    cumulative += Math.exp(log);
    k++;
  }
  return k / n;
}

/**
 * Accuracies that guesses on n samples stay at or below in 99 % of cases, for all output heads together: each output head's
 * binomial quantile at 0.99^(1/heads).
 */
export function limitOfChance(accuracies: readonly number[], samples: number): number[] {
  const level = 0.99 ** (1 / accuracies.length);
  return accuracies.map((accuracy) => binomialQuantile(samples, accuracy, level));
}
