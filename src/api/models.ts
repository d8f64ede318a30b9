import {
  type AnyRun,
  type Checkpoint,
  IMPORTED,
  openAnyRun,
  readLastCheckpoint,
  runFiles,
  splitHash,
  statOf,
} from "../checkpoint/index.ts";
import { ensure } from "../core/index.ts";
import { sameValue } from "../model/index.ts";
import { makeSplit, type Split } from "../tasks/index.ts";
import type { ForeignOptions, OnNote } from "./foreign.ts";
import { shownPath } from "./output.ts";
import type { Reference } from "./references.ts";
import { type GivenSplit, readSplit } from "./split-file.ts";

/** A model that has been read, and what is known of its making. */
export interface Model {
  readonly label: string;
  readonly group?: string;
  readonly checkpoint: Checkpoint;
  /** Present for run directories. */
  readonly run?: AnyRun;
  /** Present where the training samples are known. */
  readonly split?: Split;
}

/** The split that a file gives: what it puts into no set, all but the training samples where it has one set alone, is `test`. */
function splitFrom(given: GivenSplit, { path, config: { p } }: Checkpoint): Split {
  const { train, validation = new Int32Array(0) } = given;
  const all = [...train, ...validation, ...(given.test ?? [])];
  const outside = all.find((index) => index >= p * p);
  ensure(
    outside === undefined && train.length < p * p,
    "input",
    () => `${path}: training samples must be some of 0..${p * p - 1} at p = ${p}, got ${outside ?? "all of them"}`,
  );
  const used = new Set([...train, ...validation]);
  const test = given.test ?? Int32Array.from({ length: p * p }, (_, i) => i).filter((i) => !used.has(i));
  return { train: train.slice().sort(), validation: validation.slice().sort(), test: test.slice().sort() };
}

/** The split that the config gives, checked against the fingerprint that the file carries. */
function splitOf(checkpoint: Checkpoint): Split | undefined {
  const { p, seed, train_fraction } = checkpoint.config;
  if (seed === undefined || train_fraction === undefined) return undefined;
  const split = makeSplit(p, train_fraction, seed);
  const stored = checkpoint.metadata.split_hash;
  ensure(
    stored === undefined || stored === splitHash(split.train),
    "input",
    () => `${checkpoint.path}: split_hash must be that of its config's split, got ${stored?.slice(0, 16)}…`,
  );
  return split;
}

/** The split of a series that was imported with its training samples. */
function importedSplit(run: AnyRun | undefined, checkpoint: Checkpoint): Split | undefined {
  if (run === undefined || run.header.runtime !== IMPORTED || statOf(runFiles.split(run)) === undefined) return undefined;
  return splitFrom(readSplit(runFiles.split(run)), checkpoint);
}

/** A model file: this project's own, or one from elsewhere under any names. */
async function readFile(path: string, foreign: ForeignOptions, note: OnNote): Promise<Checkpoint> {
  const { readForeign } = await import("./foreign.ts");
  return readForeign(path, foreign, note);
}

/** The command line's name of an option, from its property. */
function optionOf(property: string): string {
  return `--${property.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** How models are read. */
export interface LoadOptions {
  /** Samples (grid indices) of a model that does not know them; one that does keeps its own. */
  readonly split?: GivenSplit | undefined;
  /** What is known of a model trained elsewhere. */
  readonly foreign?: ForeignOptions;
  /** Called with remarks on how the model was read; silent where left out. */
  readonly onNote?: OnNote;
}

/** Reads what a reference names. */
export async function loadModel(
  reference: Reference,
  { split: given, foreign = {}, onNote: note = () => undefined }: LoadOptions = {},
): Promise<Model> {
  const { label, group, kind, path } = reference;
  const run = kind === "run" ? openAnyRun(path) : undefined;
  const { checkpoint, warnings } =
    run === undefined ? { checkpoint: await readFile(path, foreign, note), warnings: [] } : readLastCheckpoint(run);
  warnings.forEach(note);
  const known = checkpoint.metadata.config !== undefined;
  const options = Object.entries(foreign).flatMap(([name, value]) =>
    value === undefined || (Array.isArray(value) && value.length === 0) ? [] : [optionOf(name)],
  );
  if (known && options.length > 0)
    note(`${label}: knows its settings, ${options.join(", ")} ${options.length > 1 ? "are" : "is"} not for it`);
  const own = splitOf(checkpoint) ?? importedSplit(run, checkpoint);
  // A run's own split is that of its training: what is said of another model must not replace it.
  if (own !== undefined && given !== undefined && splitHash(own.train) !== splitHash(given.train.slice().sort()))
    note(`${label}: knows its training samples, --split is not for it`);
  const split = own ?? (given === undefined ? undefined : splitFrom(given, checkpoint));
  return {
    label,
    ...(group === undefined ? {} : { group }),
    checkpoint: { ...checkpoint, path: shownPath(checkpoint.path) },
    ...(run === undefined ? {} : { run }),
    ...(split === undefined ? {} : { split }),
  };
}

/** What decides whether a model belongs to a group: its settings, without the weights. */
export interface GroupMember {
  readonly group?: string | undefined;
  readonly checkpoint: Pick<Checkpoint, "config">;
}

/** Throws unless the members of each group have the same settings but for the seed. */
export function ensureGroups(models: readonly GroupMember[]): void {
  const first = new Map<string, GroupMember>();
  for (const model of models) {
    if (model.group === undefined) continue;
    const other = first.get(model.group) ?? model;
    first.set(model.group, other);
    const [a, b] = [other.checkpoint.config, model.checkpoint.config];
    for (const field of Object.keys({ ...a, ...b }) as (keyof typeof a)[]) {
      ensure(
        field === "seed" || sameValue(a[field], b[field]),
        "usage",
        () => `group ${model.group}: its runs must differ in the seed alone, ${field} is ${a[field]} and ${b[field]}`,
      );
    }
  }
}
