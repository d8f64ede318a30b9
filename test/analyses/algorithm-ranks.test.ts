import assert from "node:assert/strict";
import { test } from "node:test";
import { RANK_DRAWS, rankControl } from "../../src/analyses/algorithm/rank-control.ts";
import { at, randomStream } from "../../src/core/index.ts";
import { spearman } from "../../src/math/index.ts";
import { assertAllClose } from "../helpers/assert.ts";

const MODULI = [11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47];

test("what is left beside q is the partial rank correlation by its textbook formula", () => {
  const random = randomStream(3, "ranks");
  for (let draw = 0; draw < 20; draw++) {
    const [ratio, accuracy] = [MODULI.map((q) => random.normal() - q / 20), MODULI.map((q) => random.normal() - q / 20)];
    const sizes = MODULI.map((q) => -q);
    const [xy, xz, yz] = [spearman(ratio, accuracy), spearman(ratio, sizes), spearman(accuracy, sizes)];
    const found = rankControl(ratio, accuracy, MODULI, 0);
    assertAllClose([found?.partial_correlation ?? Number.NaN], [(xy - xz * yz) / Math.sqrt((1 - xz ** 2) * (1 - yz ** 2))]);
    assert.equal(found?.modulus_correlation, yz);
  }
});

test("two measures that fall with q alone are found to say nothing beyond it, at the stated rate; one that says more is found", () => {
  const random = randomStream(5, "ranks");
  let alarms = 0;
  const RUNS = 200;
  for (let run = 0; run < RUNS; run++) {
    const [ratio, accuracy] = [MODULI.map((q) => -q + 12 * random.normal()), MODULI.map((q) => -q + 4 * random.normal())];
    if ((rankControl(ratio, accuracy, MODULI, run)?.probability ?? 1) <= 0.05) alarms++;
  }
  assert.ok(alarms / RUNS < 0.1, `${alarms} of ${RUNS} at 0.05`);
  const ratio = MODULI.map((q) => -q + 12 * random.normal());
  const found = rankControl(ratio, ratio, MODULI, 0);
  assert.ok((found?.partial_correlation ?? 0) > 1 - 1e-9 && found?.probability === 1 / (RANK_DRAWS + 1));
});

test("where q explains every rank, or all accuracies are one, nothing is left; three tasks are too few", () => {
  const fall = MODULI.map((q) => 1 / q);
  for (const accuracy of [fall, MODULI.map(() => 1)]) {
    const found = rankControl(
      MODULI.map((_, i) => at([3, 1, 2], i % 3)),
      accuracy,
      MODULI,
      0,
    );
    assert.deepEqual([found?.partial_correlation, found?.probability], [0, 1]);
  }
  assert.equal(rankControl([1, 2, 3], [1, 2, 3], [11, 13, 17], 0), null);
});
