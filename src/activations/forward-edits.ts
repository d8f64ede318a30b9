import { dim, ensure, float64, type NdArray, rowsAt } from "../core/index.ts";
import {
  type BiasName,
  type Edits,
  type ForwardOutput,
  inFloat64,
  type ModelConfig,
  type ParameterName,
  type Parameters,
} from "../model/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import { headsOf, logitsOf, type TaskConfig } from "../tasks/index.ts";
import { activationsOf, everySample, type GridModel, gridModel } from "./activations.ts";
import { averageOverDigit, logitsOfStream } from "./after-attention.ts";
import { DrawScorer, type DrawScores, type Scored, type Unedited } from "./draw-scores.ts";
import { type RuntimeMatmul, runtimeMatmul } from "./matmul.ts";

/** A model that takes edits; see {@link editableModel}. */
export interface EditableModel {
  /**
   * Logits, [samples, classes], under `edits`; all p² samples where none are named. They are written to the memory of `into`, of
   * as many numbers or more, where that is given.
   */
  readonly forward: (edits: Edits, samples?: Int32Array, into?: Float64Array) => Promise<NdArray<"float64">>;
  /**
   * What the output heads score under another W_E or with some neurons at their means, for draws of a null: answers as in double
   * precision, losses to about six digits. Undefined for other edits, for more samples than fit into memory, and where single
   * precision decides too few samples.
   */
  readonly drawScores: (edits: Edits, scored: Scored) => Promise<DrawScores | undefined>;
  readonly dispose: () => Promise<void>;
}

/** The first columns of a matrix: an extra '=' class goes. */
function firstColumns(matrix: NdArray<"float64">, count: number): NdArray<"float64"> {
  const [n, width] = [dim(matrix, 0), dim(matrix, 1)];
  if (width === count) return matrix;
  const out = new Float64Array(n * count);
  for (let i = 0; i < n; i++) out.set(matrix.data.subarray(i * width, i * width + count), i * count);
  return float64(out, [n, count]);
}

/** Mean over the first axis: [n, width…] → width values. */
function columnMeans(array: NdArray<"float64">): Float64Array {
  const n = dim(array, 0);
  const width = array.data.length / n;
  const sums = new Float64Array(width);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < width; j++) sums[j] = (sums[j] as number) + (array.data[i * width + j] as number);
  return sums.map((sum) => sum / n);
}

/**
 * Cuts input rows out of a linear map and adds what their means contribute to its bias: for what follows this is the same as
 * replacing those inputs by their means. `matrix` is [inputs, d_model] in row-major order, whatever its shape says.
 */
function cutRows(
  matrix: NdArray<"float64">,
  bias: NdArray<"float64">,
  means: Float64Array,
  cut: readonly number[],
): { matrix: NdArray<"float64">; bias: NdArray<"float64"> } {
  const width = bias.data.length;
  const weights = matrix.data.slice();
  const shift = bias.data.slice();
  for (const row of cut) {
    const mean = means[row] as number;
    for (let j = 0; j < width; j++) shift[j] = (shift[j] as number) + mean * (weights[row * width + j] as number);
    weights.fill(0, row * width, (row + 1) * width);
  }
  return { matrix: { ...matrix, data: weights }, bias: { ...bias, data: shift } };
}

function ensureIndices(indices: readonly number[], limit: number, what: string): void {
  const bad = indices.find((i) => !Number.isInteger(i) || i < 0 || i >= limit);
  ensure(bad === undefined, "usage", () => `ablation: ${what} must be in 0..${limit - 1}, got ${bad}`);
}

/**
 * Logits with some neurons at their means: less the neurons' deviations times what each adds to the logits, since everything
 * after the neurons is linear.
 *
 * @param readout W_out·W_U, [d_mlp, classes].
 */
async function withoutNeurons(
  { logits, deviation }: Unedited,
  readout: NdArray<"float64">,
  cut: readonly number[],
  { matmul }: RuntimeMatmul,
  into: Float64Array | undefined,
): Promise<NdArray<"float64">> {
  const [samples, width, classes] = [dim(deviation, 0), dim(deviation, 1), dim(readout, 1)];
  const [own, rows] = [new Float64Array(samples * cut.length), new Float64Array(cut.length * classes)];
  for (let i = 0; i < samples; i++) {
    for (let g = 0; g < cut.length; g++) own[i * cut.length + g] = deviation.data[i * width + (cut[g] as number)] as number;
  }
  cut.forEach((j, g) => {
    rows.set(readout.data.subarray(j * classes, (j + 1) * classes), g * classes);
  });
  const added = await matmul(float64(own, [samples, cut.length]), float64(rows, [cut.length, classes]), into); // [samples, classes]
  for (let i = 0; i < added.data.length; i++) added.data[i] = (logits.data[i] as number) - (added.data[i] as number);
  return added;
}

/** Samples that are computed at a time where there are few. */
const FEW = 64;

type Model = { readonly runtime: Runtime; readonly config: TaskConfig & ModelConfig; readonly parameters: Parameters };

/** What a model's z and neurons are on average over the grid. */
interface Means {
  readonly z: Float64Array; // [head·d_head]
  readonly neurons: Float64Array; // [d_mlp]
}

/** The programs of {@link editableModel}, each compiled when it is first needed. */
class Editable implements EditableModel {
  readonly #runtime: Runtime;
  readonly #config: TaskConfig & ModelConfig;
  readonly #stored: Parameters;
  /** The stored tensors in float64, with the biases that edits change. */
  readonly #base: Parameters;
  readonly #means: Means;
  readonly #products: RuntimeMatmul;
  readonly #all: Int32Array;
  readonly #models = new Map<Int32Array, GridModel>();
  readonly #unedited = new Map<Int32Array, Unedited>();
  #readout: Promise<NdArray<"float64">> | undefined;
  #scorer: { readonly samples: Int32Array; readonly scorer: DrawScorer } | undefined;
  #streams: GridModel | undefined;
  #few: GridModel | undefined;
  #streamMeans: Float64Array | undefined;

  constructor({ runtime, config, parameters }: Model, means: Means) {
    this.#runtime = runtime;
    this.#config = config;
    this.#means = means;
    this.#products = runtimeMatmul(runtime);
    this.#all = everySample(config.p);
    this.#stored = parameters;
    const stored = inFloat64(parameters);
    const none = float64(new Float64Array(config.d_model), [config.d_model]);
    this.#base = { "blocks.0.attn.b_O": none, "blocks.0.mlp.b_out": none, ...stored };
  }

  #tensor(name: ParameterName | BiasName): NdArray<"float64"> {
    return this.#base[name] as NdArray<"float64">;
  }

  #classes(): number {
    return logitsOf(headsOf(this.#config));
  }

  /** The residual stream before the MLP over the grid, [p², d_model]. */
  async #streamOf(changes: Partial<Parameters>): Promise<NdArray<"float64">> {
    this.#streams ??= await gridModel(this.#runtime, this.#config, this.#base, ["blocks.0.hook_resid_mid"]);
    return (await this.#streams.run(changes))["blocks.0.hook_resid_mid"] as NdArray<"float64">;
  }

  async #logits(changes: Partial<Parameters>, samples: Int32Array, into: Float64Array | undefined): Promise<NdArray<"float64">> {
    const model =
      this.#models.get(samples) ?? (await gridModel(this.#runtime, this.#config, this.#base, ["logits"], { samples }));
    this.#models.set(samples, model);
    const shape = [samples.length, this.#classes()];
    const places = into === undefined ? {} : { logits: float64(into.subarray(0, samples.length * this.#classes()), shape) };
    return (await model.run(changes, places)).logits as NdArray<"float64">;
  }

  async #uneditedAt(samples: Int32Array): Promise<Unedited> {
    const found = this.#unedited.get(samples);
    if (found) return found;
    const names = ["logits", "blocks.0.mlp.hook_post"] as const;
    const model = await gridModel(this.#runtime, this.#config, this.#base, names, { samples });
    const { logits, "blocks.0.mlp.hook_post": post } = await model.run();
    await model.dispose();
    const { d_mlp } = this.#config;
    const deviation = (post as NdArray<"float64">).data;
    for (let i = 0; i < deviation.length; i++)
      deviation[i] = (deviation[i] as number) - (this.#means.neurons[i % d_mlp] as number);
    const made = { logits: logits as NdArray<"float64">, deviation: float64(deviation, [samples.length, d_mlp]) };
    this.#unedited.set(samples, made);
    return made;
  }

  /** W_out·W_U, [d_mlp, classes]. */
  #readoutMatrix(): Promise<NdArray<"float64">> {
    const W_U = () => firstColumns(this.#tensor("unembed.W_U"), this.#classes()); // [d_model, classes]
    this.#readout ??= this.#products.matmul(this.#tensor("blocks.0.mlp.W_out"), W_U());
    return this.#readout;
  }

  /** The tensors that edits put into the stored ones' place. */
  #changesOf({ meanAblateNeurons: neurons = [], meanAblateHeads: heads = [], W_E }: Edits): Partial<Parameters> {
    const { d_head, d_mlp, n_heads } = this.#config;
    const changes: Record<string, NdArray> = {};
    if (neurons.length > 0) {
      ensureIndices(neurons, d_mlp, "neurons");
      const W_out = this.#tensor("blocks.0.mlp.W_out"); // [d_mlp, d_model]
      const cut = cutRows(W_out, this.#tensor("blocks.0.mlp.b_out"), this.#means.neurons, neurons);
      changes["blocks.0.mlp.W_out"] = cut.matrix;
      changes["blocks.0.mlp.b_out"] = cut.bias;
    }
    if (heads.length > 0) {
      ensureIndices(heads, n_heads, "heads");
      const rows = heads.flatMap((head) => Array.from({ length: d_head }, (_, i) => head * d_head + i));
      const W_O = this.#tensor("blocks.0.attn.W_O"); // [head, d_head, d_model]
      const cut = cutRows(W_O, this.#tensor("blocks.0.attn.b_O"), this.#means.z, rows);
      changes["blocks.0.attn.W_O"] = cut.matrix;
      changes["blocks.0.attn.b_O"] = cut.bias;
    }
    if (W_E) changes["embed.W_E"] = W_E;
    return changes as Partial<Parameters>;
  }

  async forward(edits: Edits, samples: Int32Array = this.#all, into?: Float64Array): Promise<NdArray<"float64">> {
    const { averageDigit, meanAblateSkip = false } = edits;
    const isStreamEdited = averageDigit !== undefined || meanAblateSkip;
    if (edits.meanAblateNeurons?.length && !isStreamEdited && !edits.meanAblateHeads?.length && edits.W_E === undefined) {
      ensureIndices(edits.meanAblateNeurons, this.#config.d_mlp, "neurons");
      const unedited = await this.#uneditedAt(samples);
      return withoutNeurons(unedited, await this.#readoutMatrix(), edits.meanAblateNeurons, this.#products, into);
    }
    const changes = this.#changesOf(edits);
    if (!isStreamEdited) return this.#logits(changes, samples, into);
    const stream = await this.#streamOf(changes);
    if (meanAblateSkip) this.#streamMeans ??= columnMeans(await this.#streamOf({}));
    const read = averageDigit === undefined ? stream : averageOverDigit(stream, this.#config.p, averageDigit);
    return logitsOfStream({ ...this.#base, ...changes }, this.#products.matmul, rowsAt(read, samples), {
      classes: this.#classes(),
      ...(meanAblateSkip && this.#streamMeans !== undefined ? { past: this.#streamMeans } : {}),
    });
  }

  /** Logits under edits of weights at a few samples, by a program that takes a few at a time. */
  async #logitsOfFew(edits: Edits, samples: Int32Array): Promise<NdArray<"float64">> {
    const first = this.#all.subarray(0, FEW);
    this.#few ??= await gridModel(this.#runtime, this.#config, this.#base, ["logits"], { samples: first });
    const { logits } = await this.#few.run(this.#changesOf(edits), {}, samples);
    return logits as NdArray<"float64">;
  }

  async drawScores(edits: Edits, scored: Scored): Promise<DrawScores | undefined> {
    if (!DrawScorer.takes(scored, this.#config)) return undefined;
    const { samples } = scored;
    if (this.#scorer?.samples !== samples) {
      await this.#scorer?.scorer.dispose();
      const model = { config: this.#config, parameters: this.#stored };
      const unedited = async () => ({ unedited: await this.#uneditedAt(samples), readout: await this.#readoutMatrix() });
      const logits = (changed: Edits, some: Int32Array) => this.#logitsOfFew(changed, some);
      this.#scorer = { samples, scorer: new DrawScorer(this.#runtime, model, scored, { unedited, logits }) };
    }
    return this.#scorer.scorer.scores(edits);
  }

  async dispose(): Promise<void> {
    await this.#scorer?.scorer.dispose();
    await this.#streams?.dispose();
    await this.#few?.dispose();
    for (const model of this.#models.values()) await model.dispose();
    await this.#products.dispose();
  }
}

/**
 * A model that is run again and again with parts of it replaced, in float64. Call `dispose` when done.
 *
 * @param known activations over the grid, where they have been computed already.
 * @example
 * const { checkpoint } = await load("nanda");
 * const model = await editableModel(onnxRuntime(), checkpoint.config, checkpoint.parameters);
 * const logits = await model.forward({ meanAblateNeurons: [0, 1, 2] }); // [p², classes]
 * await model.dispose();
 */
export async function editableModel(
  runtime: Runtime,
  config: TaskConfig & ModelConfig,
  parameters: Parameters,
  known: { readonly [name in ForwardOutput]?: NdArray<"float64"> } = {},
): Promise<EditableModel> {
  const wanted = (["blocks.0.attn.hook_z", "blocks.0.mlp.hook_post"] as const).filter((name) => known[name] === undefined);
  const over = { ...known, ...(await activationsOf(runtime, config, parameters, wanted)) };
  const means = {
    z: columnMeans(over["blocks.0.attn.hook_z"] as NdArray<"float64">),
    neurons: columnMeans(over["blocks.0.mlp.hook_post"] as NdArray<"float64">),
  };
  const model = new Editable({ runtime, config, parameters }, means);
  return {
    forward: (edits, samples, into) => model.forward(edits, samples, into),
    drawScores: (edits, scored) => model.drawScores(edits, scored),
    dispose: () => model.dispose(),
  };
}
