import assert from "node:assert/strict";
import type { NdArray } from "../../src/core/index.ts";
import { PARAMETER_NAMES, type RunConfig } from "../../src/model/index.ts";
import type { Runtime } from "../../src/runtimes/index.ts";
import { initialState, type TrainState, train } from "../../src/train/index.ts";

/** The state after a run's last epoch. */
export async function finalState(options: Parameters<typeof train>[0]): Promise<TrainState> {
  let last: TrainState | undefined;
  for await (const event of train(options)) if (event.type === "state") last = event.state;
  return last ?? assert.fail("no state");
}

/** Trains a configuration to its end. */
export type Trainer = (config: RunConfig) => Promise<TrainState>;

/** Trains on one runtime from the beginning. */
export function trainsOn(runtime: Runtime): Trainer {
  return (config) => finalState({ config, runtime, omega: false });
}

/** Euclidean distance of two tensors. */
export function distance(a: NdArray, b: NdArray): number {
  return Math.hypot(...Array.from(a.data, (value, i) => value - (b.data[i] as number)));
}

/**
 * Fails unless two trainers end at the same weights: per tensor, less than 1e-5 of the way that it moved apart, in the median of
 * the seeds. Where a pre-activation is within rounding of zero, its ReLU opens in one runtime and not in the other, and the two
 * part from there (by 1e-2 of the way in a hundred steps). That takes chance, about one run of a hundred steps in sixteen; a
 * difference in what is computed would part every pair.
 */
export async function assertTrainAlike(
  a: Trainer,
  b: Trainer,
  config: RunConfig,
  seeds: readonly number[] = [0, 1, 2],
): Promise<void> {
  const apart: Record<string, number[]> = {};
  for (const seed of seeds) {
    const seeded = { ...config, seed };
    const [left, right] = [await a(seeded), await b(seeded)];
    const start = initialState(seeded).parameters;
    for (const name of PARAMETER_NAMES) {
      const moved = distance(left.parameters[name], start[name]);
      assert.ok(moved > 0.01, `${name} moved ${moved}`);
      apart[name] = [...(apart[name] ?? []), distance(left.parameters[name], right.parameters[name]) / moved];
    }
  }
  for (const [name, values] of Object.entries(apart)) {
    const median = values.toSorted((x, y) => x - y)[values.length >> 1] ?? Number.NaN;
    assert.ok(median < 1e-5, `${name}: ${values.map((each) => each.toExponential(1)).join(", ")} of the way`);
  }
}
