import assert from "node:assert/strict";
import { test } from "node:test";
import { runtimeMatmul } from "../../src/activations/index.ts";
import type { MetricsRow, OmegaRow, Series } from "../../src/analyses/kit/define.ts";
import { omega } from "../../src/analyses/omega/index.ts";
import { closedFormReference } from "../../src/analyses/omega/reference.ts";
import { MiiiiError, randomStream } from "../../src/core/index.ts";
import { gridsOf, omegaRow } from "../../src/math/index.ts";
import { onnxRuntime } from "../../src/runtimes/index.ts";
import { headsOf } from "../../src/tasks/index.ts";
import { assertAllClose } from "../helpers/assert.ts";
import { checkContract, fieldsOf, inputWith } from "../helpers/spectral-input.ts";

const p = 13;
const width = (p + 1) / 2;
const zeros = () => new Array<number>(width).fill(0);

/** A tick with given bins of the first neuron at the epochs before, at and after, and given mean counts. */
function tick(epoch: number, paper_bins: number[][], counts: { sound?: number; nominal?: number } = {}): OmegaRow {
  const { sound = 0, nominal = 0 } = counts;
  const inBin = (value: number, bin: number) => zeros().map((_, k) => (k === bin ? value : 0));
  return {
    epoch,
    sound_mean: sound,
    nominal_mean: nominal,
    sound_by_omega0: inBin(sound, 3),
    sound_by_omega1: inBin(sound, 4),
    nominal_by_omega0: inBin(nominal, 1),
    nominal_by_omega1: inBin(nominal, 2),
    paper_bins,
  };
}

function metricsRow(epoch: number, accuracy: number): MetricsRow {
  const per = { loss: [1], accuracy: [accuracy] };
  return { epoch, train: per, validation: per, objective: 1, weight_norms: {} };
}

function seriesWith(rows: readonly OmegaRow[], metrics: readonly MetricsRow[] = [metricsRow(0, 0)]): Series {
  return { metrics, omega: rows, checkpoints: [], models: async function* () {} };
}

const input = (rows: readonly OmegaRow[], metrics?: readonly MetricsRow[]) => inputWith({ p, series: seriesWith(rows, metrics) });

const EPOCHS = Array.from({ length: 40 }, (_, i) => Math.round(2 ** (i / 3)) + i);

test("counts over time: peak, final value, nulls, and all of the contract", async () => {
  const random = randomStream(1, "bins");
  const rows = EPOCHS.map((epoch, i) =>
    tick(
      epoch,
      [0, 1, 2].map(() => zeros().map(() => 1 + random.uniform())),
      { sound: i === 30 ? 7 : i / 20, nominal: 3 - i / 20 },
    ),
  );
  const metrics = [metricsRow(0, 0.1), metricsRow(50, 0.995), metricsRow(60, 0.5), metricsRow(100, 0.99), metricsRow(200, 1)];
  const result = await checkContract(omega, input(rows, metrics));
  assert.deepEqual(result.sound.peak, { epoch: EPOCHS[30], value: 7 });
  assert.deepEqual(result.nominal.peak, { epoch: EPOCHS[0], value: 3 });
  assertAllClose([result.sound.final, result.nominal.final], [39 / 20, 3 - 39 / 20]);
  assert.equal(result.sound.by_omega0[30]?.[3], 7);
  assert.equal(result.sound.by_omega1[30]?.[4], 7);
  assert.deepEqual(result.grok, [{ q: p, epoch: 100 }]);
  // Rows logged before the null was measured have what neurons of untrained models were seen to score: 0.08 to 0.10.
  assert.ok(result.null.sound >= 0.08 && result.null.sound <= 0.1, `${result.null.sound}`);
  const measured = rows.map((one, i) => ({ ...one, sound_null: i === 0 ? 0.5 : 0.02 }));
  assertAllClose([(await omega.run(input(measured, metrics), {})).null.sound], [0.02 + 0.48 / rows.length]);
  assertAllClose([result.null.nominal], [0.0374 * ((p * p - 1) / 2)], { rtol: 1e-3 });
});

test("the paper's count by its definition: 3-tap mean, each frequency over its own sum, μ+1σ of everything", async () => {
  const random = randomStream(2, "bins");
  const rows = EPOCHS.map((epoch) =>
    tick(
      epoch,
      [0, 1, 2].map(() => zeros().map((_, k) => (k + 1) * random.uniform() ** 2)),
    ),
  );
  const { paper } = await omega.run(input(rows), {});
  const smooth = rows.map(({ paper_bins: [a = [], b = [], c = []] }) =>
    zeros().map((_, k) => ((a[k] ?? 0) + (b[k] ?? 0) + (c[k] ?? 0)) / 3),
  );
  const scaled = smooth.map((row) => row.map((value, k) => value / smooth.reduce((total, other) => total + (other[k] ?? 0), 0)));
  const all = scaled.flat();
  const mean = all.reduce((a, b) => a + b) / all.length;
  const limit = mean + Math.sqrt(all.reduce((total, value) => total + (value - mean) ** 2, 0) / all.length);
  assertAllClose([paper.threshold], [limit]);
  assert.deepEqual(
    paper.count,
    scaled.map((row) => row.filter((value) => value > limit).length),
  );
  assertAllClose(paper.bins.flat(), all, { rtol: 1e-3 });
  assert.ok(paper.count.some((count) => count > 0 && count < width));
});

test("a fixed spectrum with a mere bump in amplitude already spikes to every bin, by the paper's count alone", async () => {
  const spectrum = zeros().map((_, k) => 5 / (1 + k));
  const rows = EPOCHS.map((epoch, i) =>
    tick(epoch, [spectrum.map((value) => value * (i >= 25 && i < 28 ? 2 : 1))], { sound: 6, nominal: 10 }),
  );
  const { paper, sound, null: none } = await omega.run(input(rows), {});
  assert.deepEqual(
    paper.count,
    EPOCHS.map((_, i) => (i >= 25 && i < 28 ? width : 0)),
  );
  assert.deepEqual(none.paper_amplitude, paper.count);
  assert.equal(none.paper_bump_peak, width);
  assert.ok(none.paper_bump.includes(0));
  assert.deepEqual([sound.peak.value, sound.final], [6, 6]);
});

test("one frequency that comes and goes is told from a bump in amplitude", async () => {
  const rows = EPOCHS.map((epoch, i) => tick(epoch, [zeros().map((_, k) => (k === 4 && i >= 25 && i < 28 ? 9 : 1))]));
  const { paper, null: none } = await omega.run(input(rows), {});
  assert.deepEqual(paper.peak, { epoch: EPOCHS[25], value: 1 });
  assert.equal(paper.final, 0);
  assert.ok(none.paper_bump_peak > paper.peak.value);
});

test("the printed table stands beside the nearest tick, or beside none", async () => {
  const rows = [100, 250, 1000, 4200].map((epoch, i) => tick(epoch, [zeros().map((_, k) => (k < i ? 5 : 1))]));
  const { paper } = await omega.run(input(rows), {});
  assert.deepEqual(
    paper.table.map(({ epoch, tick: at }) => [epoch, at]),
    [
      [256, 250],
      [1024, 1000],
      [4096, 4200],
      [16384, null],
      [65536, null],
    ],
  );
  assert.deepEqual(
    paper.table.map(({ printed }) => printed),
    [0, 0, 10, 18, 10],
  );
  assert.equal(paper.table[2]?.count, paper.count[3]);
});

test("neurons that turn from noise to addition are seen to do so by the sound rule, and to lose entries by the nominal one", async () => {
  const large = 31;
  const random = randomStream(3, "neurons");
  const fields = (mix: number) =>
    fieldsOf(
      large,
      [2, 5, 9, 13].map((k) => (x0: number, x1: number) => {
        const w = (2 * Math.PI * k) / large;
        return Math.max(0, mix * (Math.cos(w * x0 + k) + Math.cos(w * x1 + k)) + (1 - mix) * random.normal());
      }),
    );
  const rows: OmegaRow[] = [];
  for (const [i, mix] of [0, 0.5, 1].entries()) {
    const neurons = fields(mix);
    rows.push(await omegaRow(10 ** i, neurons, { p: large }, gridsOf(neurons).slice(0, 1), 1));
  }
  const { sound, nominal } = await omega.run(inputWith({ p: large, series: seriesWith(rows) }), {});
  assert.ok((sound.mean[0] ?? 9) < 1 && (sound.mean[1] ?? 0) >= 3 && sound.final >= 4, sound.mean.join(" "));
  assert.ok((nominal.mean[0] ?? 0) > 2 * nominal.final, nominal.mean.join(" "));
});

test("one frequency k/q a digit is counted as some fifteen on the grid of 113 tokens, one k/p as six", async () => {
  const task = (name: "miiii" | "nanda") => headsOf({ task: name, p: 113, labels: "remainder", shuffle_labels: false });
  const runtime = runtimeMatmul(onnxRuntime());
  const remainders = await closedFormReference(113, task("miiii"), 3, runtime.matmul);
  // An audit's own draw of pairs had 14.9; several draws here lie within 0.4 of each other.
  assert.ok(Math.abs(remainders.sound - 14.9) < 1, `${remainders.sound}`);
  assert.deepEqual(await closedFormReference(113, task("nanda"), 3, runtime.matmul), { sound: 6, nominal: 10 });
  await runtime.dispose();
});

test("a lone checkpoint is a usage error, a run without frequency statistics is named", async () => {
  const failure = (code: string, pattern: RegExp) => (error: unknown) =>
    error instanceof MiiiiError && error.code === code && pattern.test(error.message);
  await assert.rejects(async () => omega.run(inputWith({ p }), {}), failure("usage", /reads a run over time/));
  await assert.rejects(async () => omega.run(input([]), {}), failure("input", /got none \(trained with --no-omega\?\)/));
});
