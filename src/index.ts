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
export { type ActivationName, type Analysis, type AnalysisInput, defineAnalysis } from "./analyses/kit/define.ts";
export { ANALYSES, type AnalysisId, type AnalysisResults } from "./analyses/registry.ts";
export { type AnalyzeOptions, analyzeModel } from "./api/analyze.ts";
export type { Outcome } from "./api/envelope.ts";
export { evaluateModel } from "./api/evaluate.ts";
export { analyze, load } from "./api/front.ts";
export type { LoadOptions, Model } from "./api/models.ts";
export { openRuntime } from "./api/runtime-choice.ts";
export { readSplit } from "./api/split-file.ts";
export { resumeRun, type TrainRunOptions, type TrainRunResult, trainRun } from "./api/train-run.ts";
// Files: checkpoints and run directories.
export { type Checkpoint, readCheckpoint } from "./checkpoint/checkpoint.ts";
export {
  listCheckpoints,
  openRunDirectory,
  type RunDirectory,
  readLastCheckpoint,
  readMetrics,
  readOmega,
} from "./checkpoint/run-directory.ts";
// Claims: rules as data.
export { type JudgedClaim, judgeClaims } from "./claims/index.ts";
// What everything is written in.
export { type Json, MiiiiError, type NdArray, randomStream } from "./core/index.ts";
export { headMetrics } from "./math/index.ts";
export { construct, initParameters, type MetricsRow, type Parameters, type RunConfig, SETTINGS } from "./model/index.ts";
export { buildReport, loadBundles, type ReportInput } from "./report/index.ts";
// Runtimes: what executes the mathematics.
export { onnxRuntime, type Runtime, tensorflowRuntime, webgpuRuntime } from "./runtimes/index.ts";
// Tasks.
export { type Head, headsOf, makeDataset, makeSplit, type TaskConfig } from "./tasks/index.ts";
// Training: an async generator that writes nothing itself.
export { PRESETS, presetConfig } from "./train/presets.ts";
export { type TrainEvent, train } from "./train/trainer.ts";
