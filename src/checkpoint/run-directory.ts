import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ensure, type Json, MiiiiError } from "../core/index.ts";
import type { OmegaRow } from "../math/index.ts";
import { type MetricsRow, type Parameters, type RunConfig, sameValue } from "../model/index.ts";
import { tensorsOf } from "./check-parameters.ts";
import { type Checkpoint, readCheckpoint } from "./checkpoint.ts";
import { configText, parseRunConfig, parseStoredConfig, type StoredConfig } from "./config.ts";
import { makeFolder, readFileBytes, statOf, sweepTemporaries, systemReason, writeFileAtomic } from "./files.ts";
import { encodeSafetensors } from "./formats/safetensors.ts";
import { isObject, parseJsonBytes, shownValue } from "./formats/strict-json.ts";
import { type JsonLines, readJsonLines } from "./json-lines.ts";
import { LOCK_NAME } from "./lock.ts";
import { checkHistoryRow, checkMetricsRow, checkOmegaRow, type HistoryRow } from "./rows.ts";

/** What `config.json` of a run says; of a series that was trained elsewhere, the config holds task and sizes alone. */
export interface RunHeader<C extends StoredConfig = RunConfig> {
  /** This package's version. */
  readonly miiii: string;
  readonly config: C;
  /** See `splitHash`. */
  readonly split_hash: string;
  /** What executed the training, such as `onnx`. */
  readonly runtime: string;
  /** Versions by name: the runtime, Node, … */
  readonly versions: Readonly<Record<string, string>>;
  /** Anything else worth keeping. */
  readonly [key: string]: Json | C;
}

/** The `runtime` of a series that was trained elsewhere and imported. */
export const IMPORTED = "imported";

/**
 * The folder of a training run:
 *
 * - `config.json`: the {@link RunHeader};
 * - `metrics.jsonl`, `omega.jsonl`: one row a tick, epochs ascending;
 * - `step-000012345.safetensors`: the weights after that many epochs, nine digits;
 * - `average-000012345.safetensors`: the moving average of the weights at that epoch, where the run keeps one;
 * - `history.jsonl`: one row for each stretch of training: epochs, wall time, runtime, device;
 * - `resume.safetensors`: what resuming needs beside them;
 * - `stretch.json`, `run.lock`: while the run is trained, the stretch under way and the process that has it.
 */
export interface RunDirectory<C extends StoredConfig = RunConfig> {
  readonly path: string;
  readonly header: RunHeader<C>;
}

/** A run of this project, or a series that was trained elsewhere and imported: what can be analysed over time. */
export type AnyRun = RunDirectory<StoredConfig>;

/** The files of a run by what they hold. */
export const runFiles = {
  config: (run: { readonly path: string }) => join(run.path, "config.json"),
  metrics: (run: { readonly path: string }) => join(run.path, "metrics.jsonl"),
  omega: (run: { readonly path: string }) => join(run.path, "omega.jsonl"),
  resume: (run: { readonly path: string }) => join(run.path, "resume.safetensors"),
  history: (run: { readonly path: string }) => join(run.path, "history.jsonl"),
  stretch: (run: { readonly path: string }) => join(run.path, "stretch.json"),
  /** The training samples of an imported series. */
  split: (run: { readonly path: string }) => join(run.path, "split.json"),
  /** Losses by epoch that an imported series came with. */
  losses: (run: { readonly path: string }) => join(run.path, "losses.json"),
  average: (run: { readonly path: string }, epoch: number) =>
    join(run.path, `average-${String(epoch).padStart(9, "0")}.safetensors`),
  checkpoint: (run: { readonly path: string }, epoch: number) =>
    join(run.path, `step-${String(epoch).padStart(9, "0")}.safetensors`),
} as const;

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    throw new MiiiiError("io", `${path}: cannot be read: ${systemReason(error)}`, { cause: error });
  }
}

/** Makes the folder of a new run. Nothing is ever overwritten: a usage error where the path holds anything. */
export function createRunDirectory<C extends StoredConfig>(path: string, header: RunHeader<C>): RunDirectory<C> {
  const stat = statOf(path);
  ensure(!stat || stat.isDirectory(), "usage", () => `${path}: must be a folder for the run, is a file`);
  // What a process that was killed at the very start left is none of a run.
  if (stat) sweepTemporaries(path);
  ensure(
    !stat || namesIn(path).every((name) => name === LOCK_NAME),
    "usage",
    () => `${path}: must be new or empty for a new run (it is never overwritten)`,
  );
  makeFolder(path);
  const run = { path, header };
  writeHeader(run);
  return run;
}

/** Writes a run's `config.json`. */
export function writeHeader(run: AnyRun): void {
  writeFileAtomic(runFiles.config(run), new TextEncoder().encode(`${JSON.stringify(run.header, null, 2)}\n`));
}

/** Whether a path is the folder of a run. */
export function isRunDirectory(path: string): boolean {
  return statOf(path)?.isDirectory() === true && statOf(runFiles.config({ path }))?.isFile() === true;
}

/** The settings in a run's `config.json`, or in a file that holds them alone. */
export function readConfig(file: string): RunConfig {
  const value = parseJsonBytes(readFileBytes(file), file);
  ensure(isObject(value), "input", () => `${file}: must be an object`);
  return parseRunConfig("config" in value ? value.config : value, file);
}

/** Opens the folder of a run of this project, as resuming it asks for; throws also where it was trained elsewhere. */
export function openRunDirectory(path: string): RunDirectory {
  const run = openAnyRun(path);
  const file = runFiles.config(run);
  const { runtime } = run.header;
  ensure(
    runtime !== IMPORTED,
    "usage",
    () => `${path}: must be a run of miiii train, is a series that was imported and has no training to resume`,
  );
  return { path, header: { ...run.header, config: parseRunConfig(run.header.config, file) } as RunHeader };
}

/**
 * Opens the folder of a run, trained here or imported; throws where it is none or its `config.json` is not what it must be.
 */
export function openAnyRun(path: string): AnyRun {
  const stat = statOf(path);
  ensure(stat, "io", () => `${path}: no such run directory`);
  ensure(stat.isDirectory(), "io", () => `${path}: must be a run directory, is a file`);
  const file = runFiles.config({ path });
  ensure(statOf(file), "io", () => `${path}: must hold config.json to be a run directory, and does not`);
  const value = parseJsonBytes(readFileBytes(file), file);
  ensure(isObject(value), "input", () => `${file}: must be an object`);
  const config = value.runtime === IMPORTED ? parseStoredConfig(value.config, file) : parseRunConfig(value.config, file);
  for (const key of ["miiii", "split_hash", "runtime"]) {
    ensure(typeof value[key] === "string", "input", () => `${file}: ${key} must be a string, got ${shownValue(value[key])}`);
  }
  const { versions } = value;
  ensure(
    isObject(versions) && Object.values(versions).every((version) => typeof version === "string"),
    "input",
    () => `${file}: versions must map names to strings, got ${shownValue(versions)}`,
  );
  return { path, header: { ...value, config } as unknown as RunHeader<StoredConfig> };
}

/** The rows of `metrics.jsonl`. */
export function readMetrics(run: { readonly path: string }): JsonLines<MetricsRow> {
  return readJsonLines<MetricsRow>(runFiles.metrics(run), { check: checkMetricsRow });
}

/** The rows of `omega.jsonl`; none where the run left them out. */
export function readOmega(run: { readonly path: string }): JsonLines<OmegaRow> {
  return readJsonLines<OmegaRow>(runFiles.omega(run), { check: checkOmegaRow });
}

/** The rows of `history.jsonl`, one for each stretch of training. */
export function readHistory(run: { readonly path: string }): JsonLines<HistoryRow> {
  return readJsonLines<HistoryRow>(runFiles.history(run), { check: checkHistoryRow, unordered: true });
}

/**
 * What every model file of a run says of its origin; `untrained` are the tasks that a schedule had not brought into the loss.
 * `format: pt` lets PyTorch's tools open it.
 */
export function runMetadata(
  header: RunHeader<StoredConfig>,
  epoch: number,
  untrained: readonly number[] = [],
): Record<string, string> {
  const { seed } = header.config;
  return {
    format: "pt",
    miiii: header.miiii,
    config: configText(untrained.length === 0 ? header.config : { ...header.config, untrained }),
    ...(seed === undefined ? {} : { seed: String(seed) }),
    split_hash: header.split_hash,
    epoch: String(epoch),
    runtime: header.runtime,
    versions: JSON.stringify(header.versions),
  };
}

/**
 * Writes the weights after `epoch` epochs, atomically, and returns the path.
 *
 * @param options.half - store them in half precision: for series over time, not for resuming.
 * @param options.average - they are the moving average of the weights, which has a file of its own beside theirs.
 * @param options.untrained - tasks that were not in the loss yet, by q.
 * @param options.metadata - more metadata beside {@link runMetadata}.
 */
export function writeCheckpoint(
  run: AnyRun,
  epoch: number,
  parameters: Parameters,
  options: {
    readonly half?: boolean;
    readonly untrained?: readonly number[];
    readonly average?: boolean;
    readonly metadata?: Readonly<Record<string, string>>;
  } = {},
): string {
  ensure(
    Number.isSafeInteger(epoch) && epoch >= 0,
    "input",
    () => `checkpoint: epoch must be a non-negative integer, got ${epoch}`,
  );
  const path = options.average ? runFiles.average(run, epoch) : runFiles.checkpoint(run, epoch);
  const metadata = { ...options.metadata, ...runMetadata(run.header, epoch, options.untrained) };
  writeFileAtomic(path, encodeSafetensors(tensorsOf(parameters), metadata, { half: options.half === true }));
  return path;
}

/** The kept checkpoints of a run, epochs ascending. */
export function listCheckpoints(run: { readonly path: string }): { readonly epoch: number; readonly path: string }[] {
  return namesIn(run.path)
    .flatMap((name) => {
      const digits = /^step-(\d{9,15})\.safetensors$/.exec(name)?.[1];
      return digits === undefined ? [] : [{ epoch: Number(digits), path: join(run.path, name) }];
    })
    .sort((a, b) => a.epoch - b.epoch);
}

/**
 * Throws unless a checkpoint's settings are those of its run, as far as both are known; the number of epochs may have been
 * raised.
 *
 * @throws kind `input` naming the first setting that differs.
 */
export function ensureOfRun(run: AnyRun, { path, config }: Pick<Checkpoint, "path" | "config">): void {
  const own = run.header.config;
  for (const field of Object.keys(own) as (keyof RunConfig)[]) {
    const stored = config[field];
    ensure(
      field === "epochs" || stored === undefined || sameValue(stored, own[field]),
      "input",
      () => `${path}: must belong to this run, its ${field} is ${stored} and config.json says ${own[field]}`,
    );
  }
}

/** The last checkpoint that can be read, and warnings about later ones that cannot. */
export function readLastCheckpoint(run: AnyRun): {
  readonly checkpoint: Checkpoint;
  readonly warnings: string[];
} {
  const warnings: string[] = [];
  for (const { path } of listCheckpoints(run).reverse()) {
    try {
      const checkpoint = readCheckpoint(path);
      ensureOfRun(run, checkpoint);
      return { checkpoint, warnings };
    } catch (error) {
      if (!(error instanceof MiiiiError)) throw error;
      warnings.push(`${error.message}; the checkpoint before it is used`);
    }
  }
  const reason =
    warnings.length === 0 ? "has none" : `has ${warnings.length}, none of them readable: ${warnings[0]?.split("; ")[0]}`;
  throw new MiiiiError("input", `${run.path}: must hold a checkpoint, ${reason}`);
}
