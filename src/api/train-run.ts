import { performance } from "node:perf_hooks";
import {
  appendJsonLine,
  createRunDirectory,
  listCheckpoints,
  openRunDirectory,
  type ResumeState,
  type RunDirectory,
  type RunHeader,
  readResume,
  runFiles,
  splitHash,
  statOf,
  truncateJsonLines,
  writeCheckpoint,
  writeFileAtomic,
  writeResume,
} from "../checkpoint/index.ts";
import { ensure, MiiiiError } from "../core/index.ts";
import type { MetricsRow, RunConfig } from "../model/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import { makeSplit } from "../tasks/index.ts";
import { checkConfig, type TrainEvent, type TrainState, train } from "../train/index.ts";
import { shellWord } from "./output.ts";
import { VERSION } from "./version.ts";

/** One line of a run's `history.jsonl`: a stretch of training in one process. */
export interface HistoryRow {
  /** Completed epochs at its end. */
  readonly epoch: number;
  readonly from_epoch: number;
  readonly wall_seconds: number;
  readonly runtime: string;
  readonly device: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly interrupted: boolean;
}

/** Where and how a run is trained. */
export interface TrainRunOptions {
  readonly runtime: Runtime;
  readonly omega?: boolean;
  /** Stops the run, saved. */
  readonly signal?: AbortSignal;
  /** Told when nothing is in the way of training any more. */
  readonly onStart?: () => void;
  readonly onProgress?: (epoch: number) => void;
  readonly onTick?: (row: MetricsRow) => void;
}

/** How a run ended. */
export interface TrainRunResult {
  readonly path: string;
  readonly epoch: number;
  readonly interrupted: boolean;
}

/** Seconds of training that a broken run may lose at most, statistics under way aside. */
const SAVE_SECONDS = 60;

function versionsOf(runtime: Runtime): Record<string, string> {
  return { miiii: VERSION, node: process.version, runtime: runtime.version };
}

async function follow(run: RunDirectory, state: TrainState | undefined, options: TrainRunOptions): Promise<TrainRunResult> {
  const { runtime, signal } = options;
  const { config } = run.header;
  const began = performance.now();
  const from = state?.epoch ?? 0;
  let epoch = from;
  let saved: { readonly epoch: number; readonly at: number } = { epoch: from, at: began };
  const events = train({
    config,
    runtime,
    ...(state ? { state } : {}),
    ...(signal ? { signal } : {}),
    omega: options.omega ?? true,
    saveNow: () => performance.now() - saved.at > SAVE_SECONDS * 1000,
  });
  const record = (): HistoryRow => ({
    epoch,
    from_epoch: from,
    wall_seconds: Math.round(performance.now() - began) / 1000,
    runtime: runtime.name,
    device: runtime.device,
    versions: versionsOf(runtime),
    interrupted: epoch < config.epochs,
  });
  const handle = (event: TrainEvent): void => {
    switch (event.type) {
      case "progress":
        epoch = event.epoch;
        options.onProgress?.(epoch);
        break;
      case "tick":
        appendJsonLine(runFiles.metrics(run), event.row);
        options.onTick?.(event.row);
        break;
      case "omega":
        appendJsonLine(runFiles.omega(run), event.row);
        break;
      case "checkpoint":
        writeCheckpoint(run, event.epoch, event.parameters);
        break;
      case "state": {
        const { epoch: step, ...rest } = event.state;
        writeResume(run, { step, ...rest });
        epoch = step;
        saved = { epoch, at: performance.now() };
        break;
      }
      default:
        event satisfies never;
    }
  };
  try {
    for await (const event of events) handle(event);
  } catch (error) {
    if (!(error instanceof MiiiiError) || (error.code !== "runtime" && error.code !== "numeric") || epoch === from) throw error;
    // What the device held is lost: the run stands where it was last saved.
    epoch = saved.epoch;
    if (epoch > from) appendJsonLine(runFiles.history(run), record());
    const rest =
      saved.epoch > 0
        ? `the state of epoch ${saved.epoch} is kept: miiii train --resume ${shellWord(run.path)}`
        : "nothing was saved yet";
    throw new MiiiiError(error.code, `${error.message}; ${rest}`, { cause: error });
  }
  const interrupted = epoch < config.epochs;
  if (interrupted && !listCheckpoints(run).some((kept) => kept.epoch === epoch)) {
    const { state: last } = readResume(run);
    writeCheckpoint(run, epoch, last.parameters);
  }
  appendJsonLine(runFiles.history(run), record());
  return { path: run.path, epoch, interrupted };
}

/** Trains a new run into a new directory. */
export async function trainRun(config: RunConfig, path: string, options: TrainRunOptions): Promise<TrainRunResult> {
  checkConfig(config);
  const split = makeSplit(config.p, config.train_fraction, config.seed);
  const header: RunHeader = {
    miiii: VERSION,
    config,
    split_hash: splitHash(split.train),
    runtime: options.runtime.name,
    versions: versionsOf(options.runtime),
  };
  const run = createRunDirectory(path, header);
  options.onStart?.();
  return follow(run, undefined, options);
}

/** The last state of a run; undefined for one that broke off before its first was kept, and has to begin anew. */
function savedState(run: RunDirectory): ResumeState | undefined {
  if (statOf(runFiles.resume(run)) !== undefined) return readResume(run).state;
  ensure(
    !listCheckpoints(run).some(({ epoch }) => epoch > 0),
    "usage",
    () => `${run.path}: must hold resume.safetensors to go on from, has checkpoints alone (shipped runs keep no state)`,
  );
  return undefined;
}

/**
 * Goes on with a run from its last state, to its own number of epochs or to `epochs`. Rows that were logged after that state are
 * dropped and logged anew.
 */
export async function resumeRun(path: string, epochs: number | undefined, options: TrainRunOptions): Promise<TrainRunResult> {
  const opened = openRunDirectory(path);
  const state = savedState(opened);
  const done = state?.step ?? 0;
  const target = epochs ?? opened.header.config.epochs;
  ensure(target > done, "usage", () => `${path}: has ${done} epochs already; --epochs must be more to go on, got ${target}`);
  const header: RunHeader = { ...opened.header, config: { ...opened.header.config, epochs: target } };
  const run: RunDirectory = { path, header };
  if (target !== opened.header.config.epochs) {
    writeFileAtomic(runFiles.config(run), new TextEncoder().encode(`${JSON.stringify(header, null, 2)}\n`));
  }
  options.onStart?.();
  truncateJsonLines(runFiles.metrics(run), state?.step ?? -1);
  truncateJsonLines(runFiles.omega(run), done - 1);
  if (state === undefined) return follow(run, undefined, options);
  const { step, ...rest } = state;
  return follow(run, { epoch: step, ...rest }, options);
}
