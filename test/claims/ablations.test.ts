import assert from "node:assert/strict";
import { test } from "node:test";
import { inPaper, judge, miiii, trained } from "../helpers/judged.ts";

test("ablations of the recipe are held against a comparable run, trained for as long", () => {
  const never = trained("no-grokfast", (q) => (q < 5 ? 300 : null), 65_536);
  assert.equal(judge("no-grokfast", [miiii, never]).verdict, "reproduced");
  assert.match(judge("no-grokfast", [never]).why ?? "", /no run of miiii/);
  assert.match(
    judge("no-grokfast", [miiii, trained("no-grokfast", () => null, 9000)]).why ?? "",
    /mean accuracy of a comparable miiii run .* ≥ 0\.90; got 0\.15$/,
  );
  // Where the recipe itself takes but some heads there, it counts what these had reached by the same epoch.
  const half = trained("miiii", (q) => (q < 53 ? inPaper(q) : null), 65_536);
  assert.match(judge("no-grokfast", [half, never]).why ?? "", /by this run's last epoch ≥ 0\.90; got 0\.\d\d$/);
  assert.match(judge("no-grokfast", [half, miiii, never]).none, /^with Grokfast 1\.00, 29 of 29 \(miiii\)$/);
  assert.equal(judge("no-grokfast", [miiii, trained("no-grokfast", (q) => (q < 70 ? 300 : null), 65_536)]).verdict, "partly");
  assert.equal(judge("no-grokfast", [miiii, trained("no-grokfast", inPaper, 65_536)]).verdict, "not reproduced");
  assert.match(
    judge("no-grokfast", [miiii, trained("no-grokfast", () => null, 65_536, { lr: 1e-3 })]).why ?? "",
    /same settings/,
  );
  assert.equal(judge("no-dropout", [miiii, trained("no-dropout", (q) => (q < 5 ? 300 : null), 65_536)]).verdict, "reproduced");
  assert.match(judge("no-dropout", [miiii, trained("no-dropout", () => null, 65_536)]).none, /^with dropout 29 of 29 .* 1\.00/);
  assert.equal(judge("no-dropout", [miiii, trained("no-dropout", (q) => (q < 7 ? 300 : null), 65_536)]).verdict, "partly");
  assert.equal(
    judge("no-dropout", [miiii, trained("no-dropout", (q) => (q < 7 ? 300 : null), 65_536, {}, 0.5)]).verdict,
    "not reproduced",
  );
});
