import assert from "node:assert/strict";
import { test } from "node:test";
import { assertVerdicts, judge, PRIMES, runOf } from "../helpers/judged.ts";

test("verdicts follow from the numbers by the stated rules", () => {
  assertVerdicts([
    [
      "temporary-idle",
      "miiii",
      "course",
      { temporary_ablated: 9, temporary_needed: 2, temporary_needed_by_chance: 2, temporary_worst: 0.01 },
      "reproduced",
    ],
    [
      "temporary-idle",
      "miiii",
      "course",
      { temporary_ablated: 9, temporary_needed: 4, temporary_needed_by_chance: 2, temporary_worst: 0.01 },
      "partly",
    ],
    [
      "temporary-idle",
      "miiii",
      "course",
      { temporary_ablated: 9, temporary_needed: 5, temporary_needed_by_chance: 2, temporary_worst: 0.01 },
      "not reproduced",
    ],
    [
      "temporary-idle",
      "miiii",
      "course",
      { temporary_ablated: 2, temporary_needed: 0, temporary_needed_by_chance: 2, temporary_worst: 0.01 },
      "not tested",
    ],
  ]);
});

test("circuits come before accuracy, and some of them go again", () => {
  const run = (earlier: number, later: number, temporary = 0, checkpoints = 6) =>
    runOf(
      "miiii",
      { course: { checkpoints, circuit_earlier: earlier, circuit_later: later, pairs_temporary: temporary, pairs_in_use: 90 } },
      { course: { tasks: PRIMES } },
    );
  assert.equal(judge("circuit-first", [run(20, 1)]).verdict, "reproduced");
  assert.equal(judge("circuit-first", [run(20, 5)]).verdict, "partly");
  assert.equal(judge("circuit-first", [run(3, 1)]).verdict, "partly");
  assert.equal(judge("circuit-first", [run(3, 3)]).verdict, "not reproduced");
  assert.match(judge("circuit-first", [run(20, 1, 0, 3)]).why ?? "", /checkpoints ≥ 4; got 3$/);
  assert.equal(judge("temporary-circuits", [run(20, 1, 9)]).verdict, "reproduced");
  assert.equal(judge("temporary-circuits", [run(20, 1, 8)]).verdict, "partly");
  assert.equal(judge("temporary-circuits", [run(20, 1, 0)]).verdict, "not reproduced");
});
