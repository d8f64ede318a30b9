import assert from "node:assert/strict";
import { test } from "node:test";
import type { AnalysisInput, MetricsRow, Series } from "../../src/analyses/kit/define.ts";
import { norms } from "../../src/analyses/norms/index.ts";
import { MiiiiError } from "../../src/core/index.ts";
import { assertAllClose } from "../helpers/assert.ts";
import { checkContract, inputWith } from "../helpers/spectral-input.ts";

const NAMES = ["embed.W_E", "blocks.0.attn.W_Q", "blocks.0.mlp.W_in"];
const EPOCHS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const perName = (values: readonly number[]) => Object.fromEntries(NAMES.map((name, i) => [name, values[i] ?? 0]));

function row(epoch: number, gradients: readonly number[], weights: readonly number[] = [1, 2, 3]): MetricsRow {
  const part = { loss: [1], accuracy: [0] };
  const norms = { gradient_norms: perName(gradients), filtered_gradient_norms: perName(gradients.map((value) => 2 * value)) };
  return { epoch, train: part, validation: part, objective: 1, weight_norms: perName(weights), ...(epoch === 0 ? {} : norms) };
}

function input(metrics: readonly MetricsRow[], config: Partial<AnalysisInput["config"]> = {}): AnalysisInput {
  const series: Series = { metrics, omega: [], checkpoints: [], models: async function* () {} };
  const plain = inputWith({ p: 13, series });
  return { ...plain, config: { ...plain.config, ...config } };
}

// Attention's gradient lives before epoch 8, that of W_in after 128, that of W_E throughout.
const METRICS = EPOCHS.map((epoch) => row(epoch, [1, epoch < 8 ? 1 : 0.01, epoch > 100 ? 1 : 0.01]));

test("an early gradient has its half and its settling early, a late one late; the whole gradient's lie between", async () => {
  const { matrices, half_epoch, settled_epoch, null: none } = await norms.run(input(METRICS), {});
  assert.deepEqual(matrices, NAMES);
  const [even, early, late] = half_epoch;
  assert.ok((early ?? 99) <= 4 && (late ?? 0) >= 256 && even === 64, `${half_epoch}`);
  assert.deepEqual(settled_epoch, [null, 8, null]);
  assert.ok(none.half_epoch !== null && none.half_epoch > (early ?? 99) && none.half_epoch < (late ?? 0));
  assert.equal(none.settled_epoch, null);
});

test("a gradient is settled from below a tenth of its largest value on", async () => {
  const gradients = [5, 10, 2, 1.5, 1, 0.99, 0.5];
  const rows = [row(0, []), ...gradients.map((value, i) => row(i + 1, [value, value, 1]))];
  assert.deepEqual((await norms.run(input(rows), {})).settled_epoch, [6, 6, null]);
});

test("a constant curve's half lies in the middle of log(1 + epoch)", async () => {
  const epochs = [1, 3, 7, 15, 31]; // log2(1 + epoch) = 1, 2, 3, 4, 5
  const { half_epoch } = await norms.run(input([row(0, []), ...epochs.map((epoch) => row(epoch, [5, 5, 0]))]), {});
  assert.deepEqual(half_epoch, [7, 7, 1]);
});

test("late halves count from epoch 100 on, so that what is large at first alone does not make a matrix early", async () => {
  // W_Q is large before epoch 100 and even after it, W_E lives until 300 and W_in from 300 on.
  const epochs = [1, 10, 99, 100, 200, 400, 800, 1600, 3200];
  const rows = [
    row(0, []),
    ...epochs.map((epoch) => row(epoch, [epoch < 300 ? 1 : 0, epoch < 100 ? 1e6 : 1, epoch > 300 ? 1 : 0])),
  ];
  const result = await norms.run(input(rows), {});
  const [early, even, late] = result.late_half_epoch;
  assert.deepEqual([early, even], [200, 800]);
  assert.ok((late ?? 0) >= 800 && result.half_epoch[1] === 99, `${result.late_half_epoch}, ${result.half_epoch}`);
  assert.equal(norms.metrics(result).attention_late_half_epoch?.toFixed(6), "800.000000");
  assert.ok((result.null.late_half_epoch ?? 0) >= 400);
  const short = await norms.run(input([row(0, []), row(50, [1, 1, 1]), row(100, [1, 1, 1])]), {});
  assert.deepEqual([short.late_half_epoch, short.null.late_half_epoch], [[], null]);
  assert.ok(!("attention_late_half_epoch" in norms.metrics(short)));
});

test("norms are passed on by matrix and tick; epoch 0 has weights but no gradient", async () => {
  const result = await norms.run(input([row(0, [], [1, 2, 3]), row(5, [0.1, 0.2, 0.3], [4, 5, 6])]), {});
  assert.deepEqual(result.epochs, [0, 5]);
  assert.deepEqual(result.weight_norms, [
    [1, 4],
    [2, 5],
    [3, 6],
  ]);
  assert.deepEqual(result.gradient_epochs, [5]);
  assert.deepEqual(result.gradient_norms, [[0.1], [0.2], [0.3]]);
  assert.deepEqual(result.filtered_gradient_norms, [[0.2], [0.4], [0.6]]);
  assert.deepEqual(
    [result.initial_weight_norm, result.final_weight_norm],
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
  );
});

test("what decay alone leaves is the product of 1 − lr·wd over the steps, warm-up included; null where it is not known", async () => {
  const config = { lr: 0.1, weight_decay: 0.5, warmup: 4 };
  const rows = [row(0, []), row(10, [1, 1, 1])];
  let factor = 1;
  for (let step = 1; step <= 10; step++) factor *= 1 - 0.1 * Math.min(1, step / 4) * 0.5;
  const known = await norms.run(input(rows, config), {});
  assertAllClose(known.null.decay_only_weight_norm ?? [], [factor, 2 * factor, 3 * factor], { rtol: 1e-12 });
  const cold = await norms.run(input(rows, { ...config, warmup: 0 }), {});
  assertAllClose(
    cold.null.decay_only_weight_norm ?? [],
    [1, 2, 3].map((value) => value * 0.95 ** 10),
    { rtol: 1e-12 },
  );
  assert.equal((await norms.run(input(rows), {})).null.decay_only_weight_norm, null);
});

test("long runs are thinned; the last tick stays", async () => {
  const rows = Array.from({ length: 1001 }, (_, i) => row(i, [1, 1, 1]));
  const result = await norms.run(input(rows), {});
  for (const epochs of [result.epochs, result.gradient_epochs])
    assert.ok(epochs.length <= 401 && epochs[epochs.length - 1] === 1000);
  assert.equal(result.gradient_norms[0]?.length, result.gradient_epochs.length);
});

test("the contract holds, without any gradient too; a matrix that is missing from a tick is named", async () => {
  await checkContract(norms, input(METRICS, { lr: 1e-3, weight_decay: 1 }));
  await checkContract(norms, input([row(0, [])]));
  const holed = [row(0, []), { ...row(3, [1, 1, 1]), weight_norms: { "embed.W_E": 1 } }];
  const failure = (metrics: readonly MetricsRow[], pattern: RegExp) =>
    assert.throws(
      () => norms.run(input(metrics), {}),
      (error: unknown) => error instanceof MiiiiError && pattern.test(error.message),
    );
  failure(holed, /epoch 3 must hold blocks\.0\.attn\.W_Q/);
  failure([], /must hold metrics, got none/);
});
