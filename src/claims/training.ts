import { formatNumber } from "../core/index.ts";
import { mean } from "../math/index.ts";
import { type Absence, noResult } from "./absence.ts";
import { type Context, derived, type Measure } from "./claim.ts";
import type { Unit } from "./judged.ts";
import type { Result } from "./metrics.ts";
import { type AnalyzedRun, resultOf } from "./run.ts";

/** How one task's training went. */
export interface TaskTraining {
  readonly q: number;
  /** First epoch from which validation accuracy stays at 0.99 or above; undefined if none. */
  readonly grok: number | undefined;
  /** The same for training accuracy. */
  readonly memorised: number | undefined;
  readonly trainAccuracy: number;
  readonly validationAccuracy: number;
}

/** A run's training as `curves` tells it. */
export interface Training {
  /** Epochs trained. */
  readonly epochs: number;
  readonly tasks: readonly TaskTraining[];
  readonly curves: Result<"curves">;
}

/** The training of a run; undefined where `curves` has no result. */
export function trainingOf(run: AnalyzedRun): Training | undefined {
  const curves = resultOf(run, "curves");
  if (curves === undefined) return undefined;
  const tasks = curves.q.map((q, h) => ({
    q,
    grok: curves.grok_epoch[h] ?? undefined,
    memorised: curves.memorised_epoch[h] ?? undefined,
    trainAccuracy: curves.final.train_accuracy[h] ?? 0,
    validationAccuracy: curves.final.validation_accuracy[h] ?? 0,
  }));
  return { epochs: curves.epochs.at(-1) ?? 0, tasks, curves };
}

/** A value read off a run's training. */
export function trained(
  words: string,
  unit: Unit,
  read: (training: Training, run: AnalyzedRun, context: Context) => number | Absence,
): Measure {
  return derived(words, unit, (run, context) => {
    const training = trainingOf(run);
    return training === undefined ? noResult(run, "curves") : read(training, run, context);
  });
}

/** What a run had reached by an epoch. */
export interface Standing {
  /** The last logged epoch up to then. */
  readonly epoch: number;
  /** Tasks chosen, and those of them that had generalised. */
  readonly tasks: number;
  readonly generalised: number;
  /** Mean validation accuracy over the tasks chosen. */
  readonly accuracy: number;
}

/** What a run had reached by `epoch` on the tasks chosen; undefined where `curves` has no tick by then, or no such task. */
export function standingAt(run: AnalyzedRun, epoch: number, chosen: (q: number) => boolean): Standing | undefined {
  const result = resultOf(run, "curves");
  const tick = result?.epochs.findLastIndex((logged) => logged <= epoch) ?? -1;
  const tasks = (result?.q ?? []).flatMap((q, h) => (chosen(q) ? [h] : []));
  if (result === undefined || tick < 0 || tasks.length === 0) return undefined;
  return {
    epoch: result.epochs[tick] ?? 0,
    tasks: tasks.length,
    generalised: tasks.filter((h) => (result.grok_epoch[h] ?? Number.POSITIVE_INFINITY) <= epoch).length,
    accuracy: mean(tasks.map((h) => result.validation.accuracy[h]?.[tick] ?? 0)),
  };
}

/** Grok epochs of the tasks that grok and are chosen. */
export function grokEpochs({ tasks }: Training, chosen: (q: number) => boolean = () => true): number[] {
  return tasks.filter(({ q }) => chosen(q)).flatMap(({ grok }) => grok ?? []);
}

/** First logged epoch at which the mean validation accuracy over the tasks chosen is `limit` or above; undefined if none. */
export function meanReaches(
  { curves }: Training,
  limit: number,
  chosen: (q: number) => boolean = () => true,
): number | undefined {
  const tasks = curves.q.flatMap((q, h) => (chosen(q) ? [h] : []));
  if (tasks.length === 0) return undefined;
  const tick = curves.epochs.findIndex((_, i) => mean(tasks.map((h) => curves.validation.accuracy[h]?.[i] ?? 0)) >= limit);
  return curves.epochs[tick];
}

/** `2 (181), 3 (5600)`: tasks with their epochs. */
export const orderText = (
  order: readonly { readonly q: number; readonly grok: number }[],
  most: number,
  none = "no task generalises",
) =>
  order.length === 0
    ? none
    : order
        .slice(0, most)
        .map(({ q, grok }) => `${q} (${formatNumber(grok)})`)
        .join(", ");
