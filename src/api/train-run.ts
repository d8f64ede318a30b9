import { rmSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { parseJsonBytes } from "../checkpoint/formats/strict-json.ts";
import {
  appendJsonLine,
  checkHistoryRow,
  createRunDirectory,
  type HistoryRow,
  listCheckpoints,
  lockRun,
  openRunDirectory,
  type RunDirectory,
  type RunHeader,
  type RunLock,
  readFileBytes,
  readHistory,
  readMetrics,
  readOmega,
  readResume,
  runFiles,
  splitHash,
  statOf,
  sweepTemporaries,
  truncateJsonLines,
  writeCheckpoint,
  writeHeader,
  writeResume,
} from "../checkpoint/index.ts";
import { ensure, MiiiiError } from "../core/index.ts";
import { latePrimesOut, type MetricsRow, type RunConfig } from "../model/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import { makeSplit } from "../tasks/index.ts";
import {
  checkConfig,
  checkPrecision,
  decayStart,
  type OmegaWindowState,
  type TrainEvent,
  type TrainState,
  train,
} from "../train/index.ts";
import { shellWord, writeText } from "./output.ts";
import { VERSION } from "./version.ts";

/** Where and how a run is trained. */
export interface TrainRunOptions {
  readonly runtime: Runtime;
  readonly omega?: boolean;
  /** Stops the run, saved. */
  readonly signal?: AbortSignal;
  /** Called when training begins. */
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

/** A run to train on: where it stands, and what must be put right in its folder before the first new row. */
interface Stretch {
  readonly run: RunDirectory;
  readonly lock: RunLock;
  readonly state?: TrainState;
  /** Called when training is about to begin: until then nothing in the folder has been changed. */
  readonly prepare: () => void;
}

/** Writes what happens in training into a run's folder. */
class Recorder {
  readonly #stretch: Stretch;
  readonly #options: TrainRunOptions;
  readonly #began = performance.now();
  readonly #from: number;
  /** The last epoch whose state is on the disk, and when it was written. */
  saved: { readonly epoch: number; readonly at: number };
  epoch: number;

  constructor(stretch: Stretch, options: TrainRunOptions) {
    this.#stretch = stretch;
    this.#options = options;
    this.#from = stretch.state?.epoch ?? 0;
    this.epoch = this.#from;
    this.saved = { epoch: this.#from, at: this.#began };
  }

  get from(): number {
    return this.#from;
  }

  /** This stretch as a row of the history, `epoch` being where it has come to. */
  row(epoch: number): HistoryRow {
    const { runtime } = this.#options;
    return {
      epoch,
      from_epoch: this.#from,
      wall_seconds: Math.round(performance.now() - this.#began) / 1000,
      runtime: runtime.name,
      device: runtime.device,
      versions: versionsOf(runtime),
      interrupted: epoch < this.#stretch.run.header.config.epochs,
    };
  }

  handle(event: TrainEvent): void {
    const { run, lock } = this.#stretch;
    const options = this.#options;
    switch (event.type) {
      case "progress":
        this.epoch = event.epoch;
        options.onProgress?.(event.epoch);
        break;
      case "tick":
        appendJsonLine(runFiles.metrics(run), event.row);
        options.onTick?.(event.row);
        break;
      case "omega":
        appendJsonLine(runFiles.omega(run), event.row);
        break;
      case "checkpoint":
        keepWeights(run, event);
        break;
      case "state": {
        const { epoch } = event.state;
        lock.refresh();
        // Should the process be killed, the next one finds here what the history lacks.
        writeText(runFiles.stretch(run), `${JSON.stringify(this.row(epoch))}\n`);
        writeResume(run, event.state);
        this.epoch = epoch;
        this.saved = { epoch, at: performance.now() };
        break;
      }
      default:
        event satisfies never;
    }
  }
}

/** Writes the weights of an epoch, and their moving average where there is one. */
function keepWeights(
  run: RunDirectory,
  { epoch, parameters, average, untrained }: Omit<Extract<TrainEvent, { type: "checkpoint" }>, "type">,
): void {
  writeCheckpoint(run, epoch, parameters, { untrained });
  if (average !== undefined) writeCheckpoint(run, epoch, average, { untrained, average: true });
}

async function follow(stretch: Stretch, options: TrainRunOptions): Promise<TrainRunResult> {
  const { runtime, signal } = options;
  const { run, state } = stretch;
  const { config } = run.header;
  const recorder = new Recorder(stretch, options);
  const events = train({
    config,
    runtime,
    ...(state ? { state } : {}),
    ...(signal ? { signal } : {}),
    omega: options.omega ?? true,
    saveNow: () => performance.now() - recorder.saved.at > SAVE_SECONDS * 1000,
  });
  try {
    let begun = false;
    for await (const event of events) {
      if (!begun) {
        begun = true;
        stretch.prepare();
        options.onStart?.();
      }
      recorder.handle(event);
    }
  } catch (error) {
    const { epoch, from, saved } = recorder;
    if (!(error instanceof MiiiiError) || (error.code !== "runtime" && error.code !== "numeric") || epoch === from) throw error;
    // What the device held is lost: the run stands where it was last saved.
    closeStretch(run, saved.epoch > from ? recorder.row(saved.epoch) : undefined);
    const rest =
      saved.epoch > 0
        ? `the state of epoch ${saved.epoch} is kept: miiii train --resume ${shellWord(run.path)}`
        : "nothing was saved yet";
    throw new MiiiiError(error.code, `${error.message}; ${rest}`, { cause: error });
  }
  const { epoch } = recorder;
  const interrupted = epoch < config.epochs;
  if (interrupted && epoch > 0 && !listCheckpoints(run).some((kept) => kept.epoch === epoch)) {
    const { state: last } = readResume(run);
    keepWeights(run, { ...last, epoch, untrained: latePrimesOut(config, last.curriculum) });
  }
  if (epoch > recorder.from) closeStretch(run, recorder.row(epoch));
  return { path: run.path, epoch, interrupted };
}

/**
 * Trains a new run into a new directory.
 *
 * @throws MiiiiError (`usage`) where the directory is neither new nor empty: a run is never overwritten.
 * @example await trainRun(presetConfig("nanda", { epochs: 200 }), "runs/nanda", { runtime: onnxRuntime() });
 */
export async function trainRun(config: RunConfig, path: string, options: TrainRunOptions): Promise<TrainRunResult> {
  checkConfig(config);
  checkPrecision(config, options.runtime);
  const split = makeSplit(config.p, config.train_fraction, config.seed);
  const header: RunHeader = {
    miiii: VERSION,
    config,
    split_hash: splitHash(split.train),
    runtime: options.runtime.name,
    versions: versionsOf(options.runtime),
  };
  const run = createRunDirectory(path, header);
  const lock = lockRun(run);
  try {
    return await follow({ run, lock, prepare: () => undefined }, options);
  } finally {
    lock.release();
  }
}

/** The last state of a run; undefined for one that broke off before its first was kept, and has to begin anew. */
function savedState(run: RunDirectory): ReturnType<typeof readResume> | undefined {
  if (statOf(runFiles.resume(run)) !== undefined) return readResume(run);
  // A run that was killed before its first state has no history either.
  ensure(
    readHistory(run).rows.length === 0 || !listCheckpoints(run).some(({ epoch }) => epoch > 0),
    "usage",
    () => `${run.path}: must hold resume.safetensors to be resumed, has checkpoints alone (shipped runs keep no state)`,
  );
  return undefined;
}

/** The row of a stretch that was killed after its last saved state, `epoch`; undefined where none was. */
function killedStretch(run: RunDirectory, epoch: number): HistoryRow | undefined {
  const file = runFiles.stretch(run);
  if (statOf(file) === undefined) return undefined;
  const row: unknown = parseJsonBytes(readFileBytes(file), file);
  checkHistoryRow(row, file);
  // It is written just before the state, between which two the process may have ended.
  return row.from_epoch < epoch ? { ...row, epoch, interrupted: true, killed: true } : undefined;
}

/** Closes a stretch: its row goes to the history. */
function closeStretch(run: RunDirectory, row: HistoryRow | undefined): void {
  if (row !== undefined) appendJsonLine(runFiles.history(run), row);
  rmSync(runFiles.stretch(run), { force: true });
}

/**
 * Resumes a run from its last state, to its own number of epochs or to `epochs`. Rows that were logged after that state are
 * dropped and logged anew. Until the first new epoch nothing is changed, so that a refusal leaves the run as it was.
 *
 * @example await resumeRun("runs/nanda", 400, { runtime: onnxRuntime() });
 */
export async function resumeRun(path: string, epochs: number | undefined, options: TrainRunOptions): Promise<TrainRunResult> {
  const lock = lockRun(openRunDirectory(path));
  try {
    const opened = openRunDirectory(path);
    const saved = savedState(opened);
    const done = saved?.state.epoch ?? 0;
    const target = epochs ?? opened.header.config.epochs;
    ensure(target > done, "usage", () => `${path}: has ${done} epochs already; --epochs must be more to resume, got ${target}`);
    const { config } = opened.header;
    ensure(
      target === config.epochs || done <= Math.min(decayStart(config), decayStart({ ...config, epochs: target })),
      "usage",
      () =>
        `${path}: --epochs must leave the ${done} epochs done before the decay of the learning rate, as they were, got ${target}`,
    );
    const header: RunHeader = { ...opened.header, config: { ...config, epochs: target } };
    const run: RunDirectory = { path, header };
    for (const read of [readMetrics, readOmega, readHistory]) read(run);
    const killed = killedStretch(run, done);
    const prepare = () => {
      sweepTemporaries(path);
      if (target !== config.epochs) writeHeader(run);
      closeStretch(run, killed);
      truncateJsonLines(runFiles.metrics(run), saved?.state.epoch ?? -1);
      truncateJsonLines(runFiles.omega(run), done - 1);
    };
    if (saved === undefined) return await follow({ run, lock, prepare }, options);
    const { window, ...rest } = saved.state;
    const state: TrainState = { ...rest, ...(window === undefined ? {} : { window: window as OmegaWindowState }) };
    return await follow({ run, lock, state, prepare }, options);
  } finally {
    lock.release();
  }
}
