import { readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { openAnyRun, statOf } from "../checkpoint/index.ts";
import { ensure, MiiiiError } from "../core/index.ts";
import { nearest } from "../core/nearest.ts";
import { hasShuffledLabels, type TaskName } from "../tasks/index.ts";
import { isCheckout, shippedPath, shippedRuns } from "./shipped.ts";

/** A checkpoint as named on the command line, found but not read yet. */
export interface Reference {
  readonly label: string;
  /** The label that it shares with others of its group (`label=a,b,c`). */
  readonly group?: string;
  /** `run`: a run directory; `file`: one model, of this project or from elsewhere. */
  readonly kind: "run" | "file";
  readonly path: string;
}

/** Whether a folder is a model from elsewhere: arrays, a model file, shards. A run's own files tell it from one. */
function holdsModel(path: string): boolean {
  const names = readdirSync(path);
  if (names.some((name) => /^(?:step-\d{9,15}\.safetensors|metrics\.jsonl|resume\.safetensors|history\.jsonl)$/.test(name)))
    return false;
  const theirs =
    /\.(?:npy|npz|pth|pt|bin|ckpt|safetensors|safetensors\.index\.json)$|^(?:_METADATA|_CHECKPOINT_METADATA|manifest\.ocdbt)$/;
  return names.some((name) => theirs.test(name));
}

function locate(name: string): Pick<Reference, "kind" | "path"> {
  const stat = statOf(name);
  if (stat !== undefined) return { kind: stat.isDirectory() && !holdsModel(name) ? "run" : "file", path: name };
  ensure(!/^[a-z]+:\/\//i.test(name), "io", () => `${name}: must be on this machine: download it, and give the file`);
  const shipped = shippedRuns();
  if (shipped.includes(name)) return { kind: "run", path: shippedPath(name) };
  const close = nearest(name, shipped);
  const further = isCheckout() ? "" : "; further ones are in the repository's fixtures/, not in this package";
  const names = (shipped.length === 0 ? "there are none" : shipped.join(", ")) + further;
  throw new MiiiiError(
    "io",
    `${name}: must be a checkpoint file, a run directory or a shipped run (${names})${close ? `; did you mean ${close}?` : ""}`,
  );
}

/** A short name for what was not labelled: the run's folder, a file's name, or both for a step of a run. */
function defaultLabel(name: string): string {
  const file = basename(name.replace(/[/\\]+$/, ""));
  const step = /^step-(\d+)\.safetensors$/.exec(file)?.[1];
  if (step !== undefined) return `${basename(dirname(name)) || "."}@${Number(step)}`;
  return file.replace(/\.(?:safetensors\.index\.json|safetensors|pth|pt|npz|bin|ckpt)$/i, "");
}

function parse(word: string): Reference[] {
  // A path may hold '=' and ',' itself.
  const whole = statOf(word) !== undefined;
  const [, label, rest] = (whole ? null : /^([^=/\\]+)=(.*)$/s.exec(word)) ?? [undefined, undefined, word];
  const target = rest ?? word;
  ensure(target !== "", "usage", () => `${word}: a checkpoint must follow the label`);
  const members = statOf(target) !== undefined || !target.includes(",") ? [target] : target.split(",");
  if (members.length === 1) return [{ label: label ?? defaultLabel(target), ...locate(target) }];
  ensure(label !== undefined, "usage", () => `${word}: a group of runs must have a label: label=a,b,c`);
  return members.map((member, i) => ({ label: `${label} ${i + 1}`, group: label, ...locate(member) }));
}

/** Finds the checkpoints that `words` name; the labels are unique. */
export function parseReferences(words: readonly string[]): Reference[] {
  const references = words.flatMap(parse);
  const byLabel = new Map<string, Reference>();
  for (const reference of references) {
    const other = byLabel.get(reference.label);
    ensure(
      other === undefined,
      "usage",
      () =>
        `label ${reference.label}: must be given once, is ${other?.path} and ${reference.path}; choose others: label=${reference.path}`,
    );
    byLabel.set(reference.label, reference);
  }
  return references;
}

/** Order of the tasks in a report: the addition baseline, the paper's task, and their baselines. */
const TASK_ORDER = ["nanda", "miiii", "basis", "masked", "joint"] as const satisfies readonly TaskName[];

/** Where a shipped run stands in a report: larger p first, then by task, the recipe's own settings before changes to them. */
function rankOf(path: string): number[] {
  const { p, task, shuffle_labels, dropout, grokfast_lambda } = openAnyRun(path).header.config;
  // Neither belongs to the recipe of nanda.
  const [slow, bare] = task === "nanda" ? [0, 0] : [Number(grokfast_lambda === 0), Number(dropout === 0)];
  return [-p, slow + bare, bare, TASK_ORDER.indexOf(task), Number(shuffle_labels)];
}

/**
 * The shipped runs, as `miiii report` takes them where it is given none, the most telling first. `name-1`, `name-2`, … are
 * further seeds of `name`, and share its group.
 */
export function shippedReferences(): Reference[] {
  const names = shippedRuns();
  const seedOf = (name: string) => {
    const base = /^(.+)-\d+$/.exec(name)?.[1];
    return base !== undefined && names.includes(base) ? base : undefined;
  };
  const references = names.map((name) => {
    const group = seedOf(name) ?? (names.some((other) => seedOf(other) === name) ? name : undefined);
    return { label: name, kind: "run" as const, path: shippedPath(name), ...(group === undefined ? {} : { group }) };
  });
  const ranked = references.map((reference) => ({ reference, rank: rankOf(reference.path) }));
  const order = (a: readonly number[], b: readonly number[]) => a.map((x, i) => x - (b[i] ?? 0)).find((d) => d !== 0) ?? 0;
  ranked.sort((a, b) => order(a.rank, b.rank));
  // A second run of the same thing tells less than the first of another, of the same p.
  const again = ranked.map(({ rank }, i) => (i > 0 && order(rank, ranked[i - 1]?.rank ?? []) === 0 ? 1 : 0));
  const placed = ranked.map(({ reference, rank: [size = 0, ...rest] }, i) => ({
    reference,
    rank: [size, again[i] ?? 0, ...rest],
  }));
  return placed.sort((a, b) => order(a.rank, b.rank)).map(({ reference }) => reference);
}

/**
 * The shipped runs that a report is of where it is given none: of addition and of the remainders the first run and its twin on
 * shuffled labels, all of the largest p.
 */
export function leadingReferences(): Reference[] {
  const shipped = shippedReferences();
  const kinds = shipped.map((reference) => {
    const { config } = openAnyRun(reference.path).header;
    const { task, p } = config;
    return {
      reference,
      kind: task === "masked" || task === "joint" ? "" : `${task === "nanda" ? "nanda" : "miiii"} ${hasShuffledLabels(config)}`,
      p,
    };
  });
  const most = Math.max(...kinds.map(({ p }) => p));
  const first = kinds.filter(
    ({ kind, p }, i) => kind !== "" && p === most && kinds.findIndex((other) => other.kind === kind) === i,
  );
  return first.map(({ reference }) => reference);
}
