import { mean, variance } from "../../math/index.ts";

/** A metric over the runs of a group. */
export type Spread = {
  mean: number;
  /** Standard deviation, n − 1 in the denominator; 0 for a single run. */
  sd: number;
  min: number;
  max: number;
  /** Runs that have the metric. */
  n: number;
};

/** Mean and spread of a metric over runs that differ in their seed alone; there must be at least one. */
export function spread(values: readonly number[]): Spread {
  const n = values.length;
  return {
    mean: mean(values),
    sd: Math.sqrt((variance(values) * n) / Math.max(1, n - 1)),
    min: Math.min(...values),
    max: Math.max(...values),
    n,
  };
}
