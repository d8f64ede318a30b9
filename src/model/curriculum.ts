import type { RunConfig } from "./config.ts";

/** Where a schedule of tasks stands: all that its decisions so far leave behind. */
export interface CurriculumState {
  /** After which epoch each late task came in, in the order of `late_primes`; those beyond are still out. */
  readonly entered: readonly number[];
  /** The training loss of each task at the last decision, where weights follow it. */
  readonly losses?: readonly number[];
}

/** The late tasks that are not in the loss yet, by q. */
export function latePrimesOut(config: Pick<RunConfig, "late_primes">, state: CurriculumState | undefined): readonly number[] {
  return config.late_primes.slice(state?.entered.length ?? 0);
}
