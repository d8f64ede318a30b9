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
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return { mean, sd: Math.sqrt(variance), min: Math.min(...values), max: Math.max(...values), n: values.length };
}
