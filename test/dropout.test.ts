import assert from "node:assert/strict";
import { test } from "node:test";
import { counterHash, int32, mix32 } from "../src/core/index.ts";
import { stepProgram } from "../src/model/index.ts";
import { dropoutMask } from "../src/ops/index.ts";
import { headsOf } from "../src/tasks/index.ts";
import { presetConfig } from "../src/train/index.ts";

const rate = 0.2;
const shape = [200, 50];
const entries = 10_000;
const maskOf = (seed: number, step: number, site: number) => dropoutMask({ seed, site, rate }, step, shape).data;
/** How far a share of n draws with probability p is from p in 999 cases of 1,000, at most. */
const slack = (p: number, n: number) => 3.3 * Math.sqrt((p * (1 - p)) / n);

test("dropout keeps the mean: entries are 0 at the rate, else 1/(1 − rate)", () => {
  const mask = maskOf(1, 7, 0);
  const kept = Array.from(mask).filter((value) => value !== 0);
  assert.ok(kept.every((value) => value === Math.fround(1 / (1 - rate))));
  const share = kept.length / entries;
  assert.ok(Math.abs(share - (1 - rate)) < slack(rate, entries), `${share}`);
});

test("an entry is dropped by the counter hash of seed, step, site and its place, for every sample its own", () => {
  for (const [seed, step, site] of [
    [1, 7, 0],
    [5, 12_000, 1],
  ] as const) {
    const expected = Array.from({ length: entries }, (_, i) => (counterHash(seed, step, site, i) < rate * 2 ** 32 ? 0 : 1.25));
    assert.deepEqual(Array.from(maskOf(seed, step, site)), expected);
  }
});

test("masks of other seeds, steps, sites and samples agree as often as chance", () => {
  const mask = maskOf(1, 7, 0);
  const chance = rate ** 2 + (1 - rate) ** 2;
  const others = { seed: maskOf(2, 7, 0), step: maskOf(1, 8, 0), site: maskOf(1, 7, 1) };
  for (const [name, other] of Object.entries(others)) {
    const agree = mask.filter((value, i) => value === other[i]).length / entries;
    assert.ok(Math.abs(agree - chance) < slack(chance, entries), `${name}: ${agree}`);
  }
  // Along the samples as well: an entry and the one of the next sample.
  const next = mask.filter((value, i) => i < entries - 50 && value === mask[i + 50]).length / (entries - 50);
  assert.ok(Math.abs(next - chance) < slack(chance, entries), `next sample: ${next}`);
});

test("a step has a mask for each site: of one row for all samples, or of a row a sample; the seed is the run's", () => {
  for (const [dropout_mask, rows] of [
    ["step", 1],
    ["sample", 6],
  ] as const) {
    const config = { ...presetConfig("miiii", { p: 5, d_model: 8, n_heads: 2, seed: 3 }), dropout: rate, dropout_mask };
    const heads = headsOf(config);
    const columns = int32(
      Array.from({ length: 6 * heads.length }, () => 0),
      [6, heads.length],
    );
    const { inputs } = stepProgram(config, {
      rows0: int32([0, 1, 2, 3, 4, 0], [6]),
      rows1: int32([5, 6, 7, 8, 9, 6], [6]),
      columns,
    });
    const seed = mix32(3 ^ 0x64726f70);
    for (const [site, name] of ["drop_mid", "drop_post"].entries()) {
      const spec = inputs[name] ?? assert.fail(name);
      assert.deepEqual([spec.shape, spec.dropout], [[rows, 8], { seed, site, rate }]);
    }
  }
});
