import assert from "node:assert/strict";
import { test } from "node:test";
import { activationsOf, editableModel, everySample } from "../src/activations/index.ts";
import { float64, type NdArray, randomStream, sizeOf } from "../src/core/index.ts";
import { initParameters, type Parameters, parameterShapes } from "../src/model/index.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { presetConfig } from "../src/train/index.ts";
import { assertAllClose } from "./helpers/assert.ts";
import { plainForward } from "./helpers/plain-model.ts";

const config = presetConfig("miiii", { p: 11, d_model: 12, n_heads: 3, d_mlp: 20, init: "he" });
const runtime = onnxRuntime({ threads: 1 });
const names = [
  "blocks.0.attn.hook_pattern",
  "blocks.0.attn.hook_z",
  "blocks.0.hook_resid_mid",
  "blocks.0.mlp.hook_pre",
  "blocks.0.mlp.hook_post",
  "logits",
] as const;

function withBiases(parameters: Parameters, extraClass: boolean): Parameters {
  const random = randomStream(5, "biases");
  const draw = (shape: number[]) => float64(Float64Array.from({ length: sizeOf(shape) }, random.normal), shape);
  const classes = (parameters["unembed.W_U"].shape[1] as number) + (extraClass ? 1 : 0);
  return {
    ...parameters,
    "blocks.0.attn.b_Q": draw([3, 4]),
    "blocks.0.attn.b_K": draw([3, 4]),
    "blocks.0.attn.b_V": draw([3, 4]),
    "blocks.0.attn.b_O": draw([12]),
    "blocks.0.mlp.b_in": draw([20]),
    "blocks.0.mlp.b_out": draw([12]),
    "unembed.W_U": extraClass ? draw([12, classes]) : parameters["unembed.W_U"],
    "unembed.b_U": draw([classes]),
  };
}

const digitsAt = (rate: number) => ({ ...config, equals: false, attention_rate: rate });
for (const [kind, model, parameters] of [
  ["without biases", config, initParameters(config, 1)],
  ["with every bias and an extra class", config, withBiases(initParameters(config, 2), true)],
  ["without '='", { ...config, equals: false }, initParameters({ ...config, equals: false }, 1)],
  ["without '=', with every bias, at attention rate 0.3", digitsAt(0.3), withBiases(initParameters(digitsAt(0.3), 2), false)],
  ["without '=', at attention rate 0", digitsAt(0), initParameters(digitsAt(0), 4)],
] as const) {
  test(`table look-up equals the plain model over all positions, ${kind}`, async () => {
    const grid = await activationsOf(runtime, model, parameters, names);
    for (const i of [0, 1, 10, 11, 60, 119, 120]) {
      const plain = plainForward(model, parameters, Math.floor(i / 11), i % 11);
      const row = (name: (typeof names)[number]) => {
        const array = grid[name] as NdArray<"float64">;
        const width = sizeOf(array.shape.slice(1));
        return array.data.subarray(i * width, (i + 1) * width);
      };
      const options = { rtol: 1e-11, atol: 1e-13 };
      assertAllClose(row("blocks.0.attn.hook_pattern"), plain.pattern.flat(), options);
      assertAllClose(row("blocks.0.attn.hook_z"), plain.z, options);
      assertAllClose(row("blocks.0.hook_resid_mid"), plain.mid, options);
      assertAllClose(row("blocks.0.mlp.hook_pre"), plain.pre, options);
      assertAllClose(row("blocks.0.mlp.hook_post"), plain.post, options);
      assertAllClose(row("logits"), plain.logits.slice(0, 17), options);
    }
  });
}

test("an attention rate is for models without '=', from 0 to 1", () => {
  assert.throws(
    () => parameterShapes({ ...config, attention_rate: 0.5 }),
    /attention_rate: must be from 0 to 1, and 1 for a model with '=', got 0\.5/,
  );
  assert.throws(() => parameterShapes(digitsAt(1.5)), /attention_rate: must be from 0 to 1/);
  assert.deepEqual(parameterShapes(digitsAt(0.5))["embed.W_E"], [11, 12]);
});

test("ablations of a model without '=' replace by the mean over the grid too", async () => {
  const model = digitsAt(0);
  const editable = await editableModel(runtime, model, withBiases(initParameters(model, 3), false));
  const headless = await editable.forward({ meanAblateHeads: [0, 1, 2] });
  // What is left is the second digit's own embedding: rows of one x1 are equal, those of another differ.
  assertAllClose(headless.data.subarray(0, 17), headless.data.subarray(11 * 17, 12 * 17), { rtol: 1e-10 });
  assert.notDeepEqual(headless.data.subarray(0, 17), headless.data.subarray(17, 34));
  await editable.dispose();
});

test("ablations replace by the mean over the grid", async () => {
  const parameters = withBiases(initParameters(config, 3), false);
  const grid = await activationsOf(runtime, config, parameters, names);
  const post = grid["blocks.0.mlp.hook_post"] as NdArray<"float64">;
  const logits = grid.logits as NdArray<"float64">;
  const model = await editableModel(runtime, config, parameters);
  const cut = [0, 7, 19];
  const samples = Int32Array.from([3, 50, 110]);
  const ablated = await model.forward({ meanAblateNeurons: cut }, samples);
  const [W_out, W_U] = [parameters["blocks.0.mlp.W_out"].data, parameters["unembed.W_U"].data];
  const mean = (n: number) => Array.from(everySample(11), (i) => post.data[i * 20 + n] as number).reduce((a, b) => a + b) / 121;
  samples.forEach((sample, row) => {
    const expected = Array.from({ length: 17 }, (_, c) => {
      let value = logits.data[sample * 17 + c] as number;
      for (const n of cut) {
        const change = mean(n) - (post.data[sample * 20 + n] as number);
        for (let j = 0; j < 12; j++) value += change * (W_out[n * 12 + j] as number) * (W_U[j * 17 + c] as number);
      }
      return value;
    });
    assertAllClose(ablated.data.subarray(row * 17, (row + 1) * 17), expected, { rtol: 1e-6 }); // W_U is stored in float32
  });
  const headless = await model.forward({ meanAblateHeads: [0, 1, 2] });
  // With every head at its mean nothing depends on the digits any more.
  assertAllClose(headless.data.subarray(17, 34), headless.data.subarray(0, 17), { rtol: 1e-10 });
  assert.notDeepEqual(logits.data.subarray(17, 34), logits.data.subarray(0, 17));
  const blank = float64(new Float64Array(12 * 12), [12, 12]);
  const noTokens = await model.forward({ W_E: blank });
  assertAllClose(noTokens.data.subarray(17, 34), noTokens.data.subarray(0, 17), { rtol: 1e-10 });
  assertAllClose((await model.forward({})).data, logits.data, { rtol: 1e-12 });
  await assert.rejects(model.forward({ meanAblateNeurons: [20] }), /neurons must be in 0\.\.19, got 20/);
  await model.dispose();
});

for (const [kind, model, parameters] of [
  ["with every bias and an extra class", config, withBiases(initParameters(config, 6), true)],
  ["without '='", digitsAt(0.3), withBiases(initParameters(digitsAt(0.3), 6), false)],
] as const) {
  test(`a digit at its mean, and the path past the MLP at its mean, ${kind}`, async () => {
    const [p, classes, d_mlp] = [11, 17, 20];
    const editable = await editableModel(runtime, model, parameters);
    const close = { rtol: 1e-9, atol: 1e-10 };
    const at = (logits: NdArray<"float64">, i: number) => logits.data.subarray(i * classes, (i + 1) * classes);
    const whole = await editable.forward({});
    const every = Array.from({ length: d_mlp }, (_, j) => j);
    // Without neurons the logits are the stream's own, which is linear: averaging before the read-out and after it are the same.
    const linear = await editable.forward({ meanAblateNeurons: every });
    for (const averageDigit of [0, 1] as const) {
      const place = (kept: number, averaged: number) => (averageDigit === 0 ? averaged * p + kept : kept * p + averaged);
      const found = await editable.forward({ averageDigit });
      const bare = await editable.forward({ averageDigit, meanAblateNeurons: every });
      for (const kept of [0, 4, 10]) {
        assertAllClose(at(found, place(kept, 3)), at(found, place(kept, 9)), close);
        const mean = Array.from(
          { length: classes },
          (_, c) =>
            everySample(p)
              .slice(0, p)
              .reduce((sum, x) => sum + (at(linear, place(kept, x))[c] as number), 0) / p,
        );
        assertAllClose(at(bare, place(kept, 0)), mean, close);
      }
      assert.notDeepEqual(at(found, place(0, 0)), at(found, place(1, 0)), "the other digit is read");
    }
    const neuronsAlone = await editable.forward({ meanAblateSkip: true });
    const average = Array.from(
      { length: classes },
      (_, c) => [...everySample(p)].reduce((sum, i) => sum + (at(linear, i)[c] as number), 0) / (p * p),
    );
    for (const i of [0, 17, 120]) {
      const expected = Array.from(at(whole, i), (value, c) => value - (at(linear, i)[c] as number) + (average[c] as number));
      assertAllClose(at(neuronsAlone, i), expected, close);
    }
    const nothing = await editable.forward({ meanAblateSkip: true, meanAblateNeurons: every });
    assertAllClose(at(nothing, 0), at(nothing, 77), close);
    const samples = Int32Array.from([5, 100]);
    const some = await editable.forward({ meanAblateSkip: true, averageDigit: 0 }, samples);
    const all = await editable.forward({ meanAblateSkip: true, averageDigit: 0 });
    assertAllClose(at(some, 1), at(all, 100), close);
    await editable.dispose();
  });
}
