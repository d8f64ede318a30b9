import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { activationsOf, changedAnswers, editableModel, type GridModel, gridModel, runtimeMatmul } from "../activations/index.ts";
import {
  ACTIVATION_NAMES,
  type ActivationName,
  type AnalysisInput,
  type Need,
  type Series,
  type SeriesModel,
} from "../analyses/kit/define.ts";
import {
  type AnyRun,
  type Checkpoint,
  ensureOfRun,
  listCheckpoints,
  readCheckpoint,
  readMetrics,
  readOmega,
  tensorsOf,
} from "../checkpoint/index.ts";
import { MiiiiError } from "../core/index.ts";
import { inFloat64 } from "../model/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import { headsOf, makeDataset } from "../tasks/index.ts";
import type { OnNote } from "./foreign.ts";
import type { Model } from "./models.ts";

/** Whether a need is one of the activations over the grid. */
export function isActivation(need: Need): need is ActivationName {
  return (ACTIVATION_NAMES as readonly Need[]).includes(need);
}

/**
 * Frees what nothing refers to any more. Activations of a large model take hundreds of megabytes, of which the collector sees a
 * few bytes and waits.
 */
export function collectGarbage(): void {
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

/**
 * The most bytes of a series' weights that are kept in memory once they have been read; the rest is read again when it is needed.
 */
const KEPT_BYTES = 2 ** 27;

/** A checkpoint of a series: read already, or to be read. */
interface SeriesCheckpoint {
  readonly epoch: number;
  readonly read: () => Checkpoint;
}

/** The checkpoints of a run that are whole and its own; the others are left out with a remark. */
function wholeCheckpoints(run: AnyRun, note: OnNote): SeriesCheckpoint[] {
  let kept = 0;
  return listCheckpoints(run).flatMap(({ epoch, path }) => {
    try {
      const checkpoint = readCheckpoint(path);
      ensureOfRun(run, checkpoint);
      kept += [...tensorsOf(checkpoint.parameters).values()].reduce((sum, { data }) => sum + data.byteLength, 0);
      return [{ epoch, read: kept <= KEPT_BYTES ? () => checkpoint : () => readCheckpoint(path) }];
    } catch (error) {
      if (!(error instanceof MiiiiError)) throw error;
      note(`${error.message}; it is left out of the series`);
      return [];
    }
  });
}

/** A model to look at, as far as analyses do. */
export interface Looked extends Pick<Model, "run" | "split"> {
  readonly checkpoint: Pick<Checkpoint, "config" | "parameters" | "sha256">;
}

type Activations = AnalysisInput["activations"];

function seriesOfRun(run: AnyRun, looked: Looked, known: Activations, runtime: () => Runtime, note: OnNote): Series {
  const metrics = onDemand(() => readMetrics(run), note);
  const omega = onDemand(() => readOmega(run), note);
  const kept = onDemand(() => ({ rows: wholeCheckpoints(run, note), warnings: [] }), note);
  async function* models(...[names, epochs, samples]: Parameters<Series["models"]>): AsyncGenerator<SeriesModel> {
    const { config, sha256 } = looked.checkpoint;
    let grid: GridModel | undefined;
    try {
      for (const { epoch, read } of kept()) {
        if (epochs?.includes(epoch) === false) continue;
        const checkpoint = read();
        const { parameters } = checkpoint;
        // The last one is most often the model itself.
        if (samples === undefined && checkpoint.sha256 === sha256 && names.every((name) => known[name] !== undefined)) {
          yield { epoch, parameters, activations: known };
          continue;
        }
        // One program and one set of arrays for all of them: fresh memory costs as much as a third of the pass.
        grid ??= await gridModel(runtime(), config, parameters, names, { reuse: true, ...(samples && { samples }) });
        const activations = names.length === 0 ? {} : await grid.run(inFloat64(parameters));
        yield { epoch, parameters, activations };
      }
    } finally {
      await grid?.dispose();
      // Its arrays go before another pass makes its own.
      grid = undefined;
      collectGarbage();
    }
  }
  return {
    get metrics() {
      return metrics();
    },
    get omega() {
      return omega();
    },
    get checkpoints() {
      return kept().map(({ epoch }) => epoch);
    },
    models,
  };
}

/** Whether an analysis of these needs can look at a model: those over time need a run directory. */
export function canAnalyze(model: Model, needs: readonly Need[]): boolean {
  return model.run !== undefined || !needs.includes("series");
}

/** How a model is evaluated. */
export interface LookOptions {
  /** May be left out where no need of the analyses asks for one. */
  readonly runtime: Runtime | undefined;
  /** Seeds the nulls. */
  readonly seed: number;
  /** Whether activations are to be in memory that threads can share. */
  readonly shared?: boolean;
  /** Activations that are known already. */
  readonly activations?: Activations;
  /** Called with remarks on rows that could not be read. */
  readonly onNote?: OnNote;
}

/** The activations among the needs, over the whole grid. */
export async function activationsFor(
  { checkpoint: { config, parameters } }: Looked,
  needs: readonly Need[],
  runtime: Runtime,
  shared: boolean,
): Promise<Activations> {
  const activations = await activationsOf(runtime, config, parameters, needs.filter(isActivation), { shared });
  // What they were made from would stay while other threads compute and this one waits.
  if (shared) collectGarbage();
  return activations;
}

/**
 * Hands what analyses with these needs may look at in a model to `use`; activations are computed here, once for all of them, and
 * what holds memory outside JavaScript's is freed when `use` is done.
 */
export async function withAnalysisInput<T>(
  model: Looked,
  needs: readonly Need[],
  { runtime, seed, shared = false, activations: known, onNote = () => undefined }: LookOptions,
  use: (input: AnalysisInput) => Promise<T>,
): Promise<T> {
  const { checkpoint, run, split } = model;
  const { config, parameters } = checkpoint;
  const given = (): Runtime => {
    if (runtime === undefined) throw new Error("analyses: a runtime must be given, got none");
    return runtime;
  };
  const wanted = needs.some(isActivation);
  const activations = known ?? (wanted ? await activationsFor(model, needs, given(), shared) : {});
  const products = needs.includes("matmul") ? runtimeMatmul(given()) : undefined;
  const answers = needs.includes("matmul") ? changedAnswers(given(), headsOf(config)) : undefined;
  const editable = needs.includes("forward") ? await editableModel(given(), config, parameters, activations) : undefined;
  try {
    return await use({
      config,
      heads: headsOf(config),
      parameters,
      targets: makeDataset(config, config.seed ?? 0).targets,
      ...(split === undefined ? {} : { split }),
      activations,
      ...(needs.includes("series") && run !== undefined ? { series: seriesOfRun(run, model, activations, given, onNote) } : {}),
      ...(editable === undefined ? {} : { forward: editable.forward, scoreDraw: editable.drawScores }),
      ...(products === undefined ? {} : { matmul: products.matmul }),
      ...(answers === undefined ? {} : { hitsAfter: answers.hitsAfter }),
      seed,
    });
  } finally {
    await editable?.dispose();
    await products?.dispose();
    await answers?.dispose();
  }
}
