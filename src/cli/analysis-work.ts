import type { Analysis } from "../analyses/kit/define.ts";
import type { AnalyzeOptions } from "../api/analyze.ts";
import type { Model } from "../api/models.ts";
import { headsOf, logitsOf } from "../tasks/index.ts";
import { type WorkItem, type WorkProgress, workProgress } from "./progress.ts";

/** One analysis of one model as an item of the work: its effort grows with the activations that it reads. */
function itemOf({ id, effort = 1 }: Analysis, { label, checkpoint: { config } }: Model): WorkItem {
  return { name: `${id} of ${label}`, effort: effort * config.p ** 2 * (config.d_mlp + logitsOf(headsOf(config))) };
}

/** Progress over analyses of models. */
export interface AnalysisWork {
  readonly progress: WorkProgress;
  /** What tells it of one model's analyses. */
  readonly watch: (model: Model) => Required<Pick<AnalyzeOptions, "onStart" | "onProgress" | "onEnd">>;
}

/** Shows all of these analyses of all of these models as one piece of work. */
export function analysisWork(models: readonly Model[], analyses: readonly Analysis[], quiet = false): AnalysisWork {
  const items = new Map(
    models.map((model) => [model, new Map(analyses.map((analysis) => [analysis.id, itemOf(analysis, model)]))] as const),
  );
  const progress = workProgress(
    [...items.values()].flatMap((own) => [...own.values()]),
    "results",
    quiet,
  );
  const watch = (model: Model) => {
    const on = (id: string, tell: (item: WorkItem) => void) => {
      const item = items.get(model)?.get(id);
      if (item !== undefined) tell(item);
    };
    return {
      onStart: (id: string) => on(id, progress.begin),
      onProgress: (id: string, done: number, total: number) => on(id, (item) => progress.advance(item, done / total)),
      onEnd: (id: string, how: "computed" | "kept" | "absent") => on(id, how === "computed" ? progress.end : progress.skip),
    };
  };
  return { progress, watch };
}

/** What is said of results when work is stopped halfway. */
export function stoppedText({ computed }: WorkProgress, cached: boolean): string {
  const results = `${computed} ${computed === 1 ? "result" : "results"}`;
  if (!cached) return `stopped; ${results} computed, none kept (--no-cache)`;
  return computed === 0
    ? "stopped before the first new result"
    : `stopped; ${results} kept, and the same command resumes from there`;
}
