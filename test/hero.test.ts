import assert from "node:assert/strict";
import { test } from "node:test";
import type { EmergenceResult } from "../src/analyses/emergence/compute.ts";
import { checkpointAt } from "../src/report/hero.ts";

test("the first figure shows the last checkpoint by an epoch; a twin stopped a little later shows its last one at the run's end", () => {
  const kept = { epochs: [0, 1024, 8000, 12_214] } as unknown as EmergenceResult;
  assert.deepEqual(
    [0, 1000, 1024, 7900, 8000, 12_000, 12_184, 20_000].map((epoch) => kept.epochs[checkpointAt(kept, epoch)]),
    [0, 0, 1024, 1024, 8000, 8000, 12_214, 12_214],
  );
});
