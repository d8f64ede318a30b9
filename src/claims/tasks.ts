import type { AnalyzedRun } from "./run.ts";

/** The paper's four simplest tasks. */
export const SIMPLE: readonly number[] = [2, 3, 5, 7];

/** Whether a modulus is none of the four simplest. */
export const isHarder = (q: number) => !SIMPLE.includes(q);

/**
 * Moduli of the tasks that a run's schedule lets into the loss later than the others; empty where all are there from the
 * beginning.
 */
export const lateTasks = ({ late_primes }: AnalyzedRun["config"]): readonly number[] => late_primes ?? [];
