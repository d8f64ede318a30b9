/**
 * The library: train a transformer on modular arithmetic until it groks, read anyone's checkpoint, ask what algorithm it
 * learned, draw and report. Every number comes with its definition and its null.
 *
 * @packageDocumentation
 * @example
 * import { analyze, load } from "miiii";
 *
 * const model = await load("nanda"); // a shipped run; a file or a run directory works alike
 * const { fourier } = await analyze(model, ["fourier"]);
 * console.log(fourier.key_frequencies);
 */

// Models: read, made by hand, computed.
export { activationsOf, editableModel } from "./activations/index.ts";
// Analyses: arrays in, JSON out.
export {
  ACTIVATION_NAMES,
  type ActivationName,
  type Analysis,
  type AnalysisInput,
  defineAnalysis,
  type Labelled,
} from "./analyses/kit/define.ts";
export { ANALYSES, type AnalysisId, type AnalysisResults } from "./analyses/registry.ts";
export { type AnalyzeOptions, analyzeModel } from "./api/analyze.ts";
export { type Envelope, envelope, type Outcome } from "./api/envelope.ts";
export { evaluateModel, type HeadEvaluation } from "./api/evaluate.ts";
export type { ForeignOptions, OnNote } from "./api/foreign.ts";
export { analyze, load } from "./api/front.ts";
export { type LoadOptions, loadModel, type Model } from "./api/models.ts";
export { provenanceOf, trainCommand } from "./api/provenance.ts";
export { parseReferences, type Reference, shippedReferences } from "./api/references.ts";
export { openRuntime, probeRuntimes } from "./api/runtime-choice.ts";
export { type GivenSplit, readSplit } from "./api/split-file.ts";
export { resumeRun, type TrainRunOptions, type TrainRunResult, trainRun } from "./api/train-run.ts";
// Files: checkpoints and run directories.
export { type Checkpoint, readCheckpoint } from "./checkpoint/checkpoint.ts";
export {
  listCheckpoints,
  openRunDirectory,
  type RunDirectory,
  readHistory,
  readLastCheckpoint,
  readMetrics,
  readOmega,
} from "./checkpoint/run-directory.ts";
// Claims: rules as data.
export { type JudgedClaim, judgeClaims, type Verdict } from "./claims/index.ts";
// What everything is written in.
export { type ErrorCode, type Json, MiiiiError, type NdArray, type Random, randomStream } from "./core/index.ts";
export { type HeadMetrics, headMetrics } from "./math/index.ts";
export {
  type ConstructedTask,
  construct,
  type Edits,
  initParameters,
  type MetricsRow,
  PARAMETER_NAMES,
  type Parameters,
  type RunConfig,
  SETTINGS,
} from "./model/index.ts";
export { buildReport, loadBundles, type ReportInput, type ReportRun } from "./report/index.ts";
// Runtimes: what executes the mathematics.
export { onnxRuntime, type Runtime, tensorflowRuntime, webgpuRuntime } from "./runtimes/index.ts";
// Tasks.
export { type Dataset, type Head, headsOf, makeDataset, makeSplit, type Split, type TaskConfig } from "./tasks/index.ts";
// Training: an async generator that writes nothing itself.
export { PRESETS, type Preset, presetConfig } from "./train/presets.ts";
export { initialState, type TrainState } from "./train/state.ts";
export { type TrainEvent, train } from "./train/trainer.ts";
