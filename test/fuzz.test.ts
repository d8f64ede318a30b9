import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzz } from "./helpers/fuzz.ts";

test("500 mutants of all formats are read or refused with a clear error, and nothing else", (t) => {
  const { counts, failures } = fuzz(500, 20_000, () => performance.now());
  assert.deepEqual(failures, []);
  const total = Object.values(counts).reduce((sum, { ok, refused }) => ({ ok: sum.ok + ok, refused: sum.refused + refused }), {
    ok: 0,
    refused: 0,
  });
  t.diagnostic(`${total.ok} read, ${total.refused} refused`);
  assert.equal(total.ok + total.refused, 500);
  // Mutants that are all refused at once would have tested nothing.
  assert.ok(total.ok >= 20, `${total.ok}`);
});
