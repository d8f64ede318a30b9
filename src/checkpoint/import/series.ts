import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { ensure, MiiiiError } from "../../core/index.ts";
import { statOf, systemReason } from "../files.ts";
import { PyDict, PyList, PyTensor, PyTuple, type PyValue } from "../formats/pickle-values.ts";
import { MAX_EPOCH } from "../rows.ts";
import { configBeside } from "./config-beside.ts";
import { list, modelsIn } from "./groups.ts";
import { assignOptions, type ImportRequest } from "./import-model.ts";
import { type Decoded, decodePath, modelFiles } from "./read-file.ts";

/** One model of a series. */
export interface SeriesState {
  readonly epoch: number;
  /** The file, or the place in it, that it was read from. */
  readonly from: string;
  readonly path: string;
  readonly decoded: Decoded;
  /** Which of the file's models, where there are several. */
  readonly state?: string;
}

/** Losses by epoch that a file keeps beside its models. */
export type GivenLosses = { readonly [name: string]: readonly number[] };

/** The models of a training run that was recorded elsewhere. */
export interface ForeignSeries {
  readonly states: readonly SeriesState[];
  /** Models without an epoch in their names, which are left out. */
  readonly leftOut: readonly string[];
  /** Training samples that the file names, as they stand there. */
  readonly train?: readonly number[];
  readonly losses: GivenLosses;
}

/** More models than this are no series to be imported. */
const MAX_STATES = 10_000;

/** A whole number as names have it: `1000`, `10k`, `1e3`; no part of a decimal such as an accuracy. */
const WHOLE = "(?<!\\d|\\d\\.)(\\d{1,10})(e\\d(?!\\w)|[km](?![a-z]))?(?!\\d|\\.\\d)";
const NAMED = ["epochs?", "(?:global_?)?steps?"].map((word) => new RegExp(`${word}[=_-]?${WHOLE}`, "i"));
const ALL = new RegExp(WHOLE, "gi");

/** The epoch in a name: after `epoch` or `step`, or else its last number; undefined where there is none. */
export function epochOf(name: string): number | undefined {
  const named = NAMED.map((pattern) => pattern.exec(name)).find((match) => match !== null);
  const [, digits, times = ""] = named ?? [...name.matchAll(ALL)].at(-1) ?? [];
  if (digits === undefined) return undefined;
  const power = { k: "e3", m: "e6" }[times.toLowerCase()] ?? times;
  const epoch = Number(`${digits}${power}`);
  return epoch > MAX_EPOCH ? undefined : epoch;
}

function numbersIn(value: PyValue | undefined): number[] | undefined {
  if (!(value instanceof PyList) && !(value instanceof PyTuple)) return undefined;
  const { items } = value;
  return items.length > 0 && items.every((item) => typeof item === "number" && Number.isFinite(item))
    ? (items as number[])
    : undefined;
}

/** Plain lists of numbers in a file's outermost dict, by key. */
function listsOf(value: PyValue | undefined): Map<string, number[]> {
  const lists = new Map<string, number[]>();
  if (!(value instanceof PyDict)) return lists;
  for (const [key, entry] of value.entries) {
    const numbers = typeof key === "string" && !(entry instanceof PyTensor) ? numbersIn(entry) : undefined;
    if (numbers !== undefined) lists.set(key as string, numbers);
  }
  return lists;
}

const EPOCHS = /^(?:checkpoint_?)?(?:epochs|steps|iters|iterations)$/i;
const TRAIN = /^train(?:ing)?_?(?:indices|idxs?|inds|samples)$/i;
const LOSSES = /^(?:train|training|test|val|valid|validation|eval)_?(?:loss|losses|acc|accs|accuracy|accuracies)$/i;

/** The models of one file: a list beside a list of epochs, or models under numbered keys. */
function seriesOfFile(path: string, request: ImportRequest): ForeignSeries {
  const decoded = decodePath(path);
  const lists = listsOf(decoded.value);
  const models = modelsIn(decoded.groups, assignOptions(request, path));
  const epochs = [...lists].find(([key, numbers]) => EPOCHS.test(key) && numbers.length > 1)?.[1];
  const states: SeriesState[] = [];
  const leftOut: string[] = [];
  for (const { source } of models) {
    const index = /(?:^|\.)(\d+)$/.exec(source)?.[1];
    const epoch = epochs !== undefined && index !== undefined ? epochs[Number(index)] : epochOf(source.split(".").at(-1) ?? "");
    if (epoch === undefined || !Number.isSafeInteger(epoch) || epoch < 0 || epoch > MAX_EPOCH) leftOut.push(source);
    else {
      // Only this model's tensors: hundreds of models would else be sorted hundreds of times.
      const own = decoded.groups.filter((group) => group.source === source);
      states.push({
        epoch,
        from: source,
        path,
        decoded: own.length === 1 ? { ...decoded, groups: own } : decoded,
        state: source,
      });
    }
  }
  const train = [...lists].find(([key]) => TRAIN.test(key))?.[1];
  const losses = Object.fromEntries([...lists].filter(([key]) => LOSSES.test(key)));
  return { states, leftOut, losses, ...(train === undefined ? {} : { train }) };
}

/** The models of a folder: files with their epochs in their names, or folders such as `checkpoint-1000`. */
function seriesOfFolder(path: string): ForeignSeries {
  let names: string[];
  try {
    names = readdirSync(path).sort();
  } catch (error) {
    throw new MiiiiError("io", `${path}: cannot be read: ${systemReason(error)}`, { cause: error });
  }
  const folders = names.filter(
    (name) => statOf(join(path, name))?.isDirectory() === true && modelFiles(join(path, name)).length > 0,
  );
  const sources = [...modelFiles(path), ...folders];
  ensure(sources.length <= MAX_STATES, "input", () => `${path}: must hold at most ${MAX_STATES} models, holds ${sources.length}`);
  const states: SeriesState[] = [];
  const leftOut: string[] = [];
  // All models of a series are of the config beside them.
  const shared = configBeside(path);
  for (const name of sources) {
    const epoch = epochOf(basename(name).replace(/\.[a-z]+$/i, ""));
    const file = join(path, name);
    if (epoch === undefined) leftOut.push(name);
    else {
      const decoded = decodePath(file);
      const own = decoded.neighbour.length > 0 || decoded.own !== undefined;
      states.push({ epoch, from: name, path: file, decoded: own ? decoded : { ...decoded, neighbour: shared } });
    }
  }
  return { states, leftOut, losses: {} };
}

/**
 * The models of a training run recorded elsewhere, epochs ascending: a folder of `1000.pth`, `2000.pth`, … or
 * `step_500.safetensors`, or one file with several (`{state_dicts, checkpoint_epochs}`, `{epoch_0: …, epoch_100: …}`).
 *
 * @throws kind `input` where fewer than two have an epoch, or two have the same one.
 */
export function openSeries(path: string, request: ImportRequest): ForeignSeries {
  const series = statOf(path)?.isDirectory() === true ? seriesOfFolder(path) : seriesOfFile(path, request);
  const states = [...series.states].sort((a, b) => a.epoch - b.epoch);
  ensure(
    states.length >= 2,
    "input",
    () =>
      `${path}: a series must have two models or more with their epochs in their names, has ${states.length}${series.leftOut.length === 0 ? "" : `; without an epoch: ${list(series.leftOut.map((name) => name || basename(path)))}`} (for one model, name the output *.safetensors)`,
  );
  for (const [i, { epoch, from }] of states.entries()) {
    const before = states[i - 1];
    ensure(
      before === undefined || before.epoch < epoch,
      "input",
      () => `${path}: each model must have an epoch of its own, ${epoch} is that of ${list([before?.from ?? "", from])}`,
    );
  }
  return { ...series, states };
}
