// 33 evenly spaced samples of each of Vega's color schemes: an image and the legend beside it show the same colors.
const VIRIDIS =
  "440154470d6048196b482373472d7b4537814240863f4a893b528b375a8c34638d306b8e2c728e297a8e27828e23898e21918d1f988b1f9f8821a78528ae8032b57b3ebc744dc26c5dc9636fce5882d34c96d840abdc32c0e025d5e21beae51bfde725";
const BLUEORANGE =
  "134b851c59932567a22d75b03b83b94990c1579dc869aacf7db6d691c3dda4cde3b4d6e7c5deecd4e6efdee9eee8edecf2f0ebf5ebdcf8e6ccfbe1bdfcd8a9fbcd93fbc37df7b767f2a952ec9b3ce48e2bd98120ce7416c2670db55d0ba75409994a07";

/** Which colors a value gets: `magnitude` (viridis, from low to high) or `signed` (blue to orange, symmetric about 0). */
export type Coloring = "magnitude" | "signed";

/** The palette of a coloring as `levels` RGB triples (2 to 256), [levels·3]. */
export function palette(coloring: Coloring, levels: number): Uint8Array {
  const hex = coloring === "signed" ? BLUEORANGE : VIRIDIS;
  const stops = hex.length / 6;
  const stop = (i: number, channel: number) => Number.parseInt(hex.slice(6 * i + 2 * channel, 6 * i + 2 * channel + 2), 16);
  const out = new Uint8Array(levels * 3);
  for (let level = 0; level < levels; level++) {
    const place = (level / (levels - 1)) * (stops - 1);
    const i = Math.min(Math.floor(place), stops - 2);
    for (let c = 0; c < 3; c++) out[3 * level + c] = Math.round(stop(i, c) + (place - i) * (stop(i + 1, c) - stop(i, c)));
  }
  return out;
}

/**
 * The domain that a color scale needs: [min, max] for magnitudes (from 0 where nothing is negative), [−m, m] for signed values.
 * A constant field gets a domain of width 1, so that no scale divides by zero.
 */
export function colorDomain(coloring: Coloring, values: Iterable<number>): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return coloring === "signed" ? [-1, 1] : [0, 1];
  if (coloring === "signed") {
    const reach = Math.max(Math.abs(low), Math.abs(high)) || 1;
    return [-reach, reach];
  }
  const bottom = Math.min(low, 0);
  return high > bottom ? [bottom, high] : [bottom, bottom + 1];
}
