import { basename } from "node:path";
import { activationsOf } from "../activations/index.ts";
import { importDecoded } from "../checkpoint/import/import-model.ts";
import { type ForeignSeries, openSeries, type SeriesState } from "../checkpoint/import/series.ts";
import {
  type AnyRun,
  appendJsonLine,
  type Checkpoint,
  createRunDirectory,
  IMPORTED,
  runFiles,
  splitHash,
  writeCheckpoint,
  writeFileAtomic,
} from "../checkpoint/index.ts";
import { ensure, type NdArray, printable, quoted } from "../core/index.ts";
import { headMetrics, norm } from "../math/index.ts";
import { type MetricsRow, PARAMETER_NAMES } from "../model/index.ts";
import type { Runtime } from "../runtimes/index.ts";
import { headsOf, headWeights, makeDataset } from "../tasks/index.ts";
import { type ForeignOptions, type OnNote, requestOf, settleForeign } from "./foreign.ts";
import { openRuntime } from "./runtime-choice.ts";
import { VERSION } from "./version.ts";

/** A series that was written as a run. */
export interface ImportedSeries {
  readonly path: string;
  readonly epochs: readonly number[];
}

/** One state of the series, read in the way that the last one was. */
function readState({ path, decoded, state, from }: SeriesState, last: Checkpoint, options: ForeignOptions): Checkpoint {
  const reading = last.reading;
  const { task, n_heads } = last.config;
  const request = requestOf({
    ...options,
    ...(task === "basis" ? {} : { task }),
    heads: n_heads,
    ...(state === undefined ? {} : { state }),
    ...(reading?.low_digit === undefined ? {} : { lowDigit: reading.low_digit }),
    ...(last.config.equals === false ? { attentionRate: last.config.attention_rate } : {}),
  });
  const { candidates, recordOf, sha256 } = importDecoded(path, decoded, request);
  const same = candidates.find((candidate) => {
    const record = recordOf(candidate);
    return (
      JSON.stringify(candidate.config) === JSON.stringify(last.config) &&
      (record === undefined ||
        reading === undefined ||
        (record.layout === reading.layout && record.orientations.join() === reading.orientations.join()))
    );
  });
  ensure(same, "input", () => `${path}: ${quoted(from)} must be of the shapes and names of the series' last model, and is not`);
  return { ...last, path, sha256, config: same.config, parameters: same.parameters };
}

/** A row of metrics computed from a model's weights: what it scores on its training samples and on all others. */
async function tickOf(
  epoch: number,
  { config, parameters }: Checkpoint,
  train: Int32Array,
  runtime: Runtime,
): Promise<MetricsRow> {
  const heads = headsOf(config);
  const { targets } = makeDataset(config, config.seed ?? 0);
  const { logits } = await activationsOf(runtime, config, parameters, ["logits"]);
  const trained = new Set(train);
  const rest = Int32Array.from({ length: config.p ** 2 }, (_, i) => i).filter((i) => !trained.has(i));
  const on = (rows: Int32Array) => {
    const { loss, accuracy } = headMetrics(logits as NdArray, targets, heads, rows);
    return { loss: Array.from(loss), accuracy: Array.from(accuracy) };
  };
  const [own, others] = [on(train), on(rest)];
  const weights = headWeights(heads).data;
  const objective = own.loss.reduce((sum, loss, h) => sum + loss * (weights[h] as number), 0);
  const weight_norms = Object.fromEntries(PARAMETER_NAMES.map((name) => [name, norm(parameters[name].data)]));
  return { epoch, train: own, validation: others, objective, weight_norms };
}

/** The training samples: the user's, or else the file's. */
function trainOf(
  given: Int32Array | undefined,
  { train }: ForeignSeries,
  p: number,
  path: string,
  note: OnNote,
): Int32Array | undefined {
  const samples = given ?? (train === undefined ? undefined : train);
  if (samples === undefined) return undefined;
  const valid = [...samples].every((index) => Number.isSafeInteger(index) && index >= 0 && index < p * p);
  const distinct = new Set(samples).size === samples.length && samples.length < p * p;
  if (given !== undefined || (valid && distinct)) {
    ensure(
      valid && distinct,
      "input",
      () => `${path}: training samples must be distinct and some of 0 to ${p * p - 1} at p = ${p}`,
    );
    if (given === undefined) note(`${path}: ${samples.length} training samples as the file names them (x0·p + x1)`);
    return Int32Array.from(samples).sort();
  }
  note(`${path}: its list of training samples is no list of grid indices x0·p + x1, and is left out (--split says which)`);
  return undefined;
}

const textOf = (value: unknown) => new TextEncoder().encode(`${JSON.stringify(value)}\n`);

/**
 * Writes a series that was trained elsewhere as a run directory: a checkpoint for each of its models, and where the training
 * samples are known a row of metrics for each, computed from its weights. How the last model is read is settled by accuracy, and
 * the others are read in the same way.
 *
 * @throws kind `usage` where `out` holds anything; kind `input` where the models are not of one make.
 */
export async function importSeries(
  path: string,
  out: string,
  options: ForeignOptions,
  { train: given, onNote: note }: { readonly train?: Int32Array | undefined; readonly onNote: OnNote },
): Promise<ImportedSeries> {
  const { state: _, ...general } = options;
  const series = openSeries(path, requestOf(general));
  const final = series.states.at(-1) as SeriesState;
  const request = requestOf({ ...general, ...(final.state === undefined ? {} : { state: final.state }) });
  const last = await settleForeign(importDecoded(final.path, final.decoded, request), note);
  const { config, reading } = last;
  const train = trainOf(given, series, config.p, path, note);
  const header = {
    miiii: VERSION,
    config,
    split_hash: train === undefined ? "" : splitHash(train),
    runtime: IMPORTED,
    versions: {},
    source: printable(basename(path)),
    ...(reading === undefined ? {} : { reading }),
  };
  const run: AnyRun = createRunDirectory(out, header);
  if (train !== undefined) writeFileAtomic(runFiles.split(run), textOf({ train: Array.from(train) }));
  const { runtime } = await openRuntime("onnx");
  for (const state of series.states) {
    const model = state === final ? last : readState(state, last, general);
    const metadata = {
      source: printable(state.from),
      source_sha256: model.sha256,
      ...(reading === undefined ? {} : { reading: JSON.stringify(reading) }),
    };
    writeCheckpoint(run, state.epoch, model.parameters, { metadata });
    if (train !== undefined) appendJsonLine(runFiles.metrics(run), await tickOf(state.epoch, model, train, runtime));
  }
  const losses = Object.keys(series.losses);
  if (losses.length > 0) {
    writeFileAtomic(runFiles.losses(run), textOf(series.losses));
    note(`${path}: ${losses.join(", ")} as the file gives them are kept in losses.json; metrics are computed from the weights`);
  }
  if (train === undefined)
    note(
      `${path}: the training samples are not known (--split): no metrics.jsonl, and what needs it (curves, norms) is left out`,
    );
  if (series.leftOut.length > 0)
    note(`${path}: left out, for want of an epoch: ${series.leftOut.map(quoted).slice(0, 4).join(", ")}`);
  return { path: out, epochs: series.states.map(({ epoch }) => epoch) };
}
