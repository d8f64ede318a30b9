import { parseJsonBytes, shownValue } from "../checkpoint/formats/strict-json.ts";
import { readFileBytes } from "../checkpoint/index.ts";
import { ensure } from "../core/index.ts";

/** The grid of the largest p, 251. */
const MAX_SAMPLES = 251 ** 2;

/**
 * The training samples that a JSON file names: a list of grid indices (x0·p + x1), by itself or as `train` of an object. Whether they
 * lie in the grid is checked where p is known.
 */
export function readSplit(path: string): Int32Array {
  const value = parseJsonBytes(readFileBytes(path), path);
  const list = Array.isArray(value) ? value : (value as { train?: unknown } | null)?.train;
  ensure(
    Array.isArray(list) && list.length > 0,
    "input",
    () => `${path}: must hold the training samples, a list or an object with a list "train"`,
  );
  const wrong = list.findIndex((index) => !Number.isInteger(index) || (index as number) < 0 || (index as number) >= MAX_SAMPLES);
  ensure(
    wrong < 0,
    "input",
    () => `${path}: train[${wrong}] must be an index of a sample, 0 to p² − 1, got ${shownValue(list[wrong])}`,
  );
  ensure(new Set(list).size === list.length, "input", () => `${path}: train must name each sample once`);
  return Int32Array.from(list as number[]);
}
