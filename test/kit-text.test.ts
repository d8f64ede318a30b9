import assert from "node:assert/strict";
import { test } from "node:test";
import { fixed, percent, short, stated } from "../src/analyses/kit/text.ts";

const runs = (...labels: string[]) => labels.map((label) => ({ label }));
const in_ = (labels: readonly string[]) => (run: { readonly label: string }) => labels.includes(run.label);

test("a statement names the runs of which it holds and those of which it does not", () => {
  assert.equal(stated("It holds", runs("a"), in_(["a"])), "It holds in a");
  assert.equal(stated("It holds", runs("a", "b", "c"), in_(["a", "c"])), "It holds in a and c, not in b");
  assert.equal(stated("It holds", runs("a", "b", "c", "d"), in_(["a"])), "It holds in a, not in b, c or d");
  assert.equal(stated("It holds", runs("a", "b"), in_([])), "Not in a or b: it holds");
});

test("of many runs it says how many", () => {
  const many = runs("a", "b", "c", "d", "e");
  assert.equal(stated("It holds", many, in_(["a", "e"])), "It holds in 2 of the 5 runs");
  assert.equal(stated("It holds", many, in_([])), "Not in any of the 5 runs: it holds");
});

test("numbers of sentences are written as axes write theirs: a true minus, commas from 10,000 on", () => {
  assert.deepEqual(
    [-0.7912, 12_345, 9999, 1.04e-8, -3.2e6, 0].map((value) => short(value)),
    ["−0.791", "12,300", "10,000", "1.0e−8", "−3.2e+6", "0"],
  );
  assert.deepEqual([fixed(-0.7912, 2), fixed(0.5, 2)], ["−0.79", "0.50"]);
});

test("what is not all is never 100 %", () => {
  assert.deepEqual([0, 0.034, 0.5, 0.994, 0.9958, 0.99979, 0.999999, 1].map(percent), [
    "0 %",
    "3.4 %",
    "50 %",
    "99 %",
    "99.5 %",
    "99.97 %",
    "99.99 %",
    "100 %",
  ]);
});
