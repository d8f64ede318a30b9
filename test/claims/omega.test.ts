import assert from "node:assert/strict";
import { test } from "node:test";
import { inPaper, judge, miiii, runOf, trained } from "../helpers/judged.ts";

const OMEGA = (peak: number, peakEpoch: number) => ({
  epochs: [0, 500, 20_000, 41_000, 65_536],
  sound: { mean: [0.1, 8, 9, peak, 9], peak: { epoch: peakEpoch, value: peak }, final: 9 },
  paper: { table: [0, 0, 10, 18, 10].map((printed, i) => ({ epoch: 4 ** (4 + i), printed, tick: 1, count: printed + 2 })) },
  null: { sound: 0.03, paper_amplitude_peak: 57 },
});

test("active frequencies through training", () => {
  const metrics = (peak: number, epoch: number) => ({
    sound_peak: peak,
    sound_peak_epoch: epoch,
    sound_final: 9,
    sound_null: 0.03,
    sound_reference: 14.5,
    paper_amplitude_peak: 57,
  });
  const withOmega = (peak: number, epoch: number, base = miiii) => ({
    ...base,
    results: { ...base.results, omega: { metrics: metrics(peak, epoch), result: OMEGA(peak, epoch) as never } },
  });
  assert.equal(judge("omega-phases", [withOmega(20, 41_000)]).verdict, "reproduced");
  assert.equal(judge("omega-phases", [withOmega(9, 41_000)]).verdict, "partly");
  const some28 = trained("miiii", (q) => (q === 109 ? null : inPaper(q)), 65_536);
  for (const id of ["omega-phases", "omega-when"])
    assert.match(judge(id, [withOmega(20, 41_000, some28)]).why ?? "", /≥ number of tasks; got 28, number of tasks 29$/);
  const addition = (peak: number) => runOf("nanda", { omega: metrics(peak, 7000) }, { omega: OMEGA(peak, 7000) });
  assert.equal(judge("omega-nanda", [addition(18)]).verdict, "not reproduced");
  assert.equal(judge("omega-nanda", [addition(10)]).verdict, "reproduced");
  assert.equal(judge("omega-when", [withOmega(20, 41_000)]).verdict, "reproduced");
  assert.equal(judge("omega-when", [withOmega(20, 500)]).verdict, "not reproduced");
  assert.match(judge("omega-when", [withOmega(9, 41_000)]).why ?? "", /no spike/);
  assert.equal(judge("omega-table", [withOmega(20, 41_000)]).verdict, "reproduced");
  const fast = trained("miiii-fast", inPaper, 65_536);
  assert.match(judge("omega-table", [withOmega(20, 41_000, fast)]).why ?? "", /another schedule/);
  // Not trained on 2, 3, 5 and 7, a masked run counts as solved without them.
  const masked = trained("masked", inPaper, 65_536);
  assert.equal(judge("omega-masked", [withOmega(20, 41_000), withOmega(12, 41_000, masked)]).verdict, "reproduced");
  assert.equal(judge("omega-masked", [withOmega(12, 41_000), withOmega(20, 41_000, masked)]).verdict, "not reproduced");
  assert.equal(judge("omega-masked", [withOmega(20, 41_000), withOmega(19, 41_000, masked)]).verdict, "partly");
  // A spike of the reference is not needed: what is compared is the size of the two.
  assert.equal(judge("omega-masked", [withOmega(9, 41_000), withOmega(10, 41_000, masked)]).verdict, "not reproduced");
  const other = trained("masked", inPaper, 65_536, { dropout: 0.3 });
  assert.match(
    judge("omega-masked", [withOmega(20, 41_000), withOmega(12, 41_000, other)]).why ?? "",
    /no run of miiii with the same settings/,
  );
  // Each over its whole run: equal epochs would compare a peak with another's rise.
  const cut = {
    ...OMEGA(12, 500),
    epochs: [0, 500, 20_000],
    sound: { mean: [0.1, 12, 8], peak: { epoch: 500, value: 12 }, final: 8 },
  };
  const short = withOmega(12, 41_000, masked);
  const early = { ...short, results: { ...short.results, omega: { metrics: metrics(12, 500), result: cut as never } } };
  assert.match(judge("omega-masked", [withOmega(20, 41_000), early]).ours, /peak 1\.50 times the end, against 2\.22/);
  const some = OMEGA(20, 41_000);
  const begun = { table: some.paper.table.map((row, i) => ({ ...row, count: i < 3 ? row.printed : null })) };
  const logged = {
    ...miiii,
    results: { ...miiii.results, omega: { metrics: metrics(20, 41_000), result: { ...some, paper: begun } as never } },
  };
  assert.equal(judge("omega-table", [logged]).verdict, "partly");
});

test("where a schedule lets tasks in late, their order is no evidence", () => {
  const late = { late_primes: [2, 3, 5, 7], late_epoch: 40_000 };
  const scheduled = trained("miiii", (q) => (q < 11 ? 41_000 : 30_000), 65_536, late);
  const why = /schedule, not the model, decides when q = 2, 3, 5, 7 come/;
  assert.match(judge("omega-phases", [scheduled]).why ?? "", why);
});
