import type { Analysis } from "../analyses/kit/define.ts";
import { ANALYSIS_WORKER, analysisPool } from "../api/analysis-pool.ts";
import { type AnalyzeOptions, analyzeModel, poolThreads } from "../api/analyze.ts";
import type { Model } from "../api/models.ts";
import { provenanceOf } from "../api/provenance.ts";
import { PENDING, type ReportRun } from "../report/index.ts";
import type { AnalysisWork } from "./analysis-work.ts";

/** A model with what has been found of it so far. */
interface Gathered {
  readonly model: Model;
  readonly found: Map<string, ReportRun["results"][string]>;
  readonly missing: Record<string, string>;
}

/** What the results of a report are gathered with. */
export interface GatherOptions extends Pick<AnalyzeOptions, "runtime" | "seed" | "options" | "cache" | "onNote"> {
  readonly work: AnalysisWork;
  /**
   * Called once results that need no activations are there, and each time that all of a run's are: what there is can be drawn
   * meanwhile.
   */
  readonly onRuns: (runs: readonly ReportRun[], stage: "first" | "more") => Promise<void>;
}

function reportRun({ model, found, missing }: Gathered, analyses: readonly Analysis[]): ReportRun {
  const { label, group, checkpoint } = model;
  const pending = analyses.filter(({ id }) => !found.has(id) && missing[id] === undefined).map(({ id }) => [id, PENDING]);
  return {
    label,
    ...(group === undefined ? {} : { group }),
    path: checkpoint.path,
    sha256: checkpoint.sha256,
    config: checkpoint.config,
    provenance: provenanceOf(model),
    parameters: checkpoint.parameters,
    results: Object.fromEntries(
      analyses.flatMap(({ id }) => {
        const outcome = found.get(id);
        return outcome === undefined ? [] : [[id, outcome] as const];
      }),
    ),
    missing: { ...missing, ...Object.fromEntries(pending) },
  };
}

/** Whether an analysis reads weights and logged rows alone: such results are there within seconds. */
function isQuick({ needs }: Analysis): boolean {
  return needs.every((need) => need === "series");
}

/** Large and small models in turn, so that no two of the largest are in memory at once. */
function inTurns(all: readonly Gathered[]): Gathered[] {
  const size = ({
    model: {
      checkpoint: { config },
    },
  }: Gathered) => config.p ** 2 * config.d_model * config.d_mlp;
  const sorted = [...all].sort((a, b) => size(b) - size(a));
  const half = Math.ceil(sorted.length / 2);
  return sorted.slice(0, half).flatMap((large, i) => [large, ...sorted.slice(half + i, half + i + 1)]);
}

/**
 * All analyses of all models: first what needs no activations, of every model, then the rest model by model, in threads where
 * models are large; a model's activations are computed as soon as threads run out of work for the one before.
 */
export async function gatherResults(
  analyses: readonly Analysis[],
  models: readonly Model[],
  { work, onRuns, ...how }: GatherOptions,
): Promise<ReportRun[]> {
  const all: Gathered[] = models.map((model) => ({ model, found: new Map(), missing: {} }));
  const runs = () => all.map((one) => reportRun(one, analyses));
  const pool = ANALYSIS_WORKER === undefined ? undefined : analysisPool(poolThreads(), ANALYSIS_WORKER);
  const run = async ({ model, found, missing }: Gathered, some: readonly Analysis[]) => {
    const outcomes = await analyzeModel(some, model, {
      ...how,
      ...work.watch(model),
      ...(pool === undefined ? { threads: 0 } : { pool }),
      onFailure: (id, reason) => {
        missing[id] = reason;
      },
    });
    for (const [id, { result, metrics }] of outcomes) found.set(id, { result, metrics });
  };
  const quick = analyses.filter(isQuick);
  const rest = analyses.filter((analysis) => !quick.includes(analysis));
  const drawn: Promise<void>[] = [];
  const draw = (stage: "first" | "more") => {
    // Called from a timer too, where an error would be nobody's.
    const done = (async () => onRuns(runs(), stage))();
    // Awaited below: until then, a failure is not an unhandled one.
    done.catch(() => undefined);
    drawn.push(done);
  };
  let first: NodeJS.Timeout | undefined;
  try {
    await Promise.all(all.map((one) => run(one, quick)));
    const begun: Promise<void>[] = [];
    // Not at once: where all that follows is kept from before, it is there without a turn of the event loop.
    first = setTimeout(() => draw("first"), 0);
    for (const one of inTurns(all)) {
      const done = run(one, rest).then(() => {
        draw("more");
      });
      // Awaited below: until then, a failure is not an unhandled one.
      done.catch(() => undefined);
      begun.push(done);
      await Promise.race([done, pool === undefined ? done : pool.idle()]);
    }
    await Promise.all(begun);
    clearTimeout(first);
    await Promise.all(drawn);
  } finally {
    clearTimeout(first);
    await pool?.close();
  }
  return runs();
}
