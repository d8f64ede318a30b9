import assert from "node:assert/strict";
import { test } from "node:test";
import { orderedR2 } from "../../src/analyses/emergence/figure.ts";
import { emergence } from "../../src/analyses/emergence/index.ts";
import type { AnalysisInput, SeriesModel } from "../../src/analyses/kit/define.ts";
import { dequantised } from "../../src/analyses/kit/quantised.ts";
import { at, type NdArray } from "../../src/core/index.ts";
import { construct } from "../../src/model/index.ts";
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
