import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, runOf, trained } from "../helpers/judged.ts";

test("a run that has not generalised, or was stopped early, says nothing about solutions", () => {
  const young = runOf("nanda", {
    curves: { validation_accuracy: 0.3, epochs: 500 },
    fourier: { key_frequencies: 40, key_share: 1, null_share: 0 },
  });
  const { verdict, why } = judge("fourier-nanda", [young]);
  assert.equal(verdict, "not tested");
  assert.match(why ?? "", /validation accuracy 0\.30 at epoch 500/);
  const lone = runOf("nanda", { mechanism: { loss: 4.5 }, fourier: { key_frequencies: 5, key_share: 0.9, null_share: 0.03 } });
  assert.equal(judge("fourier-nanda", [lone]).verdict, "not tested");
  const solved = runOf("nanda", { mechanism: { loss: 1e-6 }, fourier: { key_frequencies: 5, key_share: 0.9, null_share: 0.03 } });
  assert.equal(judge("fourier-nanda", [solved]).verdict, "reproduced");
  const stopped = trained("miiii", (q) => (q === 2 ? 50 : null), 900);
  assert.match(judge("all-heads", [stopped]).why ?? "", /900 of 65,536 planned/);
  assert.equal(judge("all-heads", [trained("miiii", (q) => (q === 2 ? 50 : null), 65_536)]).verdict, "not reproduced");
});

test("a lone checkpoint is judged by its loss on samples it was not trained on, where these are known", () => {
  const alone = (test: number | undefined) =>
    runOf(
      "nanda",
      { mechanism: { loss: 0.9 }, fourier: { key_frequencies: 5, key_share: 0.9, null_share: 0.03 } },
      { mechanism: { kind: "addition", loss: { all: 0.9, ...(test === undefined ? {} : { test }) } } },
    );
  assert.equal(judge("fourier-nanda", [alone(undefined)]).verdict, "reproduced");
  assert.match(judge("fourier-nanda", [alone(9)]).why ?? "", /mean loss 9\.00, 4\.73 for a uniform guess/);
});
