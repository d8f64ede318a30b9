import assert from "node:assert/strict";
import { test } from "node:test";
import { changedAnswers, editableModel } from "../src/activations/index.ts";
import { hitsAfterOf, hitsOf, targetsAt } from "../src/analyses/logits/hits.ts";
import { at, dim, float32, float64, type NdArray, randomStream, toFloat64 } from "../src/core/index.ts";
import { headMetrics } from "../src/math/index.ts";
import { initParameters, type Parameters } from "../src/model/index.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { headsOf, logitsOf, makeDataset } from "../src/tasks/index.ts";
import { presetConfig } from "../src/train/index.ts";
import { assertAllClose } from "./helpers/assert.ts";

const p = 29;
const runtime = onnxRuntime({ threads: 1 });
const config = presetConfig("miiii", { p, d_model: 12, n_heads: 3, d_mlp: 40, init: "he" });
const heads = headsOf(config);
const { targets } = makeDataset(config, 0);
const parameters = initParameters(config, 1);
// More than one block of 512, and the last one not full.
const samples = Int32Array.from({ length: 700 }, (_, i) => i + 17);

const scored = {
  samples,
  targets,
  scoresOf: (logits: NdArray<"float64">, some: Int32Array) => headMetrics(logits, targets, heads, some),
};

const scaled = (array: NdArray, factor: number): NdArray =>
  float32(
    Float32Array.from(array.data, (v) => factor * v),
    array.shape,
  );

/** With an extra class, as imported models have for '='. */
function widened(plain: Parameters): Parameters {
  const W_U = plain["unembed.W_U"];
  const [rows, width] = [dim(W_U, 0), dim(W_U, 1)];
  const data = Float32Array.from({ length: rows * (width + 1) }, (_, i) => {
    const column = i % (width + 1);
    return column === width ? 100 : at(W_U.data, Math.floor(i / (width + 1)) * width + column);
  });
  return { ...plain, "unembed.W_U": float32(data, [rows, width + 1]) };
}

const W_E = float64(
  toFloat64(parameters["embed.W_E"]).data.map((value, i) => value * Math.cos(i)),
  parameters["embed.W_E"].shape,
);
const EDITS = [{ W_E }, { meanAblateNeurons: [3, 0, 39, 17] }, { meanAblateNeurons: [5] }];

for (const [name, own] of [
  ["as trained", parameters],
  ["with an extra class", widened(parameters)],
  ["of large logits", { ...parameters, "unembed.W_U": scaled(parameters["unembed.W_U"], 2) }],
] as const) {
  test(`draws of a model ${name} score in single precision what they score in double`, async () => {
    const model = await editableModel(runtime, config, own);
    for (const edits of EDITS) {
      const found = await model.drawScores(edits, scored);
      const expected = headMetrics(await model.forward(edits, samples), targets, heads, samples);
      assert.ok(found !== undefined);
      assertAllClose(found.loss, expected.loss, { rtol: 2e-6 });
      assert.deepEqual(found.accuracy, expected.accuracy);
    }
    await model.dispose();
  });
}

test("of equal logits single precision decides nothing", async () => {
  const silent = { ...parameters, "unembed.W_U": scaled(parameters["unembed.W_U"], 0) };
  const model = await editableModel(runtime, config, silent);
  assert.equal(await model.drawScores({ W_E }, scored), undefined);
  await model.dispose();
});

test("targets beyond single precision's range and classes nearly as large as the target are left to double precision", async () => {
  // Some differences between logits are about a hundred: e^−100 is no single number.
  const certain = { ...parameters, "unembed.W_U": scaled(parameters["unembed.W_U"], 4) };
  const model = await editableModel(runtime, config, certain);
  let exact = 0;
  const watched = {
    ...scored,
    scoresOf: (logits: NdArray<"float64">, some: Int32Array) => {
      exact += some.length;
      return scored.scoresOf(logits, some);
    },
  };
  for (const edits of EDITS) {
    const before = exact;
    const found = await model.drawScores(edits, watched);
    const expected = headMetrics(await model.forward(edits, samples), targets, heads, samples);
    assert.ok(found !== undefined && exact - before < samples.length / 4, `${exact - before}`);
    assertAllClose(found.loss, expected.loss, { rtol: 2e-5 });
    assert.deepEqual(found.accuracy, expected.accuracy);
  }
  assert.ok(exact > 0, "no sample was left to double precision");
  await model.dispose();
});

test("two classes that single precision takes for equal: the answer is double precision's", async () => {
  // Columns of two classes of one head differ by less than single precision tells apart in their products.
  const W_U = parameters["unembed.W_U"];
  const width = dim(W_U, 1);
  const { offset } = at(heads, heads.length - 1);
  const columns = Float64Array.from(W_U.data, (value, i) => {
    const column = i % width;
    const source = column === offset + 1 ? i - 1 : i;
    return column === offset + 1 ? at(W_U.data, source) * (1 + 1e-9 * Math.sin(i)) : value;
  });
  const close = { ...parameters, "unembed.W_U": float64(columns, W_U.shape) };
  const model = await editableModel(runtime, config, close);
  for (const edits of EDITS) {
    const found = await model.drawScores(edits, scored);
    const expected = headMetrics(await model.forward(edits, samples), targets, heads, samples);
    assert.deepEqual(found?.accuracy, expected.accuracy);
  }
  await model.dispose();
});

test("what single precision decides too little of, other edits, and too many samples are left to double precision", async () => {
  const certain = { ...parameters, "unembed.W_U": scaled(parameters["unembed.W_U"], 500) };
  const model = await editableModel(runtime, config, certain);
  assert.equal(await model.drawScores({ W_E }, scored), undefined);
  for (const edits of [{}, { meanAblateHeads: [0] }, { W_E, meanAblateNeurons: [1] }, { W_E, averageDigit: 0 as const }])
    assert.equal(await model.drawScores(edits, scored), undefined);
  assert.equal(await model.drawScores({ W_E }, { ...scored, samples: new Int32Array(2 ** 20) }), undefined);
  await model.dispose();
});

test("answers after changes of logits: the runtime's are those of plain loops, of equal logits too", async () => {
  const random = randomStream(3, "test/hits");
  const classes = logitsOf(heads);
  // Small integers: sums are exact, and many are equal.
  const integers = (rows: number, width: number, most: number) =>
    float64(
      Float64Array.from({ length: rows * width }, () => random.integer(2 * most + 1) - most),
      [rows, width],
    );
  const [logits, own] = [integers(samples.length, classes, 2), targetsAt(targets, samples)];
  const runtimes = changedAnswers(runtime, heads);
  const [fast, plain] = [await runtimes.hitsAfter(logits, own), await hitsAfterOf({ heads })(logits, own)];
  for (const neurons of [1, 6]) {
    const [values, readout] = [integers(samples.length, neurons, 1), integers(neurons, classes, 1)];
    const hits = await plain(values, readout);
    assert.deepEqual(await fast(values, readout), hits);
    assert.notDeepEqual(hits, hitsOf(logits, own, heads));
    const right = hits.reduce((sum, hit) => sum + hit, 0) / hits.length;
    assert.ok(right > 0.05 && right < 0.6, `${right}`);
  }
  await runtimes.dispose();
});
