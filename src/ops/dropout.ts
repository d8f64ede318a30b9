import { counterHash, float32, type NdArray, sizeOf } from "../core/index.ts";
import type { DropoutSpec } from "./ops.ts";

/**
 * One step's mask, 0 or 1/(1−rate). An entry is dropped where the counter hash of (seed, step, site, index) is below rate·2³²; index is the
 * entry's place in the mask. Every runtime makes the same bits.
 */
export function dropoutMask({ seed, site, rate }: DropoutSpec, step: number, shape: readonly number[]): NdArray<"float32"> {
  const threshold = rate * 2 ** 32;
  const kept = 1 / (1 - rate);
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => (counterHash(seed, step, site, i) < threshold ? 0 : kept));
  return float32(data, shape);
}
