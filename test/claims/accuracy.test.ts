import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, miiii, trained } from "../helpers/judged.ts";

test("training: all heads grok", () => {
  assert.equal(judge("all-heads", [miiii]).verdict, "reproduced");
  assert.equal(judge("grokking-miiii", [miiii]).verdict, "reproduced");
  for (const [epoch, verdict] of [
    [9000, "reproduced"],
    [12, "not reproduced"],
  ] as const)
    assert.equal(judge("grokking-nanda", [trained("nanda", () => epoch, 10_000)]).verdict, verdict);
});

test("where a schedule lets tasks in late, grokking is counted over the others", () => {
  const late = { late_primes: [2, 3, 5, 7], late_epoch: 40_000 };
  const scheduled = trained("miiii", (q) => (q < 11 ? 41_000 : 30_000), 65_536, late);
  assert.equal(judge("all-heads", [scheduled]).verdict, "reproduced");
  assert.match(judge("grokking-miiii", [scheduled]).ours, /: 25 of 25 tasks/);
});
