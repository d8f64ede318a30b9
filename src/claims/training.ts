import type { CurvesResult } from "../analyses/curves/compute.ts";
import { mean } from "../math/index.ts";
import type { ClaimRun } from "./run.ts";
import { sameSettings } from "./settings.ts";

/** How one head's training went. */
export interface HeadTraining {
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
  readonly heads: readonly HeadTraining[];
}

/** The training of a run; undefined where `curves` has no result. */
export function trainingOf(run: ClaimRun): Training | undefined {
  const result = run.result("curves") as CurvesResult | undefined;
  if (result === undefined) return undefined;
  const heads = result.q.map((q, h) => ({
    q,
    grok: result.grok_epoch[h] ?? undefined,
    memorised: result.memorised_epoch[h] ?? undefined,
    trainAccuracy: result.final.train_accuracy[h] ?? 0,
    validationAccuracy: result.final.validation_accuracy[h] ?? 0,
  }));
  return { epochs: result.epochs.at(-1) ?? 0, heads };
}

/** What a run had reached by an epoch. */
export interface Standing {
  /** The last logged epoch up to then. */
  readonly epoch: number;
  /** Heads chosen, and those of them that had generalised. */
  readonly heads: number;
  readonly generalised: number;
  /** Mean validation accuracy over the heads chosen. */
  readonly accuracy: number;
}

/** What a run had reached by `epoch` on the heads chosen; undefined where `curves` has no tick by then, or no such head. */
export function standingAt(run: ClaimRun, epoch: number, chosen: (q: number) => boolean): Standing | undefined {
  const result = run.result("curves") as CurvesResult | undefined;
  const tick = result?.epochs.findLastIndex((logged) => logged <= epoch) ?? -1;
  const heads = (result?.q ?? []).flatMap((q, h) => (chosen(q) ? [h] : []));
  if (result === undefined || tick < 0 || heads.length === 0) return undefined;
  return {
    epoch: result.epochs[tick] ?? 0,
    heads: heads.length,
    generalised: heads.filter((h) => (result.grok_epoch[h] ?? Number.POSITIVE_INFINITY) <= epoch).length,
    accuracy: mean(heads.map((h) => result.validation.accuracy[h]?.[tick] ?? 0)),
  };
}

/** The paper's four simplest tasks, and whether a modulus is one of the others. */
export const SIMPLE: readonly number[] = [2, 3, 5, 7];
export const isHarder = (q: number) => !SIMPLE.includes(q);

/** Grok epochs of the heads that grok and are chosen. */
export function grokEpochs({ heads }: Training, chosen: (q: number) => boolean = () => true): number[] {
  return heads.filter(({ q }) => chosen(q)).flatMap(({ grok }) => grok ?? []);
}

/** Runs among `others` with the settings of an ablation but for what it changes, seed and length. */
export function comparable(ablation: ClaimRun, others: readonly ClaimRun[]): ClaimRun[] {
  return others.filter(({ run }) => sameSettings(ablation.run.config, run.config));
}
