import { gridModel } from "../../src/activations/index.ts";
import { ANALYSES } from "../../src/analyses/index.ts";
import type { AnalysisInput, Series } from "../../src/analyses/kit/define.ts";
import { withAnalysisInput } from "../../src/api/analysis-input.ts";
import { analyzeModel } from "../../src/api/analyze.ts";
import type { Model } from "../../src/api/models.ts";
import { gridsOf, headMetrics, omegaRow } from "../../src/math/index.ts";
import { type Init, initParameters, type RunConfig } from "../../src/model/index.ts";
import type { Runtime } from "../../src/runtimes/index.ts";
import { makeSplit } from "../../src/tasks/index.ts";
import { presetConfig } from "../../src/train/index.ts";
import { CHECKED } from "./checks.ts";
import type { Counts } from "./rates.ts";

/** Which untrained model. */
export interface Setting {
  readonly p: number;
  readonly task: "miiii" | "nanda";
  readonly init: Init;
  readonly seed: number;
}

/** Sizes of the models: a null's level does not depend on them, its cost does. */
export function widthsOf(p: number): Pick<RunConfig, "d_model" | "n_heads" | "d_mlp"> {
  if (p > 53) return { d_model: 32, n_heads: 4, d_mlp: 4 };
  return p > 17 ? { d_model: 64, n_heads: 4, d_mlp: 32 } : { d_model: 32, n_heads: 4, d_mlp: 16 };
}

/** Analyses whose forward passes would take most of the time: they look at every third model, and at none beyond p = 29. */
const SLOW: readonly string[] = ["algorithm", "circuits", "patch"];
const hasSlow = ({ p, seed }: Setting) => p <= 29 && seed % 3 === 0;

/** A model before its first step, as `loadModel` gives a stored one. */
function untrained({ p, task, init, seed }: Setting): Model {
  const config = presetConfig(task, { p, init, seed, ...widthsOf(p) });
  return {
    label: `${task} ${seed}`,
    checkpoint: {
      path: `${task}-${p}-${init}-${seed}`,
      sha256: "",
      config,
      parameters: initParameters(config, seed),
      biases: [],
      epoch: 0,
      metadata: {},
    },
    split: makeSplit(p, config.train_fraction, seed),
  };
}

/** The model as a run of two ticks that changed nothing, for analyses over time. */
export async function standingStill(model: Model, input: AnalysisInput, runtime: Runtime): Promise<Series> {
  const { config, parameters } = model.checkpoint;
  const neurons = input.activations["blocks.0.mlp.hook_post"];
  const logits = input.activations.logits;
  const { split } = input;
  if (neurons === undefined || logits === undefined || split === undefined)
    throw new Error("calibration: needs neurons and logits");
  const part = (samples: Int32Array) => {
    const { loss, accuracy } = headMetrics(logits, input.targets, input.heads, samples);
    return { loss: [...loss], accuracy: [...accuracy] };
  };
  const metrics = { train: part(split.train), validation: part(split.validation), objective: 1, weight_norms: {} };
  const first = gridsOf(neurons).slice(0, 1);
  const row = await omegaRow(0, neurons, config, first, input.seed);
  const epochs = [0, 1];
  async function* models(...[names, wanted = epochs, samples]: Parameters<Series["models"]>) {
    const grid = await gridModel(runtime, config, parameters, names, samples && { samples });
    try {
      for (const epoch of wanted) yield { epoch, parameters, activations: await grid.run() };
    } finally {
      await grid.dispose();
    }
  }
  return {
    metrics: epochs.map((epoch) => ({ epoch, ...metrics })),
    omega: epochs.map((epoch) => ({ ...row, epoch })),
    checkpoints: epochs,
    models,
  };
}

/**
 * Counts of all checks in one untrained model, by the same code that `miiii analyze` runs.
 *
 * @param only The analyses wanted, where not all of them are.
 */
export async function countsOf(setting: Setting, runtime: Runtime, only?: readonly string[]): Promise<Counts> {
  const model = untrained(setting);
  const known = ANALYSES.filter(({ id }) => CHECKED.some((checked) => checked.id === id) && (only?.includes(id) ?? true));
  const overTime = known.filter(({ needs }) => needs.includes("series"));
  const chosen = known.filter((analysis) => !overTime.includes(analysis) && (!SLOW.includes(analysis.id) || hasSlow(setting)));
  const results = new Map<string, unknown>();
  const onFailure = (id: string, reason: string) => {
    // Analyses of one task refuse the other.
    if (!/addition|nanda/.test(reason)) throw new Error(`${id}: ${reason}`);
  };
  const { seed } = setting;
  for (const [id, { result }] of await analyzeModel(chosen, model, { runtime, seed, threads: 0, onFailure }))
    results.set(id, result);
  if (overTime.length > 0)
    await withAnalysisInput(model, ["blocks.0.mlp.hook_post", "logits"], { runtime, seed }, async (input) => {
      const series = await standingStill(model, input, runtime);
      for (const analysis of overTime) results.set(analysis.id, await analysis.run({ ...input, series }, {}));
    });
  const counts = CHECKED.flatMap(({ id, checks }) => {
    const result = results.get(id);
    if (result === undefined) return [];
    return checks.flatMap(({ name, count }) => {
      const own = count(result);
      return own === undefined ? [] : [[`${id}: ${name}`, own] as const];
    });
  });
  return Object.fromEntries(counts);
}
