import { isObject, parseJsonBytes, shownValue } from "../checkpoint/formats/strict-json.ts";
import { type Checkpoint, readFileBytes } from "../checkpoint/index.ts";
import { ensure } from "../core/index.ts";
import { hasShuffledLabels, makeDataset, type Split } from "../tasks/index.ts";

/** The grid of the largest p, 251. */
const MAX_SAMPLES = 251 ** 2;

/** What a file says of the samples: those trained on, and where it has them those of the other two sets. */
export interface GivenSplit extends Partial<Split> {
  readonly train: Int32Array;
}

function readIndices(list: readonly unknown[], name: string, path: string): Int32Array {
  const wrong = list.findIndex((index) => !Number.isInteger(index) || (index as number) < 0 || (index as number) >= MAX_SAMPLES);
  ensure(
    wrong < 0,
    "input",
    () => `${path}: ${name}[${wrong}] must be an index of a sample, 0 to p² − 1, got ${shownValue(list[wrong])}`,
  );
  ensure(new Set(list).size === list.length, "input", () => `${path}: ${name} must name each sample once`);
  return Int32Array.from(list as readonly number[]);
}

/**
 * The samples that a JSON file names, as grid indices (x0·p + x1): a list of those trained on, or an object with `train` and, if
 * it has them, `validation` and `test`, as {@link splitText} writes it. Whether they lie in the grid is checked where p is known.
 */
export function readSplit(path: string): GivenSplit {
  const value = parseJsonBytes(readFileBytes(path), path);
  const object = isObject(value) ? value : { train: value };
  const sets = (["train", "validation", "test"] as const).flatMap((name) => {
    const list = object[name];
    if (list === undefined && name !== "train") return [];
    ensure(
      Array.isArray(list) && (list.length > 0 || name !== "train"),
      "input",
      () => `${path}: must hold the training samples, a list or an object with a list "train" (and lists "validation", "test")`,
    );
    return [[name, readIndices(list, name, path)] as const];
  });
  const all = sets.flatMap(([, indices]) => [...indices]);
  ensure(new Set(all).size === all.length, "input", () => `${path}: a sample must be in one of train, validation and test alone`);
  return Object.fromEntries(sets) as unknown as GivenSplit;
}

/**
 * A model's samples as JSON for {@link readSplit} and for other programs: `p`, `task`, `train`, `validation` and `test` (grid
 * indices x0·p + x1, x0 the low digit), and where labels are shuffled, which no program can derive, `tasks` (q, in order) and
 * `targets` [p²][tasks].
 *
 * @throws kind `input` where the model does not know its split.
 */
export function splitText({
  checkpoint: { config, path },
  split,
}: {
  readonly checkpoint: Pick<Checkpoint, "config" | "path">;
  readonly split?: Split;
}): string {
  ensure(
    split !== undefined,
    "input",
    () => `${path}: its training samples are not known, so there is no split to write (--split names them)`,
  );
  const { p, task } = config;
  const lists = { train: [...split.train], validation: [...split.validation], test: [...split.test] };
  if (!hasShuffledLabels(config)) return `${JSON.stringify({ p, task, ...lists })}\n`;
  const { heads, targets } = makeDataset(config, config.seed ?? 0);
  const rows = Array.from({ length: p * p }, (_, i) => [...targets.data.subarray(i * heads.length, (i + 1) * heads.length)]);
  return `${JSON.stringify({ p, task, ...lists, tasks: heads.map(({ q }) => q), targets: rows })}\n`;
}
