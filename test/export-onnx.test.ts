import { test } from "node:test";
import * as ort from "onnxruntime-node";
import { activationsOf, exportOnnx } from "../src/activations/index.ts";
import { float32, type NdArray } from "../src/core/index.ts";
import { initParameters } from "../src/model/index.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { presetConfig } from "../src/train/index.ts";
import { assertAllClose } from "./helpers/assert.ts";

const plain = presetConfig("miiii", { p: 11, d_model: 16, n_heads: 2, d_mlp: 24 });
for (const [kind, config] of [
  ["", plain],
  [" without '='", { ...plain, equals: false, attention_rate: 0.25 }],
] as const)
  test(`an exported ONNX file takes tokens of any batch and gives the model's logits${kind}`, async () => {
    const positions = kind === "" ? 3 : 2;
    const parameters = { ...initParameters(config, 1), "blocks.0.mlp.b_in": float32(new Float32Array(24).fill(0.1), [24]) };
    const { logits } = await activationsOf(onnxRuntime({ threads: 1 }), config, parameters, ["logits"]);
    const session = await ort.InferenceSession.create(exportOnnx(config, parameters));
    for (const pairs of [
      [[3, 7]],
      [
        [0, 0],
        [1, 0],
        [0, 1],
        [10, 10],
      ],
    ]) {
      const tokens = BigInt64Array.from(
        pairs.flatMap(([a, b]) => [a, b, 11].slice(0, positions)).map((token) => BigInt(token ?? 0)),
      );
      const out = await session.run({ tokens: new ort.Tensor("int64", tokens, [pairs.length, positions]) });
      const expected = pairs.flatMap(([a, b]) => {
        const row = (a ?? 0) * 11 + (b ?? 0);
        return Array.from((logits as NdArray).data.subarray(row * 17, row * 17 + 17));
      });
      const got = Array.from(out.logits?.data as Float32Array);
      assertAllClose(got, expected, { rtol: 1e-5, atol: 1e-6 });
      assertAllClose([got.length], [pairs.length * 17]);
    }
    await session.release();
  });
