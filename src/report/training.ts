import type { CurvesResult } from "../analyses/curves.ts";
import type { ClaimRun } from "./claim.ts";

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

/** The middle of a list (the lower of the two middle ones); undefined where it is empty. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.slice().sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

/** The paper's four simplest tasks, and whether a modulus is one of the others. */
export const SIMPLE: readonly number[] = [2, 3, 5, 7];
export const isHarder = (q: number) => !SIMPLE.includes(q);

/** Grok epochs of the heads that grok and are chosen. */
export function grokEpochs({ heads }: Training, chosen: (q: number) => boolean = () => true): number[] {
  return heads.filter(({ q }) => chosen(q)).flatMap(({ grok }) => grok ?? []);
}

/** Ranks from 1, ties at their mean. */
function ranks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal + 1) / 2;
  });
}

/** Spearman's rank correlation; 0 where one list is constant. */
export function spearman(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [ranks(a), ranks(b)];
  const centre = (a.length + 1) / 2;
  let [xy, xx, yy] = [0, 0, 0];
  x.forEach((rank, i) => {
    const [dx, dy] = [rank - centre, (y[i] ?? centre) - centre];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  });
  return xx * yy === 0 ? 0 : xy / Math.sqrt(xx * yy);
}

/** Runs of one list with the same p, width, learning rate, weight decay, init and training share as `run`. */
export function comparable(run: ClaimRun, others: readonly ClaimRun[]): ClaimRun[] {
  const { p, d_model, lr, weight_decay, init, train_fraction } = run.run.config;
  return others.filter(({ run: { config } }) => {
    const same = config.p === p && config.d_model === d_model && config.lr === lr;
    return same && config.weight_decay === weight_decay && config.init === init && config.train_fraction === train_fraction;
  });
}
