import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, type Metrics, runOf } from "../helpers/judged.ts";

const ablated = (own: number, others: number, embedding_others: number) => ({
  own_accuracy_lost: own,
  other_accuracy_lost: others,
  null_accuracy_lost: 0.02,
  null_other_accuracy_lost: 0.01,
  embedding_own_accuracy_lost: 0.5,
  embedding_other_accuracy_lost: embedding_others,
});

test("circuits are reused by part: neurons, embedding, attention heads", () => {
  const run = (metrics: Metrics, lost: readonly (readonly number[])[]) =>
    runOf("miiii", { circuits: metrics }, { circuits: { attention: { accuracy_lost: lost } } });
  const all = [
    [0.5, 0.4],
    [0.3, 0.2],
  ];
  const none = [
    [0.05, 0],
    [0, 0.09],
  ];
  assert.equal(judge("circuits-reused", [run(ablated(0.4, 0.3, 0.3), all)]).verdict, "reproduced");
  assert.equal(judge("circuits-reused", [run(ablated(0.4, 0.003, 0.3), all)]).verdict, "partly");
  assert.equal(judge("circuits-reused", [run(ablated(0.4, 0.003, 0.003), none)]).verdict, "not reproduced");
  assert.equal(judge("circuits-reused", [run(ablated(0.01, 0.003, 0.3), all)]).verdict, "not tested");
});
