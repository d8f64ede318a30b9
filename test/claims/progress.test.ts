import assert from "node:assert/strict";
import { test } from "node:test";
import { assertVerdicts, judge, runOf } from "../helpers/judged.ts";

test("verdicts follow from the numbers by the stated rules", () => {
  assertVerdicts([
    ["nanda-sparsity", "nanda", "progress", { W_E_gini: 0.6, W_E_gini_first: 0.07, W_E_gini_null: 0.1 }, "reproduced"],
    ["nanda-sparsity", "nanda", "progress", { W_E_gini: 0.08, W_E_gini_first: 0.07, W_E_gini_null: 0.1 }, "not reproduced"],
  ]);
});

test("the circuit is there before generalisation", () => {
  const progress = (circuit: number | null) =>
    runOf(
      "nanda",
      {},
      {
        progress: {
          epochs: Array.from({ length: 12 }, (_, i) => 1000 * i),
          restricted_epoch: [circuit],
          generalised_epoch: [8000],
        },
      },
    );
  assert.equal(judge("nanda-circuit-first", [progress(4000)]).verdict, "reproduced");
  assert.equal(judge("nanda-circuit-first", [progress(null)]).verdict, "not reproduced");
});
