import { fillByCounterHash, float32, type NdArray, sizeOf } from "../core/index.ts";
import type { DropoutSpec } from "./ops.ts";

/**
 * One step's mask, 0 or 1/(1−rate). An entry is dropped where the counter hash of (seed, step, site, index) is below rate·2³²;
 * index is the entry's place in the mask. Every runtime makes the same bits.
 */
export function dropoutMask({ seed, site, rate }: DropoutSpec, step: number, shape: readonly number[]): NdArray<"float32"> {
  const data = new Float32Array(sizeOf(shape));
  fillByCounterHash(data, { seed, step, site }, rate * 2 ** 32, [0, 1 / (1 - rate)]);
  return float32(data, shape);
}
