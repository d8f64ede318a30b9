/** An epoch and when it was done, in milliseconds. */
export interface Observation {
  readonly at: number;
  readonly epoch: number;
}

/** How fast a run goes, and over how many seconds that was seen. */
export type Pace = { epochs_per_second: number; over_seconds: number };

/** Ticks that a pace is taken over: the last minute's, but at least the last five. */
const WINDOW_MS = 60_000;
const LEAST_TICKS = 5;

/** A pace over less than this tells nothing. */
const LEAST_MS = 2000;

/** Observations that matter from now on: those of the last minute, and the last five. */
export function recent(observations: readonly Observation[]): Observation[] {
  const now = observations.at(-1)?.at ?? 0;
  return observations.filter(({ at }, i) => now - at <= WINDOW_MS || i >= observations.length - LEAST_TICKS);
}

/**
 * The pace of training: from the ticks seen in the last minute, else from the stretch of training that the run's folder tells of,
 * else unknown.
 *
 * @param observations - ticks since the last start, ascending.
 */
export function paceOf(
  observations: readonly Observation[],
  stretch: { readonly from: number; readonly epoch: number; readonly seconds: number } | null,
): Pace | null {
  const seen = recent(observations);
  const [first, last] = [seen[0], seen.at(-1)];
  if (first !== undefined && last !== undefined && last.at - first.at >= LEAST_MS && last.epoch > first.epoch) {
    const over_seconds = (last.at - first.at) / 1000;
    return { epochs_per_second: (last.epoch - first.epoch) / over_seconds, over_seconds };
  }
  if (stretch === null || stretch.epoch <= stretch.from || stretch.seconds * 1000 < LEAST_MS) return null;
  return { epochs_per_second: (stretch.epoch - stretch.from) / stretch.seconds, over_seconds: stretch.seconds };
}
