import { dim, ensure, float64, type NdArray } from "../core/index.ts";
import { type BiasName, type Edits, type ForwardOutput, inFloat64, type ModelConfig, type Parameters } from "../model/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import { headsOf, logitsOf, type TaskConfig } from "../tasks/index.ts";
import { activationsOf, everySample, type GridModel, gridModel } from "./activations.ts";
import { averageOverDigit, logitsOfStream } from "./after-attention.ts";
import { type RuntimeMatmul, runtimeMatmul } from "./matmul.ts";

/** A model that takes edits; see {@link editableModel}. */
export interface EditableModel {
  /** Logits, [samples, classes], under `edits`; all p² samples where none are named. */
  readonly forward: (edits: Edits, samples?: Int32Array) => Promise<NdArray<"float64">>;
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
 * Cuts input rows out of a linear map and adds what their means contribute to its bias: for what follows this is the same as replacing
 * those inputs by their means. `matrix` is [inputs, d_model] in row-major order, whatever its shape says.
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

/** Some rows of a matrix, in the order given. */
function rowsAt(matrix: NdArray<"float64">, indices: Int32Array): NdArray<"float64"> {
  const width = dim(matrix, 1);
  const out = new Float64Array(indices.length * width);
  indices.forEach((index, i) => {
    out.set(matrix.data.subarray(index * width, (index + 1) * width), i * width);
  });
  return float64(out, [indices.length, width]);
}

function ensureIndices(indices: readonly number[], limit: number, what: string): void {
  const bad = indices.find((i) => !Number.isInteger(i) || i < 0 || i >= limit);
  ensure(bad === undefined, "usage", () => `ablation: ${what} must be in 0..${limit - 1}, got ${bad}`);
}

/** What the logits of some samples are without edits, and how far each neuron is from its mean there. */
interface Unedited {
  readonly logits: NdArray<"float64">; // [samples, classes]
  readonly deviation: NdArray<"float64">; // [samples, d_mlp]
}

/**
 * Logits with some neurons at their means: less the neurons' deviations times what each adds to the logits, since everything after the neurons is
 * linear.
 *
 * @param readout W_out·W_U, [d_mlp, classes].
 */
async function withoutNeurons(
  { logits, deviation }: Unedited,
  readout: NdArray<"float64">,
  cut: readonly number[],
  { matmul }: RuntimeMatmul,
): Promise<NdArray<"float64">> {
  const [samples, width, classes] = [dim(deviation, 0), dim(deviation, 1), dim(readout, 1)];
  const [own, rows] = [new Float64Array(samples * cut.length), new Float64Array(cut.length * classes)];
  for (let i = 0; i < samples; i++) {
    for (let g = 0; g < cut.length; g++) own[i * cut.length + g] = deviation.data[i * width + (cut[g] as number)] as number;
  }
  cut.forEach((j, g) => {
    rows.set(readout.data.subarray(j * classes, (j + 1) * classes), g * classes);
  });
  const added = await matmul(float64(own, [samples, cut.length]), float64(rows, [cut.length, classes])); // [samples, classes]
  for (let i = 0; i < added.data.length; i++) added.data[i] = (logits.data[i] as number) - (added.data[i] as number);
  return added;
}

/**
 * A model that is run again and again with parts of it replaced, in float64. Call `dispose` when done.
 *
 * @param known activations over the grid, where they have been computed already.
 */
export async function editableModel(
  runtime: Runtime,
  config: TaskConfig & ModelConfig,
  parameters: Parameters,
  known: { readonly [name in ForwardOutput]?: NdArray<"float64"> } = {},
): Promise<EditableModel> {
  const { d_model, d_head, d_mlp, n_heads, p } = config;
  const wanted = (["blocks.0.attn.hook_z", "blocks.0.mlp.hook_post"] as const).filter((name) => known[name] === undefined);
  const means = { ...known, ...(await activationsOf(runtime, config, parameters, wanted)) };
  const zMeans = columnMeans(means["blocks.0.attn.hook_z"] as NdArray<"float64">); // [head·d_head]
  const neuronMeans = columnMeans(means["blocks.0.mlp.hook_post"] as NdArray<"float64">); // [d_mlp]
  const products = runtimeMatmul(runtime);
  let readout: Promise<NdArray<"float64">> | undefined;
  const stored = inFloat64(parameters);
  const bias = (name: BiasName) =>
    (stored[name] as NdArray<"float64"> | undefined) ?? float64(new Float64Array(d_model), [d_model]);
  const base: Parameters = {
    ...stored,
    "blocks.0.attn.b_O": bias("blocks.0.attn.b_O"),
    "blocks.0.mlp.b_out": bias("blocks.0.mlp.b_out"),
  };
  const all = everySample(p);
  const models = new Map<Int32Array, GridModel>();
  let streams: GridModel | undefined;
  let streamMeans: Float64Array | undefined;
  /** The residual stream before the MLP over the grid, [p², d_model]. */
  const streamOf = async (changes: Partial<Parameters>) => {
    streams ??= await gridModel(runtime, config, base, ["blocks.0.hook_resid_mid"]);
    return (await streams.run(changes))["blocks.0.hook_resid_mid"] as NdArray<"float64">;
  };
  const modelFor = async (samples: Int32Array): Promise<GridModel> => {
    const known = models.get(samples);
    if (known) return known;
    const made = await gridModel(runtime, config, base, ["logits"], { samples });
    models.set(samples, made);
    return made;
  };
  const unedited = new Map<Int32Array, Unedited>();
  const uneditedAt = async (samples: Int32Array): Promise<Unedited> => {
    const found = unedited.get(samples);
    if (found) return found;
    const model = await gridModel(runtime, config, base, ["logits", "blocks.0.mlp.hook_post"], { samples });
    const { logits, "blocks.0.mlp.hook_post": post } = await model.run();
    await model.dispose();
    const deviation = (post as NdArray<"float64">).data;
    for (let i = 0; i < deviation.length; i++) deviation[i] = (deviation[i] as number) - (neuronMeans[i % d_mlp] as number);
    const made = { logits: logits as NdArray<"float64">, deviation: float64(deviation, [samples.length, d_mlp]) };
    unedited.set(samples, made);
    return made;
  };
  const readoutMatrix = () => {
    const W_U = stored["unembed.W_U"] as NdArray<"float64">;
    readout ??= products.matmul(stored["blocks.0.mlp.W_out"] as NdArray<"float64">, firstColumns(W_U, logitsOf(headsOf(config))));
    return readout; // [d_mlp, classes]
  };
  return {
    async forward(edits, samples = all) {
      const { averageDigit, meanAblateSkip = false } = edits;
      const isLinear = averageDigit === undefined && !meanAblateSkip && !edits.meanAblateHeads?.length && edits.W_E === undefined;
      if (edits.meanAblateNeurons?.length && isLinear) {
        ensureIndices(edits.meanAblateNeurons, d_mlp, "neurons");
        return withoutNeurons(await uneditedAt(samples), await readoutMatrix(), edits.meanAblateNeurons, products);
      }
      const changes: Record<string, NdArray> = {};
      const neurons = edits.meanAblateNeurons ?? [];
      if (neurons.length > 0) {
        ensureIndices(neurons, d_mlp, "neurons");
        const W_out = base["blocks.0.mlp.W_out"] as NdArray<"float64">; // [d_mlp, d_model]
        const cut = cutRows(W_out, bias("blocks.0.mlp.b_out"), neuronMeans, neurons);
        changes["blocks.0.mlp.W_out"] = cut.matrix;
        changes["blocks.0.mlp.b_out"] = cut.bias;
      }
      const heads = edits.meanAblateHeads ?? [];
      if (heads.length > 0) {
        ensureIndices(heads, n_heads, "heads");
        const rows = heads.flatMap((head) => Array.from({ length: d_head }, (_, i) => head * d_head + i));
        const W_O = base["blocks.0.attn.W_O"] as NdArray<"float64">; // [head, d_head, d_model]
        const cut = cutRows(W_O, bias("blocks.0.attn.b_O"), zMeans, rows);
        changes["blocks.0.attn.W_O"] = cut.matrix;
        changes["blocks.0.attn.b_O"] = cut.bias;
      }
      if (edits.W_E) changes["embed.W_E"] = edits.W_E;
      if (averageDigit === undefined && !meanAblateSkip) {
        const { logits } = await (await modelFor(samples)).run(changes as Partial<Parameters>);
        return logits as NdArray<"float64">;
      }
      const stream = await streamOf(changes as Partial<Parameters>);
      if (meanAblateSkip) streamMeans ??= columnMeans(await streamOf({}));
      const read = averageDigit === undefined ? stream : averageOverDigit(stream, p, averageDigit);
      return logitsOfStream({ ...base, ...changes }, products.matmul, rowsAt(read, samples), {
        classes: logitsOf(headsOf(config)),
        ...(meanAblateSkip && streamMeans !== undefined ? { past: streamMeans } : {}),
      });
    },
    async dispose() {
      await streams?.dispose();
      for (const model of models.values()) await model.dispose();
      await products.dispose();
    },
  };
}
