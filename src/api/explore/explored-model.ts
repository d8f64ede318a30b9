import { activationsOf, type EditableModel, editableModel, type RuntimeMatmul, runtimeMatmul } from "../../activations/index.ts";
import { withoutResidues } from "../../analyses/closed-form/dictionary.ts";
import { type FittedNeurons, fitNeurons } from "../../analyses/closed-form/neurons.ts";
import { readoutMatrix } from "../../analyses/closed-form/readout.ts";
import { assembled, type EmergenceResult, rowsOf, snapshot } from "../../analyses/emergence/compute.ts";
import { chanceOf } from "../../analyses/kit/chance.ts";
import type { AnalysisInput } from "../../analyses/kit/define.ts";
import type { NeuronsResult } from "../../analyses/neurons/compute.ts";
import { neurons as neuronsAnalysis } from "../../analyses/neurons/index.ts";
import { ANALYSES } from "../../analyses/registry.ts";
import { ensureOfRun, listCheckpoints, readCheckpoint } from "../../checkpoint/index.ts";
import { at, ensure, type Json, type NdArray } from "../../core/index.ts";
import { unknownName } from "../../core/nearest.ts";
import type { Runtime } from "../../runtimes/index.ts";
import { headsOf, makeDataset } from "../../tasks/index.ts";
import { analyzeModel } from "../analyze.ts";
import { evaluateModel, type HeadEvaluation } from "../evaluate.ts";
import type { OnNote } from "../foreign.ts";
import { type LoadOptions, loadModel, type Model } from "../models.ts";
import { shownPath } from "../output.ts";
import type { Reference } from "../references.ts";
import type { ResultCache } from "../result-cache.ts";
import { type Ablation, type AblationResult, ablation } from "./ablation.ts";
import { type NeuronLook, neuronLook } from "./neuron.ts";

/** A model at a glance: how well it does, and its neurons by task. */
export type ModelPicture = {
  label: string;
  /** Of the checkpoint; null where the file does not say. */
  epoch: number | null;
  sha256: string;
  config: AnalysisInput["config"];
  evaluation: HeadEvaluation[];
  chance: number[];
  /** As `emergence`, of this checkpoint alone; null where the task has no closed form. */
  emergence: EmergenceResult | null;
  /** Of the analysis `neurons`; null where there is none. */
  neurons: NeuronsResult | null;
  /** Why there is no closed form. */
  refusal: string | null;
};

/** How models are explored. */
export interface ExploreOptions {
  readonly runtime: Runtime;
  /** Seeds the nulls, as in `analyze`. */
  readonly seed: number;
  readonly load?: LoadOptions;
  readonly cache?: ResultCache | undefined;
  readonly onNote?: OnNote;
}

/** A run's model at one of its kept checkpoints, its training known. */
async function modelAt(reference: Reference, epoch: number | undefined, options: LoadOptions): Promise<Model> {
  const model = await loadModel(reference, options);
  const { run } = model;
  if (epoch === undefined || model.checkpoint.epoch === epoch) return model;
  ensure(run !== undefined, "usage", () => `${reference.label}: is one file, and has no checkpoint of epoch ${epoch}`);
  const kept = listCheckpoints(run);
  const found = kept.find((other) => other.epoch === epoch);
  ensure(
    found !== undefined,
    "usage",
    () => `${reference.label}: must have a checkpoint of epoch ${epoch}, has ${kept.map((other) => other.epoch).join(", ")}`,
  );
  const checkpoint = readCheckpoint(found.path);
  ensureOfRun(run, checkpoint);
  return { ...model, checkpoint: { ...checkpoint, path: shownPath(checkpoint.path) } };
}

/**
 * A model that is looked at from several sides: activations, fits and edited forward passes are computed when first asked for,
 * and kept. Call `dispose` when done.
 */
export class ExploredModel {
  readonly model: Model;
  readonly #options: ExploreOptions;
  readonly #heads;
  #pre: Promise<NdArray<"float64">> | undefined;
  #fitted: Promise<FittedNeurons | undefined> | undefined;
  #readout: Promise<NdArray<"float64">> | undefined;
  readonly #products: RuntimeMatmul;
  #editable: Promise<EditableModel> | undefined;
  #targets: NdArray<"int32"> | undefined;

  constructor(model: Model, options: ExploreOptions) {
    this.model = model;
    this.#options = options;
    this.#heads = headsOf(model.checkpoint.config);
    this.#products = runtimeMatmul(options.runtime);
  }

  /**
   * Reads the model that a reference names, at a kept checkpoint or the last.
   *
   * @throws kind `usage` where the run kept no checkpoint of that epoch.
   */
  static async open(reference: Reference, epoch: number | undefined, options: ExploreOptions): Promise<ExploredModel> {
    const note = options.onNote === undefined ? {} : { onNote: options.onNote };
    return new ExploredModel(await modelAt(reference, epoch, { ...options.load, ...note }), options);
  }

  get #config(): AnalysisInput["config"] {
    return this.model.checkpoint.config;
  }

  get #refusal(): string | undefined {
    return withoutResidues(this.#config);
  }

  #neuronsBefore(): Promise<NdArray<"float64">> {
    const name = "blocks.0.mlp.hook_pre";
    this.#pre ??= activationsOf(this.#options.runtime, this.#config, this.model.checkpoint.parameters, [name]).then(
      (found) => found[name] as NdArray<"float64">,
    );
    return this.#pre;
  }

  #fit(): Promise<FittedNeurons | undefined> {
    this.#fitted ??= this.#refusal === undefined ? this.#fitNow() : Promise.resolve(undefined);
    return this.#fitted;
  }

  async #fitNow(): Promise<FittedNeurons> {
    const input = { config: this.#config, heads: this.#heads, matmul: this.#products.matmul };
    return fitNeurons("explore", input, await this.#neuronsBefore());
  }

  get #chance(): number[] {
    return this.#heads.map((head) => chanceOf(head, this.#config.labels).accuracy);
  }

  /** How well it does, and its neurons by task. */
  async picture(onProgress?: (done: number, total: number) => void): Promise<ModelPicture> {
    const { label, checkpoint } = this.model;
    const { runtime } = this.#options;
    const evaluation = await evaluateModel(this.model, runtime);
    onProgress?.(1, 3);
    const refusal = this.#refusal;
    const beside = evaluation.map(({ accuracy }) => accuracy.validation ?? accuracy.all ?? 0);
    const emergence = await this.#emergence(beside);
    onProgress?.(2, 3);
    const neurons = refusal === undefined ? ((await this.analysis(neuronsAnalysis.id)) as NeuronsResult) : null;
    onProgress?.(3, 3);
    return {
      label,
      epoch: checkpoint.epoch ?? null,
      sha256: checkpoint.sha256,
      config: this.#config,
      evaluation,
      chance: this.#chance,
      emergence,
      neurons,
      refusal: refusal ?? null,
    };
  }

  /** As `emergence`, of this checkpoint alone. */
  async #emergence(accuracy: readonly number[]): Promise<EmergenceResult | null> {
    const fitted = await this.#fit();
    if (fitted === undefined) return null;
    const input = { config: this.#config, heads: this.#heads };
    const rows = rowsOf(input);
    const { epoch = 0 } = this.model.checkpoint;
    const found = await snapshot(rows, epoch, fitted.parts, this.#options.seed, this.#products.matmul);
    return assembled(input, rows, [found], () => accuracy);
  }

  /** One neuron. */
  async neuron(j: number): Promise<NeuronLook> {
    const { d_mlp } = this.#config;
    ensure(j >= 0 && j < d_mlp, "usage", () => `neuron: must be in 0..${d_mlp - 1}, got ${j}`);
    const { matmul } = this.#products;
    this.#readout ??= readoutMatrix(this.model.checkpoint.parameters, this.#heads, matmul);
    const [pre, readout, fitted] = [await this.#neuronsBefore(), await this.#readout, await this.#fit()];
    return neuronLook(j, { pre, readout, fitted, heads: this.#heads, matmul });
  }

  /** What happens to each task without parts of the model. */
  async ablation(what: Ablation, onProgress?: (done: number, total: number) => void): Promise<AblationResult> {
    const config = this.#config;
    const { runtime, seed } = this.#options;
    this.#editable ??= editableModel(runtime, config, this.model.checkpoint.parameters);
    this.#targets ??= makeDataset(config, config.seed ?? 0).targets;
    const { forward } = await this.#editable;
    const { split } = this.model;
    const fitted = await this.#fit();
    const input = { config, heads: this.#heads, targets: this.#targets, seed, split, fitted, forward, chance: this.#chance };
    return ablation({ ...input, onProgress }, what);
  }

  /** An analysis of this package at this checkpoint, with its defaults: as `analyze` gives it, and kept with the same results. */
  async analysis(id: string, onProgress?: (done: number, total: number) => void): Promise<Json> {
    const analysis = ANALYSES.find((other) => other.id === id);
    if (analysis === undefined)
      throw unknownName(
        "analysis",
        id,
        ANALYSES.map((other) => other.id),
      );
    const { runtime, seed, cache, onNote } = this.#options;
    const found = await analyzeModel([analysis], this.model, {
      runtime,
      seed,
      threads: 0,
      ...(cache === undefined ? {} : { cache }),
      ...(onNote === undefined ? {} : { onNote }),
      ...(onProgress === undefined ? {} : { onProgress: (_, done, total) => onProgress(done, total) }),
    });
    return at([...found.values()], 0).result;
  }

  /** Frees what it holds. */
  async dispose(): Promise<void> {
    await (await this.#editable)?.dispose();
    await this.#products.dispose();
    this.#editable = undefined;
    this.#pre = undefined;
    this.#fitted = undefined;
  }
}
