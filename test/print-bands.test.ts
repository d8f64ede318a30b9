import assert from "node:assert/strict";
import { test } from "node:test";
import { bandsOf } from "../src/report/bands.ts";

test("rows of a drawing: what overlaps or stands close is one row, whatever the order", () => {
  const title = [0, 12] as const;
  const panel = [20, 120] as const;
  const tick = [118, 131] as const;
  const next = [155, 160] as const;
  assert.deepEqual(bandsOf([next, panel, tick, title]), [
    [0, 131],
    [155, 160],
  ]);
  assert.deepEqual(bandsOf([panel, [0, 300]]), [[0, 300]]);
  assert.deepEqual(bandsOf([]), []);
});
