import { ensure } from "../core/index.ts";
import type { OmegaRow } from "../math/index.ts";
import type { MetricsRow } from "../model/index.ts";
import { isObject, shownValue } from "./formats/strict-json.ts";

/** A line of a series over time. */
export interface EpochRow {
  readonly epoch: number;
}

/** One line of a run's `history.jsonl`: a stretch of training in one process. */
export interface HistoryRow {
  /** Completed epochs at its end. */
  readonly epoch: number;
  readonly from_epoch: number;
  readonly wall_seconds: number;
  readonly runtime: string;
  readonly device: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly interrupted: boolean;
  /** True where the process was killed: what is known is that of its last saved state. */
  readonly killed?: boolean;
}

/** No run is longer: loops over epochs end. */
export const MAX_EPOCH = 1e9;

/** Throws unless `value` is what a line of one kind must be; the message begins with `where`. */
export type RowCheck<T extends EpochRow> = (value: unknown, where: string) => asserts value is T;

/** Throws unless a line is an object with an epoch. */
export function checkEpoch(value: unknown, where: string): asserts value is EpochRow {
  ensure(isObject(value), "input", () => `${where}: must be an object with an epoch, got ${shownValue(value)}`);
  const { epoch } = value;
  ensure(
    Number.isSafeInteger(epoch) && (epoch as number) >= 0 && (epoch as number) <= MAX_EPOCH,
    "input",
    () => `${where}: must be an object with an epoch from 0 to ${MAX_EPOCH}, got ${shownValue(epoch)}`,
  );
}

function checkNumber(value: unknown, where: string): void {
  ensure(
    typeof value === "number" && Number.isFinite(value),
    "input",
    () => `${where}: must be a number, got ${shownValue(value)}`,
  );
}

/** The length of a list of numbers, which must be `length` where that is given. */
function checkNumbers(value: unknown, where: string, length?: number): number {
  ensure(Array.isArray(value), "input", () => `${where}: must be a list of numbers, got ${shownValue(value)}`);
  ensure(
    length === undefined || value.length === length,
    "input",
    () => `${where}: must hold ${length} numbers, got ${value.length}`,
  );
  value.forEach((entry, i) => checkNumber(entry, `${where}[${i}]`));
  return value.length;
}

function checkNorms(value: unknown, where: string): void {
  ensure(isObject(value), "input", () => `${where}: must map tensors to numbers, got ${shownValue(value)}`);
  for (const [name, norm] of Object.entries(value)) checkNumber(norm, `${where}.${name}`);
}

/** Throws unless a line of `metrics.jsonl` holds what a tick logs; lists over tasks are of one length. */
export function checkMetricsRow(value: unknown, where: string): asserts value is MetricsRow {
  checkEpoch(value, where);
  const row: { readonly [field: string]: unknown } = { ...(value as object) };
  let tasks: number | undefined;
  const checkScores = (scores: unknown, at: string) => {
    ensure(isObject(scores), "input", () => `${where}: ${at} must hold loss and accuracy, got ${shownValue(scores)}`);
    for (const name of ["loss", "accuracy"]) tasks = checkNumbers(scores[name], `${where}: ${at}.${name}`, tasks);
  };
  const sets = ["train", "validation"];
  for (const set of sets) checkScores(row[set], set);
  const { average, task_weights } = row;
  if (average !== undefined) {
    ensure(isObject(average), "input", () => `${where}: average must hold train and validation, got ${shownValue(average)}`);
    for (const set of sets) checkScores(average[set], `average.${set}`);
  }
  if (task_weights !== undefined) checkNumbers(task_weights, `${where}: task_weights`, tasks);
  checkNumber(row.objective, `${where}: objective`);
  checkNorms(row.weight_norms, `${where}: weight_norms`);
  for (const name of ["gradient_norms", "filtered_gradient_norms"]) {
    if (row[name] !== undefined) checkNorms(row[name], `${where}: ${name}`);
  }
}

const OMEGA_LISTS = ["sound_by_omega0", "sound_by_omega1", "nominal_by_omega0", "nominal_by_omega1"] as const;

/** Throws unless a line of `omega.jsonl` holds the frequency statistics of a tick. */
export function checkOmegaRow(value: unknown, where: string): asserts value is OmegaRow {
  checkEpoch(value, where);
  const row: { readonly [field: string]: unknown } = { ...(value as object) };
  for (const name of ["sound_mean", "nominal_mean"]) checkNumber(row[name], `${where}: ${name}`);
  let bins: number | undefined;
  for (const name of OMEGA_LISTS) bins = checkNumbers(row[name], `${where}: ${name}`, bins);
  const { paper_bins } = row;
  ensure(
    Array.isArray(paper_bins) && paper_bins.length <= 3,
    "input",
    () => `${where}: paper_bins must be at most three lists, got ${shownValue(paper_bins)}`,
  );
  paper_bins.forEach((list, i) => checkNumbers(list, `${where}: paper_bins[${i}]`, bins));
}

/** Throws unless a line of `history.jsonl` describes a stretch of training. */
export function checkHistoryRow(value: unknown, where: string): asserts value is HistoryRow {
  checkEpoch(value, where);
  const row: { readonly [field: string]: unknown } = { ...(value as object) };
  for (const name of ["from_epoch", "wall_seconds"]) checkNumber(row[name], `${where}: ${name}`);
  for (const name of ["runtime", "device"])
    ensure(typeof row[name] === "string", "input", () => `${where}: ${name} must be a string, got ${shownValue(row[name])}`);
  const { versions } = row;
  ensure(
    isObject(versions) && Object.values(versions).every((version) => typeof version === "string"),
    "input",
    () => `${where}: versions must map names to strings, got ${shownValue(versions)}`,
  );
}
