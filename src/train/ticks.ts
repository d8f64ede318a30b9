/** Distinct whole numbers up to `limit`, spaced evenly in log2 with `perDoubling` to each doubling, from 1. */
function logSpaced(limit: number, perDoubling: number): number[] {
  const epochs = new Set<number>();
  for (let k = 0; ; k++) {
    const epoch = Math.round(2 ** (k / perDoubling));
    if (epoch > limit) return [...epochs];
    epochs.add(epoch);
  }
}

function every(limit: number, step: number): number[] {
  return Array.from({ length: Math.floor(limit / step) }, (_, i) => (i + 1) * step);
}

/** When a run of so many epochs is looked at. */
export interface Ticks {
  /** Metrics: log-spaced and regular, some 200 in a run, with the first and the last. */
  readonly metrics: ReadonlySet<number>;
  /** Frequency statistics: some 100, log-spaced. */
  readonly omega: ReadonlySet<number>;
  /** Checkpoints: the powers of two and every twentieth of the run, with the first and the last. */
  readonly checkpoints: ReadonlySet<number>;
}

/** The ticks of a run of `epochs` epochs. */
export function ticksOf(epochs: number): Ticks {
  return {
    metrics: new Set([0, ...logSpaced(epochs, 8), ...every(epochs, Math.max(1, Math.round(epochs / 100))), epochs]),
    omega: new Set(logSpaced(epochs - 1, 8)),
    checkpoints: new Set([0, ...logSpaced(epochs, 1), ...every(epochs, Math.max(1, Math.round(epochs / 20))), epochs]),
  };
}
