import { availableParallelism } from "node:os";
import { type Analysis, type AnalysisInput, completeOptions, metricsOf, type OptionValues } from "../analyses/kit/define.ts";
import { ensureFiniteJson, type Json, MiiiiError } from "../core/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import { canAnalyze, withAnalysisInput } from "./analysis-input.ts";
import { ANALYSIS_WORKER, type AnalysisPool, analysisPool } from "./analysis-pool.ts";
import type { Outcome } from "./envelope.ts";
import type { OnNote } from "./foreign.ts";
import type { Model } from "./models.ts";
import type { ResultCache } from "./result-cache.ts";

/** How analyses are run. */
export interface AnalyzeOptions {
  readonly runtime: Runtime;
  /** Seeds the nulls. */
  readonly seed: number;
  /** Options given to the analyses; the rest have their defaults. */
  readonly options?: OptionValues;
  /** Called with the reason why an analysis has no outcome; without it, the first failure ends the work. */
  readonly onFailure?: (id: string, reason: string) => void;
  /** Called with each analysis when it begins; in threads of their own, several are under way at once and in no fixed order. */
  readonly onStart?: (id: string) => void;
  /** Called with (done, total) of an analysis that runs in this thread; each total begins anew. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Called with remarks on how files were read. */
  readonly onNote?: OnNote;
  /** Threads for analyses of one large model; as many as there are cores, at most 4. Results do not depend on it; 0: none. */
  readonly threads?: number;
  /** Where results are kept between calls; computed anew each time where left out. */
  readonly cache?: ResultCache | undefined;
  /** The module that those threads run. */
  readonly worker?: URL | undefined;
}

/** Why an analysis cannot look at a lone file. */
function needsRun(id: string, path: string): string {
  return `${id}: needs a training series: give a run directory, got the file ${path}`;
}

/** Whether an analysis needs nothing that reaches beyond a thread: neither files nor a runtime. */
function isSelfContained({ needs }: Analysis): boolean {
  return !needs.includes("series") && !needs.includes("forward") && !needs.includes("matmul");
}

/** What a self-contained analysis is given in another thread: arrays, and of the activations only its own. */
function inputFor(
  { needs }: Analysis,
  { series: _, forward: __, matmul: ___, onProgress: ____, activations, ...rest }: AnalysisInput,
) {
  const own = Object.entries(activations).filter(([name]) => (needs as readonly string[]).includes(name));
  return { ...rest, activations: Object.fromEntries(own) as AnalysisInput["activations"] };
}

/** Entries of the activations that an analysis reads: what its work grows with. */
function workOf(analysis: Analysis, input: AnalysisInput): number {
  return Object.values(inputFor(analysis, input).activations).reduce((sum, { data }) => sum + data.length, 0);
}

/** Below so many activations a model's analyses are done before threads have started. */
const WORTH_THREADS = 2 ** 21;

const MOST_THREADS = 4;

/** Threads for the self-contained among the analyses, where there are several and the model is large. */
function poolFor(
  analyses: readonly Analysis[],
  model: Model,
  { threads, worker = ANALYSIS_WORKER }: AnalyzeOptions,
): AnalysisPool | undefined {
  const { p, d_mlp } = model.checkpoint.config;
  const tasks = analyses.filter(isSelfContained).length;
  const count = Math.min(threads ?? Math.min(availableParallelism(), MOST_THREADS), tasks);
  const worthwhile = tasks > 1 && p * p * d_mlp >= WORTH_THREADS;
  return worthwhile && count > 0 && worker !== undefined ? analysisPool(count, worker) : undefined;
}

/**
 * Runs analyses on one model, whose activations are computed once for all of them; the outcomes by the analyses' ids, in their
 * order. Those of a large model that need nothing but arrays run side by side in threads.
 *
 * @throws kind `usage` where one needs a training series and the model is a lone file, or refuses its settings, unless failures are to be
 * told.
 */
export async function analyzeModel(
  analyses: readonly Analysis[],
  model: Model,
  how: AnalyzeOptions,
): Promise<Map<string, Outcome>> {
  const { runtime, seed, options = {}, onFailure, onStart } = how;
  const chosen = analyses.filter(({ id, needs, refuses }) => {
    const refusal = refuses?.(model.checkpoint.config);
    if (canAnalyze(model, needs) && refusal === undefined) return true;
    const reason = refusal === undefined ? needsRun(id, model.checkpoint.path) : `${id}: ${refusal}`;
    if (onFailure === undefined) throw new MiiiiError("usage", reason);
    onFailure(id, reason);
    return false;
  });
  const outcomes = new Map<string, Outcome>();
  const keep = async (analysis: Analysis, run: () => Promise<Json> | Json): Promise<void> => {
    try {
      const result = await run();
      const where = `${analysis.id} of ${model.label}`;
      ensureFiniteJson(result, where);
      const metrics = metricsOf(analysis, result);
      ensureFiniteJson(metrics, `metrics of ${where}`);
      outcomes.set(analysis.id, { model, metrics, result });
    } catch (error) {
      if (onFailure === undefined || !(error instanceof MiiiiError)) throw error;
      onFailure(analysis.id, error.message);
    }
  };
  const { onProgress, cache } = how;
  // Once for reading and writing: the key of a series is a digest of all its files.
  const keys = new Map(
    chosen.flatMap((analysis) => {
      const key = cache?.keyOf(analysis, model, { runtime, seed, options: completeOptions(analysis, options) });
      return key === undefined ? [] : [[analysis.id, key] as const];
    }),
  );
  const remembered = new Map(
    [...keys].flatMap(([id, key]) => {
      const result = cache?.read(key);
      return result === undefined ? [] : [[id, result] as const];
    }),
  );
  const inOrder = () => {
    const place = new Map(chosen.map(({ id }, i) => [id, i]));
    return new Map([...outcomes].sort(([a], [b]) => (place.get(a) ?? 0) - (place.get(b) ?? 0)));
  };
  for (const analysis of chosen) {
    const result = remembered.get(analysis.id);
    if (result === undefined) continue;
    onStart?.(analysis.id);
    await keep(analysis, () => result);
  }
  const open = chosen.filter(({ id }) => !remembered.has(id));
  if (open.length === 0) return inOrder();
  const needs = [...new Set(open.flatMap((analysis) => analysis.needs))];
  const pool = poolFor(open, model, how);
  // What was read with a remark is read again next time, so that the remark is made again.
  let remarked = false;
  const onNote: OnNote = (text) => {
    remarked = true;
    how.onNote?.(text);
  };
  try {
    return await withAnalysisInput(
      model,
      needs,
      { runtime, seed, shared: pool !== undefined, ...(onProgress ? { onProgress } : {}), onNote },
      async (input) => {
        const away = pool === undefined ? [] : open.filter(isSelfContained);
        // The longest first, so that no thread is left alone with it at the end.
        const tasks = away
          .sort((a, b) => workOf(b, input) - workOf(a, input))
          .map((analysis) =>
            keep(analysis, () =>
              (pool as AnalysisPool).run({
                id: analysis.id,
                input: inputFor(analysis, input),
                options,
                onStart: () => onStart?.(analysis.id),
              }),
            ),
          );
        const together = Promise.all(tasks);
        // Awaited below: until then, a failure is not an unhandled one.
        together.catch(() => undefined);
        for (const analysis of open.filter((candidate) => !away.includes(candidate))) {
          onStart?.(analysis.id);
          await keep(analysis, () => analysis.run(input, options));
        }
        await together;
        for (const analysis of remarked ? [] : open) {
          const [outcome, key] = [outcomes.get(analysis.id), keys.get(analysis.id)];
          if (outcome !== undefined && key !== undefined) cache?.write(key, outcome.result);
        }
        return inOrder();
      },
    );
  } finally {
    await pool?.close();
  }
}
