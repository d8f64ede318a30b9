import { counterHash, mix32, type NdArray } from "../core/index.ts";
import type { RunConfig } from "../model/index.ts";

/** The two places at which dropout acts, as the hash's `site`. */
const SITES = { drop_mid: 0, drop_post: 1 } as const;

/**
 * One step's masks, 0 or 1/(1−rate): [1 or batch, d_model]. An entry is dropped where the counter hash of (seed, step, site, index) is
 * below rate·2³²; index is the entry's place in the mask.
 */
export function dropoutMasks(config: RunConfig, step: number, batch: number): Record<keyof typeof SITES, NdArray<"float32">> {
  const rows = config.dropout_mask === "step" ? 1 : batch;
  const seed = mix32(config.seed ^ 0x64726f70); // a stream apart from the other uses of the seed
  const threshold = config.dropout * 2 ** 32;
  const kept = 1 / (1 - config.dropout);
  const mask = (site: number): NdArray<"float32"> => ({
    dtype: "float32",
    shape: [rows, config.d_model],
    data: Float32Array.from({ length: rows * config.d_model }, (_, i) =>
      counterHash(seed, step, site, i) < threshold ? 0 : kept,
    ),
  });
  return { drop_mid: mask(SITES.drop_mid), drop_post: mask(SITES.drop_post) };
}
