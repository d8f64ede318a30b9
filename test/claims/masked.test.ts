import assert from "node:assert/strict";
import { test } from "node:test";
import { few, judge, miiii, trained } from "../helpers/judged.ts";

test("a masked run is held against a comparable run, trained for as long", () => {
  const masked = trained("masked", (q) => (q < 23 ? 1000 + q : 41_000), 65_536);
  assert.equal(judge("masked-first", [masked]).verdict, "reproduced");
  assert.equal(judge("masked-delay", [miiii, masked]).verdict, "reproduced");
  const soon = trained("masked", (q) => 20_000 + q, 65_536);
  assert.match(judge("masked-delay", [miiii, soon]).why ?? "", /^sooner, not later$/);
  // One dip after the first crossing moves a task in the order of staying, not in that of arriving.
  const dip = { ...masked, results: { ...masked.results } };
  const curves = masked.results.curves?.result as unknown as {
    readonly q: readonly number[];
    readonly grok_epoch: readonly number[];
  };
  const grok_epoch = curves.grok_epoch.map((epoch, h) => (curves.q[h] === 17 ? 50_000 : epoch));
  dip.results.curves = { metrics: masked.results.curves?.metrics ?? {}, result: { ...curves, grok_epoch } as never };
  assert.equal(judge("masked-first", [dip]).verdict, "reproduced");
  assert.match(judge("masked-first", [dip]).ours, /staying there: 11 \(1011\), 13 \(1013\), 19 \(1019\), 23 \(41,000\)$/);
  // A run of the same seed is the one to compare with, whatever another seed has reached.
  const quick = { ...trained("miiii", () => 30, 65_536, { seed: 1 }), label: "quick" };
  assert.match(judge("masked-delay", [quick, miiii, masked]).ours, /times miiii's/);
  assert.match(judge("masked-delay", [quick, masked]).ours, /times quick's/);
  const late = trained("masked", (q) => (q === 109 ? 10 : q === 13 || q === 17 ? 20 : 64_000), 65_536);
  assert.equal(judge("masked-first", [late]).verdict, "partly");
  assert.equal(judge("masked-delay", [miiii, late]).verdict, "partly");
});

test("small moduli have too few heads for claims about their order", () => {
  assert.match(judge("masked-first", [few("masked", 19, 23)]).why ?? "", /trained tasks of q > 7 ≥ 8; got 4$/);
});
