import assert from "node:assert/strict";
import { test } from "node:test";
import { ticksOf } from "../src/train/ticks.ts";

test("ticks: the first and the last epoch are logged; statistics that need the next epoch end one before the last", () => {
  const { metrics, omega, checkpoints } = ticksOf(64);
  for (const ticks of [metrics, checkpoints]) assert.ok(ticks.has(0) && ticks.has(64));
  assert.ok(omega.has(32) && omega.has(1) && !omega.has(64) && !omega.has(0));
  assert.deepEqual(
    [1, 2, 4, 8, 16, 32].filter((epoch) => !checkpoints.has(epoch)),
    [],
  );
});
