import { dim, ensure, float64, type NdArray } from "../core/index.ts";
import { type BiasName, type Edits, inFloat64, type ModelConfig, type Parameters } from "../model/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import type { TaskConfig } from "../tasks/index.ts";
import { activationsOf, everySample, type GridModel, gridModel } from "./activations.ts";

/** A model that takes edits; see {@link editableModel}. */
export interface EditableModel {
  /** Logits, [samples, classes], under `edits`; all p² samples where none are named. */
  readonly forward: (edits: Edits, samples?: Int32Array) => Promise<NdArray<"float64">>;
  readonly dispose: () => Promise<void>;
}

/** Mean over the first axis: [n, width…] → width values. */
function columnMeans(array: NdArray<"float64">): Float64Array {
  const n = dim(array, 0);
  const width = array.data.length / n;
  const means = new Float64Array(width);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < width; j++) means[j] = (means[j] as number) + (array.data[i * width + j] as number) / n;
  return means;
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

function ensureIndices(indices: readonly number[], limit: number, what: string): void {
  const bad = indices.find((i) => !Number.isInteger(i) || i < 0 || i >= limit);
  ensure(bad === undefined, "usage", () => `ablation: ${what} must be in 0..${limit - 1}, got ${bad}`);
}

/** A model that is run again and again with parts of it replaced, in float64. Call `dispose` when done. */
export async function editableModel(
  runtime: Runtime,
  config: TaskConfig & ModelConfig,
  parameters: Parameters,
): Promise<EditableModel> {
  const { d_model, d_head, d_mlp, n_heads, p } = config;
  const means = await activationsOf(runtime, config, parameters, ["blocks.0.attn.hook_z", "blocks.0.mlp.hook_post"]);
  const zMeans = columnMeans(means["blocks.0.attn.hook_z"] as NdArray<"float64">); // [head·d_head]
  const neuronMeans = columnMeans(means["blocks.0.mlp.hook_post"] as NdArray<"float64">); // [d_mlp]
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
  const modelFor = async (samples: Int32Array): Promise<GridModel> => {
    const known = models.get(samples);
    if (known) return known;
    const made = await gridModel(runtime, config, base, ["logits"], { samples });
    models.set(samples, made);
    return made;
  };
  return {
    async forward(edits, samples = all) {
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
      const { logits } = await (await modelFor(samples)).run(changes as Partial<Parameters>);
      return logits as NdArray<"float64">;
    },
    async dispose() {
      for (const model of models.values()) await model.dispose();
    },
  };
}
