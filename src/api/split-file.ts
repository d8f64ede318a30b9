import { readFileBytes } from "../checkpoint/index.ts";
import { ensure, MiiiiError, messageOf } from "../core/index.ts";

/**
 * The training samples that a JSON file names: a list of grid indices (x0·p + x1), by itself or as `train` of an object. Whether they
 * lie in the grid is checked where p is known.
 */
export function readSplit(path: string): Int32Array {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(readFileBytes(path)));
  } catch (error) {
    if (error instanceof MiiiiError) throw error;
    throw new MiiiiError("input", `${path}: must be JSON: ${messageOf(error)}`, { cause: error });
  }
  const list = Array.isArray(value) ? value : (value as { train?: unknown } | null)?.train;
  ensure(
    Array.isArray(list) && list.length > 0,
    "input",
    () => `${path}: must hold the training samples, a list or an object with a list "train"`,
  );
  const wrong = list.findIndex((index) => !Number.isInteger(index) || (index as number) < 0);
  ensure(wrong < 0, "input", () => `${path}: train[${wrong}] must be an index of a sample, got ${JSON.stringify(list[wrong])}`);
  ensure(new Set(list).size === list.length, "input", () => `${path}: train must name each sample once`);
  return Int32Array.from(list as number[]);
}
