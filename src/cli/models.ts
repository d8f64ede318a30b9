import {
  type Checkpoint,
  openRunDirectory,
  type RunDirectory,
  readCheckpoint,
  readLastCheckpoint,
  splitHash,
} from "../checkpoint/index.ts";
import { ensure } from "../core/index.ts";
import { makeSplit, type Split } from "../tasks/index.ts";
import { note, shownPath } from "./output.ts";
import type { Reference } from "./references.ts";

/** A model that has been read, and what is known of its making. */
export interface Model {
  readonly label: string;
  readonly group?: string;
  readonly checkpoint: Checkpoint;
  /** Present for run directories. */
  readonly run?: RunDirectory;
  /** Present where the training samples are known. */
  readonly split?: Split;
}

/** A split of which only the training samples are known: the rest is `test`. */
function splitFrom(train: Int32Array, p: number): Split {
  const trained = new Set(train);
  const test = Int32Array.from({ length: p * p }, (_, i) => i).filter((i) => !trained.has(i));
  return { train: train.slice().sort(), validation: new Int32Array(0), test };
}

/** The split that the config gives, held against the fingerprint that the file carries. */
function splitOf(checkpoint: Checkpoint): Split | undefined {
  const { p, seed, train_fraction } = checkpoint.config;
  if (seed === undefined || train_fraction === undefined) return undefined;
  const split = makeSplit(p, train_fraction, seed);
  const stored = checkpoint.metadata["split_hash"];
  ensure(
    stored === undefined || stored === splitHash(split.train),
    "input",
    () => `${checkpoint.path}: split_hash must be that of its config's split, got ${stored?.slice(0, 16)}…`,
  );
  return split;
}

async function readReference({ kind, path }: Reference): Promise<{ checkpoint: Checkpoint; run?: RunDirectory }> {
  switch (kind) {
    case "run": {
      const run = openRunDirectory(path);
      const { checkpoint, warnings } = readLastCheckpoint(run);
      warnings.forEach(note);
      return { checkpoint, run };
    }
    case "file":
      return { checkpoint: readCheckpoint(path) };
    case "foreign": {
      const { importModel } = await import("./foreign.ts");
      return { checkpoint: importModel(path) };
    }
    default:
      return kind satisfies never;
  }
}

/** Reads what a reference names; `train` gives the training samples (grid indices) of a model that does not know them. */
export async function loadModel(reference: Reference, train?: Int32Array): Promise<Model> {
  const { checkpoint, run } = await readReference(reference);
  const split = train === undefined ? splitOf(checkpoint) : splitFrom(train, checkpoint.config.p);
  return {
    label: reference.label,
    ...(reference.group === undefined ? {} : { group: reference.group }),
    checkpoint: { ...checkpoint, path: shownPath(checkpoint.path) },
    ...(run === undefined ? {} : { run }),
    ...(split === undefined ? {} : { split }),
  };
}

/** Throws unless the members of each group have the same settings but for the seed. */
export function ensureGroups(models: readonly Model[]): void {
  const first = new Map<string, Model>();
  for (const model of models) {
    if (model.group === undefined) continue;
    const other = first.get(model.group) ?? model;
    first.set(model.group, other);
    const [a, b] = [other.checkpoint.config, model.checkpoint.config];
    for (const field of Object.keys({ ...a, ...b }) as (keyof typeof a)[]) {
      ensure(
        field === "seed" || a[field] === b[field],
        "usage",
        () => `group ${model.group}: its runs must differ in the seed alone, ${field} is ${a[field]} and ${b[field]}`,
      );
    }
  }
}
