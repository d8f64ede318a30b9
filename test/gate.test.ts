import assert from "node:assert/strict";
import { test } from "node:test";
import { gatedRuntime, makeGate, shutGate } from "../src/api/gate.ts";
import type { Program, Runtime } from "../src/runtimes/index.ts";

test("a gate shuts when the call under way has ended; a call after that waits for ever", async () => {
  let finish = (): void => undefined;
  const program: Program = {
    setState: () => undefined,
    getState: async () => ({}),
    run: () =>
      new Promise((resolve) => {
        finish = () => resolve([]);
      }),
    dispose: async () => undefined,
  };
  const runtime: Runtime = { name: "onnx", version: "0", device: "none", runsAtOnce: 1, compile: async () => program };
  const gate = makeGate();
  const gated = await gatedRuntime(runtime, gate).compile({ dtype: "float64", inputs: {}, build: () => ({}) });
  const events: string[] = [];
  const first = gated.run([]).then(() => events.push("first"));
  const shut = shutGate(gate).then(() => events.push("shut"));
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(events.join(), "");
  finish();
  await Promise.all([first, shut]);
  assert.equal(events.join(), "first,shut");
  void gated.run([]).then(() => events.push("late"));
  finish();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(events.join(), "first,shut");
});
