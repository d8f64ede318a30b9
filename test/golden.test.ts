import assert from "node:assert/strict";
import { test } from "node:test";
import { computeGolden, GOLDEN_RUNS, goldenPath, readGolden } from "./helpers/golden.ts";

test("the runs are shipped that the goldens are of", () => {
  for (const run of ["nanda", "nanda-shuffled", "miiii-fast", "miiii-fast-v1", "basis-fast", "miiii-p53"])
    assert.ok(GOLDEN_RUNS.includes(run), run);
});

for (const run of GOLDEN_RUNS) {
  test(`the shipped run ${run} gives what it gave`, async () => {
    const [expected, actual] = [readGolden(run), await computeGolden(run)];
    const renew = `; if that is meant, renew with: npm run goldens -- ${run}, and say why in the commit (${goldenPath(run)})`;
    assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort(), `analyses differ${renew}`);
    for (const [analysis, metrics] of Object.entries(expected)) {
      const now = actual[analysis] ?? {};
      assert.deepEqual(Object.keys(now).sort(), Object.keys(metrics).sort(), `${analysis}: metrics differ${renew}`);
      for (const [name, value] of Object.entries(metrics)) {
        const got = now[name] ?? Number.NaN;
        // Float64 throughout; other processors order sums otherwise. Losses near 1e-8 are differences of logits near 20.
        const close = Math.abs(got - value) <= 1e-9 + 1e-6 * Math.abs(value);
        assert.ok(close, `${analysis}.${name}: expected ${value}, got ${got}${renew}`);
      }
    }
  });
}
