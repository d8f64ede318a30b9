import assert from "node:assert/strict";
import { test } from "node:test";
import { few, inPaper, judge, miiii, trained } from "../helpers/judged.ts";

test("training: the simple first and in order, the rest together", () => {
  assert.equal(judge("simple-first", [miiii]).verdict, "reproduced");
  assert.equal(judge("rest-together", [miiii]).verdict, "reproduced");
  assert.equal(judge("rest-unordered", [miiii]).verdict, "reproduced");
  const swapped = trained("miiii", (q) => (q === 2 ? 650 : inPaper(q)), 65_536);
  assert.equal(judge("simple-first", [swapped]).verdict, "partly");
  const upside = trained("miiii", (q) => 10_000 - 10 * q, 65_536);
  assert.equal(judge("simple-first", [upside]).verdict, "not reproduced");
  const bySize = trained("miiii", (q) => 1000 * q, 200_000);
  assert.equal(judge("rest-together", [bySize]).verdict, "not reproduced");
  assert.equal(judge("rest-unordered", [bySize]).verdict, "not reproduced");
  assert.match(judge("rest-unordered", [trained("miiii", (q) => 30_000 + q, 65_536)]).why ?? "", /smaller moduli come earlier/);
  assert.match(judge("rest-unordered", [trained("miiii", (q) => 30_000 - q, 65_536)]).why ?? "", /larger moduli come earlier/);
  const both = judge("simple-first", [miiii, { ...swapped, label: "second" }]);
  assert.equal(both.verdict, "partly");
  assert.match(
    both.ours,
    /miiii: by 3 of 3 rules; first ≥ 0\.99: 2 \(200\).*; second: by 0 of 3 rules; first ≥ 0\.99: 3 \(300\)/,
  );
});

test("where a schedule lets tasks in late, their order is no evidence", () => {
  const late = { late_primes: [2, 3, 5, 7], late_epoch: 40_000 };
  const scheduled = trained("miiii", (q) => (q < 11 ? 41_000 : 30_000), 65_536, late);
  const why = /schedule, not the model, decides when q = 2, 3, 5, 7 come/;
  assert.match(judge("simple-first", [scheduled]).why ?? "", why);
  assert.equal(judge("rest-together", [scheduled]).verdict, "reproduced");
  const harder = trained("miiii", () => 30_000, 65_536, { ...late, late_primes: [2, 101] });
  assert.match(judge("rest-unordered", [harder]).why ?? "", /decides when q = 101 come/);
});

test("small moduli have too few heads for claims about their order", () => {
  assert.match(judge("simple-first", [few("miiii", 11, 13)]).why ?? "", /tasks of q > 7 ≥ 4; got 1$/);
  assert.match(judge("rest-together", [few("miiii", 11, 13)]).why ?? "", /≥ 6; got 1$/);
});
