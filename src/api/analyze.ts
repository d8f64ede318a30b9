import { availableParallelism } from "node:os";
import { type Analysis, type AnalysisInput, completeOptions, metricsOf, type OptionValues } from "../analyses/kit/define.ts";
import { ensureFiniteJson, type Json, MiiiiError } from "../core/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import { activationsFor, canAnalyze, isActivation } from "./analysis-input.ts";
import { ANALYSIS_WORKER, type AnalysisPool, type AnalysisTask, analysisPool } from "./analysis-pool.ts";
import { runAnalyses, type TaskListener } from "./analysis-task.ts";
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
  /** Called with (id, done, total) as an analysis goes on; what is counted differs between analyses. */
  readonly onProgress?: (id: string, done: number, total: number) => void;
  /** Called with each analysis when its outcome is there, computed or kept from before, or will not come. */
  readonly onEnd?: (id: string, how: "computed" | "kept" | "absent") => void;
  /** Called with remarks on how files were read, each once. */
  readonly onNote?: OnNote;
  /** Threads for the analyses of one large model; as many as there are cores, at most 4. Results do not depend on it; 0: none. */
  readonly threads?: number;
  /** Threads that are there already, instead of `threads` new ones. */
  readonly pool?: AnalysisPool | undefined;
  /** Where results are kept between calls, each as soon as it is there; computed anew each time where left out. */
  readonly cache?: ResultCache | undefined;
  /** The module that those threads run. */
  readonly worker?: URL | undefined;
}

/** Why an analysis cannot look at a lone file. */
function needsRun(id: string, path: string): string {
  return `${id}: needs a training series: give a run directory, got the file ${path}`;
}

/** Below so many activations a model's analyses are done before threads have started. */
const WORTH_THREADS = 2 ** 21;

const MOST_THREADS = 4;

/** How many threads a pool best has. */
export function poolThreads(): number {
  return Math.min(availableParallelism(), MOST_THREADS);
}

/** Whether a model is large enough for threads. */
function isLarge({ checkpoint: { config } }: Model): boolean {
  return config.p * config.p * config.d_mlp >= WORTH_THREADS;
}

/** Threads for several analyses of a large model. */
function poolFor(
  tasks: number,
  model: Model,
  { threads, worker = ANALYSIS_WORKER, runtime }: AnalyzeOptions,
): AnalysisPool | undefined {
  const count = Math.min(threads ?? poolThreads(), tasks);
  const worthwhile = tasks > 1 && isLarge(model) && runtime.name === "onnx";
  return worthwhile && count > 0 && worker !== undefined ? analysisPool(count, worker) : undefined;
}

const effortOf = (analyses: readonly Analysis[]) => analyses.reduce((sum, { effort = 1 }) => sum + effort, 0);

/**
 * What threads are given one by one, the longest first: each analysis by itself, those that go through a run's models together.
 */
function tasksOf(analyses: readonly Analysis[]): (readonly Analysis[])[] {
  const together = analyses.filter(({ needs }) => needs.includes("models"));
  const alone = analyses.filter((analysis) => !together.includes(analysis)).map((analysis) => [analysis]);
  return [...alone, ...(together.length === 0 ? [] : [together])].sort((a, b) => effortOf(b) - effortOf(a));
}

/** What another thread is given for some analyses: arrays, and of the activations only their own. */
function taskFor(
  analyses: readonly Analysis[],
  { checkpoint, run, split }: Model,
  activations: AnalysisInput["activations"],
  { seed, options = {} }: AnalyzeOptions,
): AnalysisTask {
  const { config, parameters, sha256 } = checkpoint;
  const needs: readonly string[] = analyses.flatMap((analysis) => analysis.needs);
  // Those that go through a run's models find the last one, which is most often the one at hand, with all that is known of it.
  const own = Object.entries(activations).filter(([name]) => needs.includes(name) || needs.includes("models"));
  return {
    ids: analyses.map(({ id }) => id),
    model: { checkpoint: { config, parameters, sha256 }, ...(split === undefined ? {} : { split }) },
    ...(run === undefined ? {} : { run: run.path }),
    activations: Object.fromEntries(own) as AnalysisInput["activations"],
    seed,
    options,
  };
}

/** Runs the analyses in the pool's threads, once their activations are there. */
async function runInPool(
  analyses: readonly Analysis[],
  model: Model,
  how: AnalyzeOptions,
  pool: AnalysisPool,
  listener: TaskListener,
): Promise<void> {
  const lists = tasksOf(analyses);
  const run = (list: readonly Analysis[], activations: AnalysisInput["activations"]) =>
    pool.run(taskFor(list, model, activations, how), listener);
  const reads = (list: readonly Analysis[]) => list.some(({ needs }) => needs.some(isActivation));
  // Threads begin with what needs no activations.
  const begun = Promise.all(lists.filter((list) => !reads(list)).map((list) => run(list, {})));
  // Awaited below: until then, a failure is not an unhandled one.
  begun.catch(() => undefined);
  if (lists.some(reads)) {
    const needs = [...new Set(analyses.flatMap((analysis) => analysis.needs))];
    const activations = await activationsFor(model, needs, how.runtime, true);
    await Promise.all(lists.filter(reads).map((list) => run(list, activations)));
  }
  await begun;
}

/** Those of the analyses that can be run on a model; of the others it is said why not. */
function possibleOn(analyses: readonly Analysis[], model: Model, { onFailure, onEnd }: AnalyzeOptions): Analysis[] {
  return analyses.filter(({ id, needs, refuses }) => {
    const refusal = refuses?.(model.checkpoint.config);
    if (canAnalyze(model, needs) && refusal === undefined) return true;
    const reason = refusal === undefined ? needsRun(id, model.checkpoint.path) : `${id}: ${refusal}`;
    if (onFailure === undefined) throw new MiiiiError("usage", reason);
    onFailure(id, reason);
    onEnd?.(id, "absent");
    return false;
  });
}

/** The outcomes of a model's analyses as they come in: checked, kept for the next call, and told of. */
class Outcomes {
  readonly #model: Model;
  readonly #chosen: readonly Analysis[];
  readonly #how: AnalyzeOptions;
  /** Once for reading and writing: the key of a series is a digest of all its files. */
  readonly #keys: ReadonlyMap<string, string>;
  readonly #found = new Map<string, Outcome>();
  /** What was read with a remark is read again next time, so that the remark is made again. */
  readonly #remarks = new Set<string>();
  #failure: unknown;

  constructor(chosen: readonly Analysis[], model: Model, how: AnalyzeOptions) {
    const { runtime, seed, options = {}, cache } = how;
    this.#model = model;
    this.#chosen = chosen;
    this.#how = how;
    this.#keys = new Map(
      chosen.flatMap((analysis) => {
        const key = cache?.keyOf(analysis, model, { runtime, seed, options: completeOptions(analysis, options) });
        return key === undefined ? [] : [[analysis.id, key] as const];
      }),
    );
  }

  #byId(id: string): Analysis {
    return this.#chosen.find((analysis) => analysis.id === id) as Analysis;
  }

  #fail(id: string, error: unknown): void {
    const { onFailure, onEnd } = this.#how;
    if (onFailure === undefined || !(error instanceof MiiiiError)) this.#failure ??= error;
    else onFailure(id, error.message);
    onEnd?.(id, "absent");
  }

  #take(id: string, result: Json, from: "computed" | "kept"): boolean {
    try {
      const where = `${id} of ${this.#model.label}`;
      ensureFiniteJson(result, where);
      const metrics = metricsOf(this.#byId(id), result);
      ensureFiniteJson(metrics, `metrics of ${where}`);
      this.#found.set(id, { model: this.#model, metrics, result });
      this.#how.onEnd?.(id, from);
      return true;
    } catch (error) {
      this.#fail(id, error);
      return false;
    }
  }

  /** Takes what is kept from before; the analyses that are left to compute. */
  takeKept(): Analysis[] {
    const { cache, onStart } = this.#how;
    return this.#chosen.filter(({ id }) => {
      const key = this.#keys.get(id);
      const result = key === undefined ? undefined : cache?.read(key);
      if (result === undefined) return true;
      onStart?.(id);
      this.#take(id, result, "kept");
      return false;
    });
  }

  /** What takes the results of the others. */
  listener(): TaskListener {
    const { onStart, onProgress, onNote, cache } = this.#how;
    return {
      onStart: (id) => onStart?.(id),
      onProgress: (id, done, total) => onProgress?.(id, done, total),
      onNote: (text) => {
        if (!this.#remarks.has(text)) onNote?.(text);
        this.#remarks.add(text);
      },
      onResult: (id, result) => {
        const key = this.#keys.get(id);
        if (!this.#take(id, result, "computed") || key === undefined) return;
        // Kept at once, so that work that is stopped halfway is not lost.
        if (this.#remarks.size === 0 || !this.#byId(id).needs.includes("series")) cache?.write(key, result);
      },
      onError: (id, error) => this.#fail(id, error),
    };
  }

  /** All outcomes, in the order of the analyses; throws the first failure that nobody was told of. */
  all(): Map<string, Outcome> {
    if (this.#failure !== undefined) throw this.#failure;
    const place = new Map(this.#chosen.map(({ id }, i) => [id, i]));
    return new Map([...this.#found].sort(([a], [b]) => (place.get(a) ?? 0) - (place.get(b) ?? 0)));
  }
}

/** Computes analyses: in the threads that are there, in new ones where that is worthwhile, else here. */
async function compute(analyses: readonly Analysis[], model: Model, how: AnalyzeOptions, listener: TaskListener): Promise<void> {
  const { runtime, seed, options = {} } = how;
  const own = how.pool === undefined ? poolFor(tasksOf(analyses).length, model, how) : undefined;
  const pool = how.pool !== undefined && isLarge(model) ? how.pool : own;
  try {
    if (pool === undefined) await runAnalyses(analyses, model, { runtime, seed, options }, listener);
    else await runInPool(analyses, model, how, pool, listener);
  } finally {
    await own?.close();
  }
}

/**
 * Runs analyses on one model, whose activations are computed once for all of them; the outcomes by the analyses' ids, in their
 * order. Those of a large model run side by side in threads.
 *
 * @throws kind `usage` where one needs a training series and the model is a lone file, or refuses its settings, unless failures
 * are to be told.
 */
export async function analyzeModel(
  analyses: readonly Analysis[],
  model: Model,
  how: AnalyzeOptions,
): Promise<Map<string, Outcome>> {
  const outcomes = new Outcomes(possibleOn(analyses, model, how), model, how);
  const open = outcomes.takeKept();
  if (open.length > 0) await compute(open, model, how, outcomes.listener());
  return outcomes.all();
}
