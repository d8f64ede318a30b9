import type { Analysis, OptionValues } from "../analyses/analysis.ts";
import { ensureFiniteJson, MiiiiError } from "../core/index.ts";
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

/** How analyses are run. */
export interface AnalyseOptions {
  readonly runtime: Runtime;
  /** Seeds the nulls. */
  readonly seed: number;
  /** Options given to the analyses; the rest have their defaults. */
  readonly options?: OptionValues;
  /** Told why an analysis has no outcome; without it, the first failure ends the work. */
  readonly onFailure?: (id: string, reason: string) => void;
  /** Told of each analysis before it is run. */
  readonly onStart?: (id: string) => void;
}

/** Why an analysis cannot look at a lone file. */
function needsRun(id: string, path: string): string {
  return `${id}: looks at a run over time and needs a run directory, got the file ${path}`;
}

/**
 * Runs analyses on one model, whose activations are computed once for all of them; the outcomes by the analyses' ids, in their
 * order.
 *
 * @throws kind `usage` where one looks at a run over time and the model is a lone file, unless failures are to be told.
 */
export async function analyseModel(
  analyses: readonly Analysis[],
  model: Model,
  { runtime, seed, options = {}, onFailure, onStart }: AnalyseOptions,
): Promise<Map<string, Outcome>> {
  const chosen = analyses.filter(({ id, needs }) => {
    if (canAnalyse(model, needs)) return true;
    const reason = needsRun(id, model.checkpoint.path);
    if (onFailure === undefined) throw new MiiiiError("usage", reason);
    onFailure(id, reason);
    return false;
  });
  const needs = [...new Set(chosen.flatMap((analysis) => analysis.needs))];
  const { onProgress, stop } = watcher();
  return withAnalysisInput(model, needs, { runtime, seed, onProgress }, async (input) => {
    const outcomes = new Map<string, Outcome>();
    for (const analysis of chosen) {
      onStart?.(analysis.id);
      try {
        const result = await analysis.run(input, { ...defaultOptions(analysis), ...options });
        const where = `${analysis.id} of ${model.label}`;
        ensureFiniteJson(result, where);
        const metrics = analysis.metrics(result);
        ensureFiniteJson(metrics, `metrics of ${where}`);
        outcomes.set(analysis.id, { model, metrics, result });
      } catch (error) {
        if (onFailure === undefined || !(error instanceof MiiiiError)) throw error;
        onFailure(analysis.id, error.message);
      } finally {
        stop();
      }
    }
    return outcomes;
  });
}
