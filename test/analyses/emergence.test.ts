import assert from "node:assert/strict";
import { test } from "node:test";
import { assembled, rowsOf } from "../../src/analyses/emergence/compute.ts";
import { orderedR2 } from "../../src/analyses/emergence/figure.ts";
import { emergence } from "../../src/analyses/emergence/index.ts";
import type { AnalysisInput, SeriesModel } from "../../src/analyses/kit/define.ts";
import { dequantised, quantised } from "../../src/analyses/kit/quantised.ts";
import { neurons } from "../../src/analyses/neurons/index.ts";
import { at, type NdArray } from "../../src/core/index.ts";
import { construct } from "../../src/model/index.ts";
import { headsOf } from "../../src/tasks/index.ts";
import { assertAllClose } from "../helpers/assert.ts";
import { inputOfModel } from "../helpers/model-input.ts";
import { checkContract, normals } from "../helpers/spectral-input.ts";

const PRE = "blocks.0.mlp.hook_pre";

/** A run whose first checkpoint is noise and whose last is a model written by hand. */
async function runOf(options: Parameters<typeof construct>[0]) {
  const model = construct(options);
  const input = await inputOfModel(model.config, model.parameters, [PRE]);
  const written = input.activations[PRE] ?? assert.fail("no activations");
  const noise = normals(written.shape, "noise");
  async function* models(): AsyncGenerator<SeriesModel> {
    const at = (epoch: number, pre: NdArray<"float64">) => ({ epoch, parameters: model.parameters, activations: { [PRE]: pre } });
    yield at(10, noise);
    yield at(2000, written);
  }
  const accuracy = input.heads.map(() => 0.5);
  const row = { epoch: 2000, train: { accuracy, loss: accuracy }, validation: { accuracy, loss: accuracy } };
  const metrics = [row] as unknown as NonNullable<AnalysisInput["series"]>["metrics"];
  return { model, input: { ...input, series: { metrics, omega: [], checkpoints: [10, 2000], models } } satisfies AnalysisInput };
}

for (const options of [
  { task: "miiii", p: 29, frequencies: 2, d_model: 128, seed: 3 },
  { task: "nanda", p: 13, frequencies: 2 },
] as const) {
  test(`out of noise every neuron comes to lie in the row that was written for it: ${JSON.stringify(options)}`, async () => {
    const { model, input } = await runOf(options);
    const result = await emergence.run(input, {});
    await checkContract(emergence, input);
    assert.deepEqual(result.epochs, [10, 2000]);
    assert.equal(result.rows, options.task === "nanda" ? "k" : "q");
    const rowOf = ({ m, k }: { m: number; k: number }) => result.labels.indexOf(result.rows === "q" ? m : k);
    model.neurons.forEach((written, j) => {
      assert.equal(result.best[j], rowOf(written), `neuron ${j}`);
    });
    assert.equal(at(result.above_half, 1), model.neurons.length);
    // Noise: one in a hundred lies above a 99 % limit; twice that and two more is the most that is let pass.
    assert.ok(at(result.above_null, 0) <= 2 + 0.02 * result.neurons, `${result.above_null[0]} of ${result.neurons}`);
    // One null for one question: that of `neurons`, whose draws are enough for a 99 % limit.
    const { null: known } = await neurons.run(input, {});
    assert.ok(result.null.draws >= 200 && result.null.draws === known.draws);
    assertAllClose([at(result.null.R2, 1)], [known.R2], { atol: 1e-5 });
    assert.deepEqual(result.accuracy, [null, input.heads.map(() => 0.5)]);
    // The last matrix is a staircase: in the order of the figure, best rows never step back.
    const places = result.order.filter((j) => at(result.best, j) >= 0).map((j) => at(result.best, j));
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
    assert.deepEqual(
      [...result.order].sort((a, b) => a - b),
      Array.from({ length: result.neurons }, (_, j) => j),
    );
    const [plain, ordered] = [dequantised(result.R2[1] ?? assert.fail("no matrix")), orderedR2(result, 1)];
    for (let row = 0; row < result.labels.length; row++) {
      for (let place = 0; place < result.neurons; place++) {
        assert.equal(at(ordered, row * result.neurons + place), at(plain, row * result.neurons + at(result.order, place)));
      }
    }
  });
}

test("neurons above one half, their order and the logged accuracy, by hand", () => {
  const config = {
    task: "miiii",
    p: 7,
    labels: "remainder",
    shuffle_labels: false,
    d_model: 8,
    n_heads: 1,
    d_head: 8,
    d_mlp: 4,
  } as const;
  const heads = headsOf(config);
  const R2 = quantised(new Float64Array(heads.length * 4), 4);
  const at = (epoch: number, best: readonly (readonly [row: number, value: number])[]) => ({
    epoch,
    R2,
    best: best.map(([row, value]) => ({ row, value })),
    limit: 0.2,
  });
  const found = [
    at(10, [
      [0, 0.1],
      [1, 0.2],
      [-1, 0],
      [1, 0.21],
    ]),
    at(20, [
      [1, 0.5],
      [1, 0.51],
      [-1, 0],
      [0, 0.3],
    ]),
  ];
  const logged = new Map([[20, [0.5, 0.25, 1]]]);
  const result = assembled({ config, heads }, rowsOf({ config, heads }), found, (epoch) => logged.get(epoch));
  assert.deepEqual(
    [result.above_null, result.above_half],
    [
      [1, 3],
      [0, 1],
    ],
  );
  // By row, the best of a row first, those that do not vary last.
  assert.deepEqual(
    [result.order, result.best],
    [
      [3, 1, 0, 2],
      [1, 1, -1, 0],
    ],
  );
  assert.deepEqual(result.accuracy, [null, [0.5, 0.25, 1]]);
});

test("an accuracy belongs to the checkpoint of its own epoch, not to a later one", async () => {
  const { input } = await runOf({ task: "nanda", p: 13, frequencies: 2 });
  const [row] = input.series.metrics;
  assert.ok(row !== undefined);
  const metrics = [{ ...row, epoch: 1000 }, row];
  const result = await emergence.run({ ...input, series: { ...input.series, metrics } }, {});
  assert.deepEqual(result.accuracy, [null, [0.5]]);
});
