import assert from "node:assert/strict";
import { test } from "node:test";
import { ANALYSES } from "../../src/analyses/registry.ts";
import { type AnalyzedRun, roleOf, settingsApart, type Verdict } from "../../src/claims/index.ts";
import { judgeClaim } from "../../src/claims/judge.ts";
import { CLAIMS } from "../../src/claims/registry.ts";
import { paperSettings, sameSettings } from "../../src/claims/settings.ts";
import type { RunConfig } from "../../src/model/index.ts";
import { type Preset, presetConfig } from "../../src/train/presets.ts";

type Metrics = Readonly<Record<string, number>>;

/** A run of a preset with metrics by analysis, and whole results where a claim reads them. */
function runOf(
  preset: Preset,
  metrics: Readonly<Record<string, Metrics>>,
  results: Readonly<Record<string, object>> = {},
  change: Partial<RunConfig> = {},
): AnalyzedRun {
  const ids = [...new Set([...Object.keys(metrics), ...Object.keys(results)])];
  return {
    label: preset,
    config: presetConfig(preset, change),
    results: Object.fromEntries(ids.map((id) => [id, { metrics: metrics[id] ?? {}, result: (results[id] ?? {}) as never }])),
    missing: {},
  };
}

function judge(id: string, runs: readonly AnalyzedRun[]) {
  const claim = CLAIMS.find((one) => one.id === id) ?? assert.fail(`no claim ${id}`);
  return judgeClaim(claim, runs);
}

const PRIMES = [
  2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
];

/**
 * A run whose heads groked at the given epochs (null: never), having memorised at 10; its last epoch as given. As in `curves`,
 * heads that are not in the loss are no part of it.
 */
function trained(
  preset: Preset,
  grok: (q: number) => number | null,
  epochs: number,
  change: Partial<RunConfig> = {},
  trainAccuracy = 1,
): AnalyzedRun {
  const q = PRIMES.filter((prime) => preset !== "masked" || prime > 7);
  const groks = q.map(grok);
  const final = {
    train_accuracy: q.map(() => trainAccuracy),
    validation_accuracy: groks.map((epoch) => (epoch === null ? 0.1 : 1)),
  };
  const ticks = [...new Set([0, ...groks.flatMap((epoch) => epoch ?? []), epochs])].sort((a, b) => a - b);
  const validation = {
    accuracy: groks.map((epoch, h) =>
      ticks.map((tick) => (epoch !== null && tick >= epoch ? 1 : tick === epochs ? (final.validation_accuracy[h] ?? 0) : 0.01)),
    ),
  };
  const result = {
    q,
    grok_epoch: groks,
    first_epoch: groks,
    stays90_epoch: groks,
    memorised_epoch: q.map(() => 10),
    final,
    epochs: ticks,
    validation,
  };
  const validation_accuracy = final.validation_accuracy.reduce((a, b) => a + b, 0) / q.length;
  const heads_grokked = groks.filter((epoch) => epoch !== null).length;
  return runOf(preset, { curves: { validation_accuracy, epochs, heads: q.length, heads_grokked } }, { curves: result }, change);
}

const inPaper = (q: number) => (q <= 7 ? 100 * q : 40_000 + 10 * ((q * 37) % 100));
const miiii = trained("miiii", inPaper, 65_536);

test("roles follow from settings", () => {
  const presets: Preset[] = ["nanda", "miiii", "miiii-fast", "basis", "masked", "no-grokfast", "no-dropout"];
  assert.deepEqual(
    presets.map((preset) => roleOf(runOf(preset, {}))),
    ["nanda", "miiii", "miiii", "basis", "masked", "no-grokfast", "no-dropout"],
  );
  assert.equal(roleOf(runOf("nanda", {}, {}, { shuffle_labels: true })), "nanda-shuffled");
  assert.equal(roleOf(runOf("miiii", {}, {}, { shuffle_labels: true })), "basis");
  assert.equal(roleOf(runOf("miiii", {}, {}, { labels: "divisibility" })), undefined);
  for (const change of [{ grokfast_lambda: 0 }, { dropout: 0 }]) {
    assert.equal(roleOf(runOf("masked", {}, {}, change)), undefined);
    assert.equal(roleOf(runOf(change.dropout === 0 ? "no-grokfast" : "no-dropout", {}, {}, change)), undefined);
  }
});

test("the papers' settings are the presets', and every departure from them is told, but for what an ablation changes", () => {
  for (const preset of ["nanda", "miiii"] as const) {
    const config = presetConfig(preset);
    const paper = Object.entries(paperSettings(config.task));
    assert.ok(paper.length >= 12);
    for (const [field, value] of paper) assert.equal(config[field as keyof RunConfig], value, `${preset}: ${field}`);
  }
  for (const preset of ["nanda", "miiii", "basis", "masked", "no-grokfast", "no-dropout"] as const)
    assert.equal(settingsApart(presetConfig(preset)), undefined, preset);
  assert.equal(
    settingsApart(presetConfig("miiii-fast")),
    "init he, lr 0.001, weight decay 1, dropout 0.2, a dropout mask for each sample, 20,000 epochs",
  );
  assert.equal(
    settingsApart(presetConfig("miiii", { dropout: 0.5, grokfast_lambda: 5, n_heads: 1, d_mlp: 64, epochs: 100 })),
    "n_heads = 1, λ = 5, dropout 0.5, d_mlp = 64, 100 epochs",
  );
  assert.equal(
    settingsApart(presetConfig("nanda", { train_fraction: 0.9, weight_decay: 0, d_model: 512, lr: 0.1, grokfast_lambda: 2 })),
    "90 % of the data, d_model = 512, lr 0.1, weight decay 0, λ = 2",
  );
  const masked = presetConfig("masked", { seed: 3, epochs: 5 });
  assert.ok(sameSettings(masked, presetConfig("miiii")));
  for (const change of [{ dropout: 0.2 }, { n_heads: 2 }, { d_mlp: 8 }, { grokfast_lambda: 1 }, { lr: 1 }, { warmup: 5 }])
    assert.ok(!sameSettings(masked, presetConfig("miiii", change)), JSON.stringify(change));
  assert.ok(sameSettings(presetConfig("no-grokfast"), presetConfig("miiii")));
  assert.ok(!sameSettings(presetConfig("no-grokfast"), presetConfig("miiii", { dropout: 0.2 })));
});

test("every claim is whole, refers to an analysis, and without its run is not tested", () => {
  assert.equal(new Set(CLAIMS.map(({ id }) => id)).size, CLAIMS.length);
  for (const claim of CLAIMS) {
    assert.ok(
      ANALYSES.some(({ id }) => id === claim.analysis),
      `${claim.id}: ${claim.analysis}`,
    );
    const judged = judgeClaim(claim, []);
    for (const text of [judged.paper, judged.claim, judged.printed, judged.rule]) assert.ok(text.length > 0, claim.id);
    assert.match(judged.rule, /^Reproduced: .*not reproduced\./, claim.id);
    assert.deepEqual([judged.verdict, judged.ours, judged.missing, judged.n], ["not tested", "", true, undefined], claim.id);
    assert.match(judged.why ?? "", /^no run of .* is among these$/, claim.id);
  }
});

test("every name in a template is a value or a text of its claim", () => {
  for (const claim of CLAIMS) {
    const known = [...Object.keys(claim.values), ...Object.keys(claim.texts ?? {})];
    for (const template of [claim.ours, claim.none, claim.twin ?? "", ...Object.values(claim.notes ?? {})])
      for (const [, name = ""] of template.matchAll(/\{(\w+)\}/g)) assert.ok(known.includes(name), `${claim.id}: {${name}}`);
  }
});

test("without its numbers a claim is not tested, and says which are missing", () => {
  const presets: Preset[] = ["nanda", "miiii", "basis", "masked", "no-grokfast", "no-dropout"];
  for (const claim of CLAIMS) {
    const { verdict, why } = judgeClaim(
      claim,
      presets.map((preset) => runOf(preset, {})),
    );
    assert.equal(verdict, "not tested", claim.id);
    assert.match(why ?? "", /was not run|no run of/, claim.id);
  }
});

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

test("training: all heads, the simple first and in order, the rest together", () => {
  assert.equal(judge("all-heads", [miiii]).verdict, "reproduced");
  assert.equal(judge("simple-first", [miiii]).verdict, "reproduced");
  assert.equal(judge("rest-together", [miiii]).verdict, "reproduced");
  assert.equal(judge("rest-unordered", [miiii]).verdict, "reproduced");
  assert.equal(judge("grokking-miiii", [miiii]).verdict, "reproduced");
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

test("where a schedule lets tasks in late, their order is no evidence, and grokking is counted over the others", () => {
  const late = { late_primes: [2, 3, 5, 7], late_epoch: 40_000 };
  const scheduled = trained("miiii", (q) => (q < 11 ? 41_000 : 30_000), 65_536, late);
  const why = /schedule, not the model, decides when q = 2, 3, 5, 7 come/;
  assert.match(judge("simple-first", [scheduled]).why ?? "", why);
  assert.match(judge("omega-phases", [scheduled]).why ?? "", why);
  assert.equal(judge("rest-together", [scheduled]).verdict, "reproduced");
  assert.equal(judge("all-heads", [scheduled]).verdict, "reproduced");
  assert.match(judge("grokking-miiii", [scheduled]).ours, /: 25 of 25 tasks/);
  const harder = trained("miiii", () => 30_000, 65_536, { ...late, late_primes: [2, 101] });
  assert.match(judge("rest-unordered", [harder]).why ?? "", /decides when q = 101 come/);
});

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

const OMEGA = (peak: number, peakEpoch: number) => ({
  epochs: [0, 500, 20_000, 41_000, 65_536],
  sound: { mean: [0.1, 8, 9, peak, 9], peak: { epoch: peakEpoch, value: peak }, final: 9 },
  paper: { table: [0, 0, 10, 18, 10].map((printed, i) => ({ epoch: 4 ** (4 + i), printed, tick: 1, count: printed + 2 })) },
  null: { sound: 0.03, paper_amplitude_peak: 57 },
});

test("the verdict is that of the papers' p, with replications at another p beside it and the number of runs and seeds", () => {
  const small = { ...trained("miiii", (q) => (q === 3 ? null : inPaper(q)), 65_536, { p: 53, seed: 1 }), label: "small" };
  const judged = judge("all-heads", [miiii, small]);
  assert.equal(judged.verdict, "reproduced");
  assert.deepEqual(judged.n, { p: 113, runs: 1, seeds: 1 });
  assert.deepEqual(judged.replications, [{ verdict: "partly", n: { p: 53, runs: 1, seeds: 1 } }]);
  assert.deepEqual(
    judged.runs.map(({ label, p, seed, verdict }) => [label, p, seed, verdict]),
    [
      ["miiii", 113, 0, "reproduced"],
      ["small", 53, 1, "partly"],
    ],
  );
  const again = judge("all-heads", [miiii, { ...miiii, label: "again" }, small]);
  assert.deepEqual(again.n, { p: 113, runs: 2, seeds: 1 });
  const alone = judge("all-heads", [small]);
  assert.deepEqual([alone.verdict, alone.n?.p, alone.replications], ["partly", 53, []]);
  const values = Object.fromEntries(
    alone.runs[0]?.values.map(({ name, value, text, unit }) => [name, { value, text, unit }]) ?? [],
  );
  assert.deepEqual(values.perfect, { value: 28, text: "28", unit: "count" });
  const stopped = trained("miiii", (q) => (q === 3 ? null : inPaper(q)), 60_000);
  assert.match(judge("all-heads", [stopped]).why ?? "", /^stopped at epoch 60,000 of 65,536 planned$/);
  const young = { ...trained("miiii", () => null, 1000), label: "young" };
  assert.match(judge("all-heads", [young, small]).ours, /^small: 1 on 28/);
});

test("what is missing is a value, whatever a label says", () => {
  const named = { ...trained("miiii", () => null, 1000), label: "no run" };
  const { missing, verdict, runs } = judge("all-heads", [named]);
  assert.deepEqual([missing, verdict, runs[0]?.absence], [false, "not tested", "not generalised"]);
  assert.equal(judge("all-heads", []).missing, true);
  const ablation = judge("no-grokfast", [trained("no-grokfast", () => null, 65_536)]);
  assert.deepEqual([ablation.missing, ablation.runs[0]?.absence], [true, "no run"]);
  assert.equal(judge("svd-nanda", [runOf("nanda", {})]).runs[0]?.absence, "no result");
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

/** Positions with this r, and with centred tokens another. */
const apart = (pearson: number, sound_pearson: number) => ({
  pearson,
  null_limit: 0.12,
  sound_pearson,
  sound_pearson_low: -0.12,
  sound_pearson_high: 0.12,
  distance: 1,
});

const heads = (everywhere: number, byMean = 4) => ({
  heads: 4,
  heads_one_digit_everywhere: everywhere,
  smallest_to_digit: 0.95,
  heads_one_digit: byMean,
  heads_one_digit_null: 0,
});

const ablated = (own: number, others: number, embedding_others: number) => ({
  own_accuracy_lost: own,
  other_accuracy_lost: others,
  null_accuracy_lost: 0.02,
  null_other_accuracy_lost: 0.01,
  embedding_own_accuracy_lost: 0.5,
  embedding_other_accuracy_lost: embedding_others,
});

const ladder = (change: Metrics) => ({
  model: 0.97,
  even: 0.97,
  linear: 0.08,
  skip_cosine: -0.99,
  circuit: 1,
  circuit_exact: 29,
  tasks: 29,
  circuit_permuted: 0.07,
  circuit_reassigned: 0.07,
  chance: 0.06,
  margin_rank_correlation: 0.8,
  ...change,
});

const exchanged = (even_iia: number, even_kept: number) => ({
  even_iia,
  even_kept,
  post_iia: 0.3,
  even_iia_random: 0.07,
  agree: 0.06,
  groups: 29,
  even_above_random: 29,
  sufficient_even: even_iia,
});

/** Claims decided by metrics of one run: [claim, preset, analysis, metrics, verdict]. */
const BY_METRICS: readonly (readonly [string, Preset, string, Metrics, Verdict])[] = [
  ["positional-nanda", "nanda", "positional", { pearson: 0.95, null_limit: 0.17, distance: 0.1 }, "reproduced"],
  ["positional-nanda", "nanda", "positional", { pearson: 0.4, null_limit: 0.17, distance: 0.1 }, "partly"],
  ["positional-nanda", "nanda", "positional", { pearson: -0.71, null_limit: 0.17, distance: 0.1 }, "not reproduced"],
  ["positional-miiii", "miiii", "positional", apart(-0.64, -0.5), "reproduced"],
  ["positional-miiii", "miiii", "positional", apart(-0.64, -0.04), "partly"],
  ["positional-miiii", "miiii", "positional", apart(0.05, -0.5), "partly"],
  ["positional-miiii", "miiii", "positional", apart(0.5, -0.5), "not reproduced"],
  ["commutative-nanda", "nanda", "positional", { asymmetry: 0.02, asymmetry_null: 1.4 }, "reproduced"],
  ["commutative-nanda", "nanda", "positional", { asymmetry: 1.2, asymmetry_null: 1.4 }, "not reproduced"],
  ["ordered-miiii", "miiii", "positional", { asymmetry: 1.2, asymmetry_null: 1.4 }, "reproduced"],
  ["ordered-miiii", "miiii", "positional", { asymmetry: 0.02, asymmetry_null: 1.4 }, "not reproduced"],
  ["vectors-nanda", "nanda", "svd", { periodic_vectors: 10 }, "reproduced"],
  ["vectors-nanda", "nanda", "svd", { periodic_vectors: 0 }, "not reproduced"],
  ["fourier-nanda", "nanda", "fourier", { key_frequencies: 5, key_share: 0.9, null_share: 0.03 }, "reproduced"],
  ["fourier-nanda", "nanda", "fourier", { key_frequencies: 0, key_share: 0, null_share: 0.03 }, "not reproduced"],
  ["fourier-shuffled", "basis", "fourier", { key_frequencies: 0, null_share: 0.03 }, "reproduced"],
  ["fourier-shuffled", "basis", "fourier", { key_frequencies: 20, null_share: 0.03 }, "not reproduced"],
  [
    "neurons-miiii",
    "miiii",
    "fft",
    { active_sound: 14, active_sound_null: 0.03, active_nominal: 60, active_nominal_noise: 239 },
    "reproduced",
  ],
  [
    "neurons-miiii",
    "miiii",
    "fft",
    { active_sound: 0.03, active_sound_null: 0.03, active_nominal: 239, active_nominal_noise: 239 },
    "not reproduced",
  ],
  ["neurons-shuffled", "basis", "fft", { active_sound: 0.05, active_sound_null: 0.03 }, "reproduced"],
  ["neurons-shuffled", "basis", "fft", { active_sound: 14, active_sound_null: 0.03 }, "not reproduced"],
  [
    "attention-early-miiii",
    "miiii",
    "norms",
    { attention_late_half_epoch: 20, other_late_half_epoch: 900, late_half_epoch_null: 500 },
    "reproduced",
  ],
  [
    "attention-early-miiii",
    "miiii",
    "norms",
    { attention_late_half_epoch: 50, other_late_half_epoch: 35, late_half_epoch_null: 40 },
    "not reproduced",
  ],
  [
    "attention-nanda",
    "nanda",
    "attention",
    { heads: 4, heads_both_digits: 4, heads_periodic: 4, heads_one_digit_null: 0, share: 0.8, share_null: 0.1 },
    "reproduced",
  ],
  [
    "attention-nanda",
    "nanda",
    "attention",
    { heads: 4, heads_both_digits: 0, heads_periodic: 4, heads_one_digit_null: 0, share: 0.8, share_null: 0.1 },
    "partly",
  ],
  [
    "attention-nanda",
    "nanda",
    "attention",
    { heads: 4, heads_both_digits: 4, heads_periodic: 0, heads_one_digit_null: 0, share: 0.05, share_null: 0.1 },
    "not reproduced",
  ],
  [
    "attention-nanda",
    "nanda",
    "attention",
    { heads: 4, heads_both_digits: 1, heads_periodic: 0, heads_one_digit_null: 0, share: 0.05, share_null: 0.1 },
    "not reproduced",
  ],
  ["attention-miiii", "miiii", "attention", heads(4), "reproduced"],
  ["attention-miiii", "miiii", "attention", heads(2), "partly"],
  ["attention-miiii", "miiii", "attention", heads(0, 4), "not reproduced"],
  ["even-half", "miiii", "algorithm", ladder({ even: 0.975, skip_cosine: -0.99 }), "reproduced"],
  ["even-half", "miiii", "algorithm", ladder({ even: 0.975, skip_cosine: 0.1 }), "partly"],
  ["even-half", "miiii", "algorithm", ladder({ even: 0.1, skip_cosine: -0.99 }), "not reproduced"],
  ["closed-form", "miiii", "algorithm", ladder({ circuit: 1 }), "reproduced"],
  ["closed-form", "miiii", "algorithm", ladder({ circuit: 0.9 }), "partly"],
  ["closed-form", "miiii", "algorithm", ladder({ circuit: 1, circuit_permuted: 0.4 }), "partly"],
  ["closed-form", "miiii", "algorithm", ladder({ circuit: 1, circuit_reassigned: 0.9 }), "partly"],
  ["closed-form", "miiii", "algorithm", ladder({ circuit: 1, circuit_permuted: 0.9 }), "not reproduced"],
  ["closed-form", "miiii", "algorithm", ladder({ circuit: 0.5 }), "not reproduced"],
  ["margins", "miiii", "algorithm", ladder({ margin_rank_correlation: 0.84 }), "reproduced"],
  ["margins", "miiii", "algorithm", ladder({ margin_rank_correlation: 0.5 }), "partly"],
  ["margins", "miiii", "algorithm", ladder({ margin_rank_correlation: 0.1 }), "not reproduced"],
  ["circuits-private", "miiii", "patch", exchanged(0.87, 0.99), "reproduced"],
  ["circuits-private", "miiii", "patch", exchanged(0.6, 0.99), "partly"],
  ["circuits-private", "miiii", "patch", exchanged(0.87, 0.5), "partly"],
  ["circuits-private", "miiii", "patch", exchanged(0.05, 0.99), "not reproduced"],
  ["nanda-key-frequencies", "nanda", "mechanism", { key_frequencies: 5, key_frequencies_above_null: 5 }, "reproduced"],
  ["nanda-key-frequencies", "nanda", "mechanism", { key_frequencies: 5, key_frequencies_above_null: 0 }, "not reproduced"],
  ["nanda-logits", "nanda", "mechanism", { logit_share: 0.95, logit_share_null: 0.01 }, "reproduced"],
  ["nanda-logits", "nanda", "mechanism", { logit_share: 0.1, logit_share_null: 0.01 }, "not reproduced"],
  ["nanda-restricted", "nanda", "mechanism", { loss: 1e-5, restricted_loss: 1e-6, restricted_loss_null: 4.8 }, "reproduced"],
  ["nanda-restricted", "nanda", "mechanism", { loss: 1e-5, restricted_loss: 4.7, restricted_loss_null: 4.8 }, "not reproduced"],
  ["nanda-excluded", "nanda", "mechanism", { loss: 1e-5, excluded_loss: 9, excluded_loss_null: 1e-5 }, "reproduced"],
  ["nanda-excluded", "nanda", "mechanism", { loss: 1e-5, excluded_loss: 1e-6, excluded_loss_null: 1e-5 }, "not reproduced"],
  ["nanda-w-l", "nanda", "mechanism", { W_L_gini: 0.7, W_L_gini_null: 0.13, W_L_participation_ratio: 10 }, "reproduced"],
  ["nanda-w-l", "nanda", "mechanism", { W_L_gini: 0.1, W_L_gini_null: 0.13, W_L_participation_ratio: 90 }, "not reproduced"],
  ["nanda-neurons", "nanda", "fft", { explained_share: 0.846, share_null: 0.08, clusters: 5 }, "reproduced"],
  ["nanda-neurons", "nanda", "fft", { explained_share: 0, share_null: 0.08, clusters: 0 }, "not reproduced"],
  ["nanda-sparsity", "nanda", "progress", { W_E_gini: 0.6, W_E_gini_first: 0.07, W_E_gini_null: 0.1 }, "reproduced"],
  ["nanda-sparsity", "nanda", "progress", { W_E_gini: 0.08, W_E_gini_first: 0.07, W_E_gini_null: 0.1 }, "not reproduced"],
];

test("what a run on shuffled labels has too is shown beside the null", () => {
  const ours = runOf("miiii", { positional: apart(-0.64, -0.04) });
  const twin = runOf("basis", { positional: { pearson: -0.46 } });
  const small = runOf("basis", { positional: { pearson: 0.3 } }, {}, { p: 53 });
  const none = "|r| < 0.12; with centred tokens −0.12 to 0.12";
  assert.equal(judge("positional-miiii", [ours]).none, none);
  assert.equal(judge("positional-miiii", [ours, small]).none, none);
  assert.equal(judge("positional-miiii", [ours, small, twin]).none, `${none}; on shuffled labels r = −0.46 (${twin.label})`);
  const attention = [runOf("miiii", { attention: heads(4) }), runOf("basis", { attention: heads(0, 3) })];
  assert.match(judge("attention-miiii", attention).none, /on shuffled labels 0 of 4 on every input, 3 on average \(basis\)$/);
});

test("r of the positions is followed over the checkpoints of a run that has generalised", () => {
  const run = (values: readonly number[]) => {
    const base = trained("nanda", () => 100, 10_000);
    const progress = { epochs: [50, 2000, 10_000], W_pos_pearson: values };
    const positional = { metrics: { pearson: values.at(-1) ?? 0, null_limit: 0.17, distance: 0.1 }, result: {} as never };
    return { ...base, results: { ...base.results, positional, progress: { metrics: {}, result: progress as never } } };
  };
  // Before it has generalised r may be anything.
  assert.equal(judge("positional-nanda", [run([-0.9, 0.95, 0.95])]).verdict, "reproduced");
  assert.equal(judge("positional-nanda", [run([0.9, 0.5, 0.95])]).verdict, "partly");
  const wandering = judge("positional-nanda", [run([0.9, -0.89, 0.95])]);
  assert.equal(wandering.verdict, "not reproduced");
  assert.match(wandering.ours, /r = 0\.95 at the end, −0\.89 to 0\.95 over/);
});

test("one frequency k/q a neuron, beyond what the 113-grid shows", () => {
  const run = (R2: number, grid_R2 = 0.44, R2_null = 0.11) =>
    runOf(
      "miiii",
      { neurons: { R2, grid_R2, R2_null, crossed_R2: 0.05, above_half: 1021 } },
      { neurons: { neurons: 1024, dead: 0, clusters: [] } },
    );
  assert.equal(judge("single-frequency", [run(0.92)]).verdict, "reproduced");
  assert.equal(judge("single-frequency", [run(0.92, 0.95)]).verdict, "partly");
  assert.equal(judge("single-frequency", [run(0.6)]).verdict, "partly");
  assert.equal(judge("single-frequency", [run(0.6, 0.44, 0.7)]).verdict, "not reproduced");
  assert.match(judge("single-frequency", [run(0.92)]).ours, /^miiii: 92 % .* in 1021 of 1024/);
});

test("the read-out's phase is the sum of both phases", () => {
  const run = (phase_error: number, output_matches: number) =>
    runOf(
      "miiii",
      { neurons: { phase_error, phase_error_null: Math.PI / 2, output_matches, output_matches_expected: 60 } },
      { neurons: { neurons: 1024, dead: 24, clusters: [] } },
    );
  assert.equal(judge("phase-sums", [run(0.03, 1000)]).verdict, "reproduced");
  assert.equal(judge("phase-sums", [run(0.03, 700)]).verdict, "partly");
  assert.equal(judge("phase-sums", [run(0.5, 1000)]).verdict, "partly");
  assert.equal(judge("phase-sums", [run(1.5, 1000)]).verdict, "not reproduced");
  assert.equal(judge("phase-sums", [run(0.03, 100)]).verdict, "not reproduced");
});

test("circuits come before accuracy, and some of them go again", () => {
  const run = (earlier: number, later: number, temporary = 0, checkpoints = 6) =>
    runOf(
      "miiii",
      { course: { checkpoints, circuit_earlier: earlier, circuit_later: later, pairs_temporary: temporary, pairs_in_use: 90 } },
      { course: { tasks: PRIMES } },
    );
  assert.equal(judge("circuit-first", [run(20, 1)]).verdict, "reproduced");
  assert.equal(judge("circuit-first", [run(20, 5)]).verdict, "partly");
  assert.equal(judge("circuit-first", [run(3, 1)]).verdict, "partly");
  assert.equal(judge("circuit-first", [run(3, 3)]).verdict, "not reproduced");
  assert.match(judge("circuit-first", [run(20, 1, 0, 3)]).why ?? "", /checkpoints ≥ 4; got 3$/);
  assert.equal(judge("temporary-circuits", [run(20, 1, 9)]).verdict, "reproduced");
  assert.equal(judge("temporary-circuits", [run(20, 1, 8)]).verdict, "partly");
  assert.equal(judge("temporary-circuits", [run(20, 1, 0)]).verdict, "not reproduced");
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

test("verdicts follow from the numbers by the stated rules", () => {
  for (const [id, preset, analysis, metrics, expected] of BY_METRICS) {
    // What shuffled runs are asked for beside: that they have learned their labels.
    const learned = preset === "basis" ? { curves: { train_accuracy: 0.97 } } : {};
    const { verdict, ours, none } = judge(id, [runOf(preset, { [analysis]: metrics, ...learned })]);
    assert.equal(verdict, expected, `${id} of ${JSON.stringify(metrics)}: ${ours}`);
    assert.ok(expected === "not tested" || (ours.length > 0 && none.length > 0), id);
  }
  const tested = new Set(BY_METRICS.map(([id]) => id));
  const elsewhere = CLAIMS.filter(
    ({ id }) =>
      !tested.has(id) &&
      !/^(all|grok|simple|rest|no-|masked|omega|svd|fourier-miiii|primes|vectors|neurons-nanda|attention-early|nanda-circuit|circuit|temporary|single|phase-sums)/.test(
        id,
      ),
  );
  assert.deepEqual(
    elsewhere.map(({ id }) => id),
    [],
  );
});

test("claims that compare two runs, or read a whole result", () => {
  const svd = (preset: Preset, at50: number, at90: number) =>
    runOf(preset, {
      svd: {
        paper_index50: at50,
        paper_index90: at90,
        paper_index50_null: 39,
        paper_index90_null: 89,
        sound_index50: 1,
        sound_index90: 2,
      },
    });
  assert.equal(judge("svd-nanda", [svd("nanda", 6, 44)]).verdict, "reproduced");
  assert.equal(judge("svd-nanda", [svd("nanda", 6, 20)]).verdict, "partly");
  assert.equal(judge("svd-miiii", [svd("miiii", 10, 20)]).verdict, "not reproduced");
  assert.equal(judge("svd-diffuse", [svd("nanda", 6, 44), svd("miiii", 35, 73)]).verdict, "reproduced");
  assert.equal(judge("svd-diffuse", [svd("nanda", 35, 73), svd("miiii", 6, 44)]).verdict, "not reproduced");
  assert.match(judge("svd-diffuse", [svd("miiii", 35, 73)]).why ?? "", /no run of nanda/);
  const fourier = (preset: Preset, key_frequencies: number) =>
    runOf(preset, { fourier: { key_frequencies, key_share: 0.5, null_share: 0.03 } });
  assert.equal(judge("fourier-miiii", [fourier("nanda", 5), fourier("miiii", 20)]).verdict, "reproduced");
  assert.equal(judge("fourier-miiii", [fourier("nanda", 5), fourier("miiii", 3)]).verdict, "not reproduced");
  const primes = (covered: number, served: number) =>
    runOf(
      "miiii",
      { primes: { primes_covered: covered, mean_best: 0.3, mean_best_null: 0, selective_one: 800, selective_several: 9 } },
      {
        primes: { primes: PRIMES },
        neurons: {
          clusters: PRIMES.slice(0, served).flatMap((m) => [
            { m, k: 1 },
            { m, k: 2 },
          ]),
        },
      },
    );
  assert.equal(judge("primes-miiii", [primes(29, 29)]).verdict, "reproduced");
  assert.equal(judge("primes-miiii", [primes(29, 20)]).verdict, "partly");
  assert.equal(judge("primes-miiii", [primes(29, 3)]).verdict, "not reproduced");
  assert.equal(judge("primes-miiii", [primes(3, 29)]).verdict, "not reproduced");
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

test("shuffled runs that have not learned their labels, and runs of another p, say nothing", () => {
  const none = { fourier: { key_frequencies: 0, null_share: 0.03 }, fft: { active_sound: 0, active_sound_null: 0.03 } };
  for (const id of ["fourier-shuffled", "neurons-shuffled"]) {
    assert.match(judge(id, [runOf("basis", { ...none, curves: { train_accuracy: 0.06 } })]).why ?? "", /only 6 % of its labels/);
    assert.match(judge(id, [runOf("basis", none)]).why ?? "", /curves was not run/);
    assert.match(
      judge(id, [runOf("basis", { ...none, curves: { train_accuracy: 0.97 } })]).ours,
      /\(97 % of its labels memorised\)/,
    );
  }
  const spectrum = (preset: Preset, p: number, count: number) =>
    runOf(preset, { fourier: { key_frequencies: count, key_share: 0.5, null_share: 0.03 } }, {}, { p });
  const apart = [spectrum("nanda", 53, 5), spectrum("miiii", 113, 20)];
  assert.match(judge("fourier-miiii", apart).why ?? "", /no run of nanda at p = 113/);
  assert.match(judge("fourier-nanda", [spectrum("nanda", 11, 5)]).why ?? "", /p = 11 has but 5 frequencies/);
  const svd = {
    paper_index50: 5,
    paper_index90: 49,
    paper_index50_null: 8,
    paper_index90_null: 50,
    sound_index50: 4,
    sound_index90: 40,
  };
  assert.match(judge("svd-nanda", [runOf("nanda", { svd }, {}, { p: 59 })]).why ?? "", /p = 59 are not those of p = 113/);
});

test("small moduli have too few heads for claims about their order", () => {
  const few = (preset: Preset, most: number, p: number) => {
    const run = trained(preset, inPaper, 65_536, { p });
    const curves = run.results.curves;
    const q = PRIMES.filter((prime) => prime <= most);
    return { ...run, results: { curves: { ...curves, result: { ...(curves?.result as object), q } as never } } } as AnalyzedRun;
  };
  assert.match(judge("simple-first", [few("miiii", 11, 13)]).why ?? "", /tasks of q > 7 ≥ 4; got 1$/);
  assert.match(judge("rest-together", [few("miiii", 11, 13)]).why ?? "", /≥ 6; got 1$/);
  assert.match(judge("masked-first", [few("masked", 19, 23)]).why ?? "", /trained tasks of q > 7 ≥ 8; got 4$/);
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
