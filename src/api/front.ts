import type { AnalysisId, AnalysisResults } from "../analyses/registry.ts";
import { ANALYSES } from "../analyses/registry.ts";
import { MiiiiError } from "../core/index.ts";
import { type AnalyzeOptions, analyzeModel } from "./analyze.ts";
import { type LoadOptions, loadModel, type Model } from "./models.ts";
import { parseReferences } from "./references.ts";
import { openRuntime } from "./runtime-choice.ts";

/**
 * Reads a model: a checkpoint file of this project or from elsewhere (PyTorch, NumPy, safetensors), a run directory (its last
 * whole checkpoint, with its series over training), or the name of a shipped run.
 *
 * @param name - what `miiii analyze` takes: a path, a shipped run's name, or either with a label, `label=path`.
 * @throws MiiiiError (`io`) where nothing lies there; (`input`) where it is no model that this package can compute.
 * @example const model = await load("nanda"); console.log(model.checkpoint.config.p); // 113
 */
export async function load(name: string, options: LoadOptions = {}): Promise<Model> {
  const [reference, ...more] = parseReferences([name]);
  if (reference === undefined || more.length > 0) throw new MiiiiError("usage", `load: must name one model, got ${name}`);
  return loadModel(reference, options);
}

/**
 * Runs analyses on a model and gives their results by id, typed. Activations are computed once for all of them.
 *
 * @param ids - which analyses, such as `["fourier", "neurons"]`; see `ANALYSES`.
 * @throws MiiiiError (`usage`) for an unknown id, or for a series analysis of a lone file.
 * @example const { fourier } = await analyze(await load("nanda"), ["fourier"]); console.log(fourier.key_frequencies);
 */
export async function analyze<Id extends AnalysisId>(
  model: Model,
  ids: readonly Id[],
  options: Partial<AnalyzeOptions> = {},
): Promise<Pick<AnalysisResults, Id>> {
  const chosen = ids.map((id) => {
    const found = ANALYSES.find((analysis) => analysis.id === id);
    if (found === undefined)
      throw new MiiiiError("usage", `analysis ${id}: must be one of ${ANALYSES.map((a) => a.id).join(", ")}`);
    return found;
  });
  const runtime = options.runtime ?? (await openRuntime("onnx")).runtime;
  const outcomes = await analyzeModel(chosen, model, { ...options, runtime, seed: options.seed ?? 0 });
  const results = [...outcomes].map(([id, { result }]) => [id, result] as const);
  // Each analysis's own definition ties its id to its result's type.
  return Object.fromEntries(results) as Pick<AnalysisResults, Id>;
}
