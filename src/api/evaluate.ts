import { activationsOf } from "../activations/index.ts";
import { chanceOf } from "../analyses/kit/chance.ts";
import type { StoredConfig } from "../checkpoint/index.ts";
import type { NdArray } from "../core/index.ts";
import { headMetrics, mean } from "../math/index.ts";
import type { Parameters } from "../model/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import { headsOf, makeDataset } from "../tasks/index.ts";
import type { Model } from "./models.ts";

/** The sets of samples that a model is evaluated on; without a known split, `all` alone. */
export type SplitName = "train" | "validation" | "test" | "all";

/** Accuracy and mean cross-entropy (nats) of one head by set of samples. */
export type HeadEvaluation = {
  q: number;
  classes: number;
  accuracy: { [name in SplitName]?: number };
  cross_entropy: { [name in SplitName]?: number };
};

/**
 * Mean over the heads in the loss, on all samples, of the accuracy; for divisibility labels, of the accuracy beyond that of always naming the larger
 * class, (accuracy − chance)/(1 − chance), since that alone is above 0.9 for most moduli.
 */
export async function scoreOf(config: StoredConfig, parameters: Parameters, runtime: Runtime): Promise<number> {
  const heads = headsOf(config);
  const { logits } = await activationsOf(runtime, config, parameters, ["logits"]);
  const { accuracy } = headMetrics(logits as NdArray, makeDataset(config, config.seed ?? 0).targets, heads);
  const scores = heads.flatMap((head, h) => {
    const chance = config.labels === "divisibility" ? chanceOf(head, config.labels).accuracy : 0;
    return head.active ? [((accuracy[h] as number) - chance) / (1 - chance)] : [];
  });
  return mean(scores);
}

/** Accuracy and cross-entropy of every head on every set of samples, computed in float64 without dropout. */
export async function evaluateModel(model: Model, runtime: Runtime): Promise<HeadEvaluation[]> {
  const { config, parameters } = model.checkpoint;
  const heads = headsOf(config);
  const { targets } = makeDataset(config, config.seed ?? 0);
  const { logits } = await activationsOf(runtime, config, parameters, ["logits"]);
  const { train, validation, test } = model.split ?? {};
  const sets = Object.entries({ train, validation, test, all: undefined }) as [SplitName, Int32Array | undefined][];
  const known = sets.filter(([name, rows]) => name === "all" || (rows !== undefined && rows.length > 0));
  const found = known.map(([name, rows]) => [name, headMetrics(logits as NdArray, targets, heads, rows)] as const);
  return heads.map(({ q, classes }, h) => ({
    q,
    classes,
    accuracy: Object.fromEntries(found.map(([name, { accuracy }]) => [name, accuracy[h] as number])),
    cross_entropy: Object.fromEntries(found.map(([name, { loss }]) => [name, loss[h] as number])),
  }));
}
