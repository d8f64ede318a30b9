import assert from "node:assert/strict";
import { test } from "node:test";
import { external } from "../scripts/peers/external.ts";
import { passes } from "../scripts/peers/rows.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";

const missing = external.missing?.();

test("outside check: analyses of the public checkpoint give the reference's values (1e-6 for weights, 1e-4 for activations and losses)", {
  skip: missing === undefined ? false : `${missing} is not there`,
}, async () => {
  // Of the comparison's context this check takes the runtime alone; it asks Python nothing.
  const models = { runtime: onnxRuntime({ threads: 2 }) };
  const rows = await external.run({ models } as unknown as Parameters<typeof external.run>[0]);
  assert.equal(rows.length, 37, "every value of the reference that has a counterpart");
  const failed = rows.filter((row) => !passes(row));
  assert.deepEqual(
    failed.map(({ quantity, ours, peer, difference }) => `${quantity}: ${ours}, reference ${peer} (${difference})`),
    [],
  );
});
