import assert from "node:assert/strict";
import { test } from "node:test";
import { stated } from "../src/analyses/kit/text.ts";

const runs = (...labels: string[]) => labels.map((label) => ({ label }));
const in_ = (labels: readonly string[]) => (run: { readonly label: string }) => labels.includes(run.label);

test("a statement names the runs of which it holds and those of which it does not", () => {
  assert.equal(stated("It holds", runs("a"), in_(["a"])), "It holds in a");
  assert.equal(stated("It holds", runs("a", "b", "c"), in_(["a", "c"])), "It holds in a and c, not in b");
  assert.equal(stated("It holds", runs("a", "b", "c", "d"), in_(["a"])), "It holds in a, not in b, c or d");
  assert.equal(stated("It holds", runs("a", "b"), in_([])), "It holds: not in a or b");
});

test("of many runs it says how many", () => {
  const many = runs("a", "b", "c", "d", "e");
  assert.equal(stated("It holds", many, in_(["a", "e"])), "It holds in 2 of the 5 runs");
  assert.equal(stated("It holds", many, in_([])), "It holds: not in any of the 5 runs");
});
