import type { Analysis, OptionValues } from "../analyses/analysis.ts";
import { ensure, ensureFiniteJson } from "../core/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import { canAnalyse, withAnalysisInput } from "./analysis-input.ts";
import type { Outcome } from "./envelope.ts";
import type { Model } from "./models.ts";
import { createProgress, type Progress } from "./progress.ts";

/** The values that an analysis's options have where none are given. */
export function defaultOptions(analysis: Analysis): OptionValues {
  return Object.fromEntries(Object.entries(analysis.options).map(([name, spec]) => [name, spec.default]));
}

/** Shows the progress of long analyses, in a terminal only; each total begins a new bar. */
function watcher(): { readonly onProgress: (done: number, total: number) => void; readonly stop: () => void } {
  let current: { readonly total: number; readonly progress: Progress } | undefined;
  const stop = () => {
    current?.progress.stop();
    current = undefined;
  };
  const onProgress = (done: number, total: number) => {
    if (current?.total !== total) {
      stop();
      current = { total, progress: createProgress("step", total, { quiet: true }) };
    }
    current.progress.update(done);
    if (done >= total) stop();
  };
  return { onProgress, stop };
}

/**
 * Runs analyses on one model, whose activations are computed once for all of them; the outcomes by the analyses' ids, in their
 * order. Of several, those over time are left out for a lone file.
 *
 * @throws kind `usage` where the only one looks at a run over time and the model is a lone file.
 */
export async function analyseModel(
  analyses: readonly Analysis[],
  model: Model,
  { runtime, seed, options = {} }: { readonly runtime: Runtime; readonly seed: number; readonly options?: OptionValues },
): Promise<Map<string, Outcome>> {
  const chosen = analyses.filter(({ needs }) => canAnalyse(model, needs));
  ensure(
    chosen.length > 0,
    "usage",
    () => `${analyses[0]?.id}: looks at a run over time and needs a run directory, got the file ${model.checkpoint.path}`,
  );
  const needs = [...new Set(chosen.flatMap((analysis) => analysis.needs))];
  const { onProgress, stop } = watcher();
  return withAnalysisInput(model, needs, { runtime, seed, onProgress }, async (input) => {
    const outcomes = new Map<string, Outcome>();
    for (const analysis of chosen) {
      try {
        const result = await analysis.run(input, { ...defaultOptions(analysis), ...options });
        const where = `${analysis.id} of ${model.label}`;
        ensureFiniteJson(result, where);
        const metrics = analysis.metrics(result);
        ensureFiniteJson(metrics, `metrics of ${where}`);
        outcomes.set(analysis.id, { model, metrics, result });
      } finally {
        stop();
      }
    }
    return outcomes;
  });
}
