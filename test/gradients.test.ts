import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { at, float32, float64, type NdArray, randomStream } from "../src/core/index.ts";
import {
  crossEntropy,
  initParameters,
  lossAndGradients,
  PARAMETER_NAMES,
  type ParameterName,
  type RunConfig,
  tableRows,
  targetColumns,
} from "../src/model/index.ts";
import { type Ops, tensor } from "../src/ops/index.ts";
import { onnxRuntime, type Runtime, runOnce } from "../src/runtimes/index.ts";
import { tensorflowRuntimeOf } from "../src/runtimes/tensorflow.ts";
import { headsOf, headWeights, makeDataset, makeSplit } from "../src/tasks/index.ts";
import { presetConfig } from "../src/train/index.ts";
import { assertAllClose } from "./helpers/assert.ts";

await tf.setBackend("cpu");
const onnx = onnxRuntime({ threads: 1 });
const tensorflow = tensorflowRuntimeOf(tf, { version: "test", device: "test" });

type Weights = Record<ParameterName, tf.Tensor>;

/** The plain model over all three positions and its loss, for automatic differentiation. Masks are [1 or batch, 3, d_model]. */
function plainLoss(config: RunConfig, w: Weights, samples: Int32Array, mid: tf.Tensor, post: tf.Tensor): tf.Scalar {
  const data = makeDataset(config, config.seed);
  const heads = headsOf(config);
  const n = samples.length;
  const tokens = tf.tensor2d(
    Array.from(samples, (i) => [at(data.x0, i), at(data.x1, i), config.p]),
    [n, 3],
    "int32",
  );
  const oneHot = tf.oneHot(tokens, config.p + 1).toFloat(); // [n, 3, p+1]
  const embedded = tf.add(
    tf.matMul(oneHot.reshape([n * 3, config.p + 1]), w["embed.W_E"]).reshape([n, 3, -1]),
    w["pos_embed.W_pos"],
  ); // [n, 3, d]
  let stream: tf.Tensor = embedded;
  for (let h = 0; h < config.n_heads; h++) {
    const take = (name: ParameterName) => w[name].gather(tf.tensor1d([h], "int32")).squeeze([0]);
    const flat = embedded.reshape([n * 3, config.d_model]);
    const project = (name: ParameterName) => tf.matMul(flat, take(name)).reshape([n, 3, config.d_head]) as tf.Tensor3D;
    const [q, k, v] = [project("blocks.0.attn.W_Q"), project("blocks.0.attn.W_K"), project("blocks.0.attn.W_V")];
    const pattern = tf.softmax(tf.matMul(q, k, false, true).div(Math.sqrt(config.d_head))) as tf.Tensor3D; // [n, 3, 3]
    const z = tf.matMul(pattern, v).reshape([n * 3, config.d_head]);
    stream = stream.add(tf.matMul(z, take("blocks.0.attn.W_O")).reshape([n, 3, config.d_model]));
  }
  stream = stream.mul(mid);
  const flat = stream.reshape([n * 3, config.d_model]);
  const mlp = tf
    .matMul(tf.relu(tf.matMul(flat, w["blocks.0.mlp.W_in"])), w["blocks.0.mlp.W_out"])
    .reshape([n, 3, config.d_model]);
  stream = stream.add(mlp).mul(post);
  const last = stream.slice([0, 2, 0], [n, 1, config.d_model]).reshape([n, config.d_model]);
  const logits = tf.matMul(last, w["unembed.W_U"]);
  const weights = headWeights(heads).data;
  let loss = tf.scalar(0);
  heads.forEach((head, h) => {
    const own = logits.slice([0, head.offset], [n, head.classes]);
    const target = tf.oneHot(
      tf.tensor1d(
        Array.from(samples, (i) => at(data.targets.data, i * heads.length + h)),
        "int32",
      ),
      head.classes,
    );
    const ce = tf.logSumExp(own, 1).sub(own.mul(target).sum(1)).mean();
    loss = loss.add(ce.mul(at(weights, h)));
  });
  return loss;
}

const cases: [string, Partial<RunConfig>, Parameters<typeof presetConfig>[0]][] = [
  ["nanda", { seed: 1 }, "nanda"],
  ["nanda, dropout by step", { seed: 2, dropout: 0.2 }, "nanda"],
  ["miiii, dropout by step", { seed: 3, dropout: 0.1, init: "he" }, "miiii"],
  ["miiii, dropout by sample", { seed: 4, dropout: 0.3, dropout_mask: "sample", init: "he" }, "miiii"],
  ["masked", { seed: 5 }, "masked"],
  ["divisibility", { seed: 6, labels: "divisibility" }, "miiii"],
];

for (const [name, overrides, preset] of cases) {
  test(`gradients equal automatic ones of the plain model: ${name}`, async () => {
    const config = presetConfig(preset, { p: 13, d_model: 16, n_heads: 2, d_mlp: 24, train_fraction: 0.4, ...overrides });
    const { p, d_model, seed } = config;
    const samples = makeSplit(p, config.train_fraction, seed).train;
    const n = samples.length;
    const random = randomStream(seed, "test masks");
    const rows = config.dropout_mask === "step" ? 1 : n;
    const mask3 = () =>
      Float32Array.from({ length: rows * 3 * d_model }, () => (random.uniform() < config.dropout ? 0 : 1 / (1 - config.dropout)));
    const last = (mask: Float32Array) =>
      float32(
        Float32Array.from({ length: rows * d_model }, (_, i) =>
          at(mask, (Math.floor(i / d_model) * 3 + 2) * d_model + (i % d_model)),
        ),
        [rows, d_model],
      );
    const [mid, post] = [mask3(), mask3()];
    const parameters = initParameters(config, seed);
    const tensors = PARAMETER_NAMES.map((each) => tf.tensor(parameters[each].data, [...parameters[each].shape]));
    const automatic = tf.valueAndGrads((...w: tf.Tensor[]) =>
      plainLoss(
        config,
        Object.fromEntries(PARAMETER_NAMES.map((each, i) => [each, at(w, i)])) as unknown as Weights,
        samples,
        tf.tensor(mid, [rows, 3, d_model]),
        tf.tensor(post, [rows, 3, d_model]),
      ),
    )(tensors);

    const data = makeDataset(config, seed);
    const heads = headsOf(config);
    const batch = { ...tableRows(samples, data), columns: targetColumns(data.targets, heads, samples) };
    // In blocks of samples as well, of which the last is shorter or longer.
    for (const { runtime, blockBytes } of [{ runtime: onnx }, { runtime: onnx, blockBytes: 1024 }, { runtime: tensorflow }]) {
      const float = (shape: readonly number[]) => ({ dtype: "float32" as const, shape });
      const program = await runtime.compile({
        dtype: "float32",
        inputs: {
          ...Object.fromEntries(PARAMETER_NAMES.map((each) => [each, float(parameters[each].shape)])),
          mid: float([rows, d_model]),
          post: float([rows, d_model]),
        },
        build: <T>(ops: Ops<T>, given: Readonly<Record<string, T>>) => {
          const masks = { mid: given.mid as T, post: given.post as T };
          if (blockBytes !== undefined) Object.assign(ops, { blockBytes });
          const { loss, gradients } = lossAndGradients(ops, given, { batch, heads }, { ...config, batch: n }, masks);
          return { loss, ...Object.fromEntries(PARAMETER_NAMES.map((each) => [`d/${each}`, gradients[each]])) };
        },
      });
      const out = await runOnce(program, { ...parameters, mid: last(mid), post: last(post) });
      const weights = headWeights(heads).data;
      const loss = Array.from((out.loss as NdArray).data).reduce((sum, value, h) => sum + value * at(weights, h), 0);
      assertAllClose([loss], await automatic.value.data(), { rtol: 2e-6 });
      PARAMETER_NAMES.forEach((each, i) => {
        const [own, auto] = [(out[`d/${each}`] as NdArray).data, at(automatic.grads, i).dataSync()];
        let [difference, square] = [0, 0];
        own.forEach((value, j) => {
          difference += (value - at(auto, j)) ** 2;
          square += at(auto, j) ** 2;
        });
        const relative = Math.sqrt(difference / square);
        assert.ok(relative < 1e-5, `${runtime.name}, blocks of ${blockBytes} bytes, ${each}: relative difference ${relative}`);
      });
      await program.dispose();
    }
  });
}

test("cross-entropy stays exact far below float32's resolution, and for confident mistakes", async () => {
  const heads = [{ q: 3, adds: false, classes: 3, offset: 0, active: true }];
  // Targets are class 0. Differences of 20, 40, and a mistake by 60: losses e^-20 (2e-9), e^-40, 60.
  const logits = float32([20, 0, -5, 40, 0, -5, -20, 40, -5], [3, 3]);
  const columns: NdArray<"int32"> = { dtype: "int32", shape: [1, 1], data: Int32Array.of(0) };
  const losses = async (runtime: Runtime, row: number) => {
    const program = await runtime.compile({
      dtype: "float32",
      inputs: { logits: { dtype: "float32", shape: [1, 3] } },
      build: (ops, given) => {
        const { loss, dLogits } = crossEntropy(
          ops,
          ops.add(tensor(given, "logits"), ops.constant(float64([0], [1]))),
          ops.constant(columns),
          heads,
          1,
        );
        return { loss, dLogits };
      },
    });
    const out = await runOnce(program, { logits: float32(logits.data.slice(3 * row, 3 * row + 3), [1, 3]) });
    await program.dispose();
    return { loss: at(out.loss?.data ?? [], 0), dLogits: Array.from(out.dLogits?.data ?? []) };
  };
  for (const runtime of [onnx, tensorflow]) {
    const [a, b, c] = [await losses(runtime, 0), await losses(runtime, 1), await losses(runtime, 2)];
    assertAllClose([a.loss], [Math.log1p(Math.exp(-20) + Math.exp(-25))], { rtol: 1e-5 });
    assertAllClose(a.dLogits, [-(Math.exp(-20) + Math.exp(-25)), Math.exp(-20), Math.exp(-25)], { rtol: 1e-5 });
    assertAllClose([b.loss], [Math.exp(-40) + Math.exp(-45)], { rtol: 1e-5 });
    assertAllClose(b.dLogits, [-(Math.exp(-40) + Math.exp(-45)), Math.exp(-40), Math.exp(-45)], { rtol: 1e-5 });
    assertAllClose([c.loss], [60], { rtol: 1e-5 });
    assertAllClose(c.dLogits, [-1, 1, Math.exp(-45)], { rtol: 1e-5 });
  }
});
