import assert from "node:assert/strict";
import { test } from "node:test";
import { benchStep } from "../scripts/lib/steps.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { presetConfig } from "../src/train/index.ts";

test("a training step is the same, bit for bit, on any number of threads and in any session", async () => {
  // Large enough for products that are shared out among threads, and for more than one block of samples.
  const config = presetConfig("miiii", { p: 61, d_model: 256, warmup: 0 });
  const losses: number[][][] = [];
  for (const threads of [1, 2, 2]) {
    const step = await benchStep(onnxRuntime({ threads }), config);
    losses.push(await step.run(2));
    await step.dispose();
  }
  for (const each of losses) assert.deepEqual(each, losses[0]);
  assert.notDeepEqual(losses[0]?.[0], losses[0]?.[1]);
});
