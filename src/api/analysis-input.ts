import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { activationsOf, editableModel, runtimeMatmul } from "../activations/index.ts";
import { ACTIVATION_NAMES, type ActivationName, type AnalysisInput, type Need, type Series } from "../analyses/kit/define.ts";
import { type AnyRun, ensureOfRun, listCheckpoints, readCheckpoint, readMetrics, readOmega } from "../checkpoint/index.ts";
import { MiiiiError } from "../core/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import { headsOf, makeDataset } from "../tasks/index.ts";
import type { OnNote } from "./foreign.ts";
import type { Model } from "./models.ts";

function isActivation(need: Need): need is ActivationName {
  return (ACTIVATION_NAMES as readonly Need[]).includes(need);
}

/**
 * Frees what nothing refers to any more. Activations of a large model take hundreds of megabytes, of which the collector sees a few bytes
 * and waits.
 */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

/** The rows of a file of a run, read when an analysis first asks: what is wrong with them costs those analyses alone. */
function onDemand<T>(read: () => { readonly rows: T; readonly warnings: readonly string[] }, note: OnNote): () => T {
  let found: T | undefined;
  return () => {
    if (found === undefined) {
      const { rows, warnings } = read();
      warnings.forEach(note);
      found = rows;
    }
    return found;
  };
}

/** The checkpoints of a run that are whole and its own; the others are left out with a remark. */
function wholeCheckpoints(run: AnyRun, note: OnNote): { readonly epoch: number; readonly path: string }[] {
  return listCheckpoints(run).filter(({ path }) => {
    try {
      ensureOfRun(run, readCheckpoint(path));
      return true;
    } catch (error) {
      if (!(error instanceof MiiiiError)) throw error;
      note(`${error.message}; it is left out of the series`);
      return false;
    }
  });
}

function openSeries(run: AnyRun, runtime: Runtime, note: OnNote): Series {
  const metrics = onDemand(() => readMetrics(run), note);
  const omega = onDemand(() => readOmega(run), note);
  const checkpoints = wholeCheckpoints(run, note);
  async function* models(names: readonly ActivationName[]) {
    for (const { epoch, path } of checkpoints) {
      const { parameters, config } = readCheckpoint(path);
      collectGarbage();
      yield { epoch, parameters, activations: await activationsOf(runtime, config, parameters, names) };
    }
  }
  return {
    get metrics() {
      return metrics();
    },
    get omega() {
      return omega();
    },
    checkpoints: checkpoints.map(({ epoch }) => epoch),
    models,
  };
}

/** Whether an analysis of these needs can look at a model: those over time need a run directory. */
export function canAnalyze(model: Model, needs: readonly Need[]): boolean {
  return model.run !== undefined || !needs.includes("series");
}

/** How a model is evaluated. */
export interface LookOptions {
  readonly runtime: Runtime;
  /** Seeds the nulls. */
  readonly seed: number;
  /** Whether activations are to be in memory that threads can share. */
  readonly shared?: boolean;
  readonly onProgress?: (done: number, total: number) => void;
  /** Called with remarks on rows that could not be read. */
  readonly onNote?: OnNote;
}

/**
 * Hands what analyses with these needs may look at in a model to `use`; activations are computed here, once for all of them, and
 * what holds memory outside JavaScript's is freed when `use` is done.
 */
export async function withAnalysisInput<T>(
  model: Model,
  needs: readonly Need[],
  { runtime, seed, shared = false, onProgress, onNote = () => undefined }: LookOptions,
  use: (input: AnalysisInput) => Promise<T>,
): Promise<T> {
  const { checkpoint, run, split } = model;
  const { config, parameters } = checkpoint;
  const products = needs.includes("matmul") ? runtimeMatmul(runtime) : undefined;
  const activations = await activationsOf(runtime, config, parameters, needs.filter(isActivation), { shared });
  const editable = needs.includes("forward") ? await editableModel(runtime, config, parameters, activations) : undefined;
  try {
    return await use({
      config,
      heads: headsOf(config),
      parameters,
      targets: makeDataset(config, config.seed ?? 0).targets,
      ...(split === undefined ? {} : { split }),
      activations,
      ...(needs.includes("series") && run !== undefined ? { series: openSeries(run, runtime, onNote) } : {}),
      ...(editable === undefined ? {} : { forward: editable.forward }),
      ...(products === undefined ? {} : { matmul: products.matmul }),
      seed,
      ...(onProgress === undefined ? {} : { onProgress }),
    });
  } finally {
    await editable?.dispose();
    await products?.dispose();
  }
}
