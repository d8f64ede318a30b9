import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { activationsOf } from "../src/activations/index.ts";
import { ANALYSES } from "../src/analyses/registry.ts";
import { encodeNpz } from "../src/checkpoint/formats/npy.ts";
import { parseRunConfig, readCheckpoint, transformerLensConfig, writeModel } from "../src/checkpoint/index.ts";
import { float64, type NdArray, sizeOf } from "../src/core/index.ts";
import { ACTIVATIONS, activate, initParameters, parameterShapes } from "../src/model/index.ts";
import { onnxRuntime, runOnce } from "../src/runtimes/index.ts";
import { presetConfig } from "../src/train/index.ts";
import { assertAllClose } from "./helpers/assert.ts";
import { runCommands } from "./helpers/cli.ts";
import { folder, save } from "./helpers/import-models.ts";
import { ACTIVATION_ORACLES, plainForward } from "./helpers/plain-model.ts";
import { ROOT } from "./helpers/source.ts";

const runtime = onnxRuntime({ threads: 1 });
const config = presetConfig("nanda", { p: 11, d_model: 12, n_heads: 3, d_mlp: 20, init: "he" });

for (const activation of ACTIVATIONS) {
  test(`${activation}: the function of its paper, without an overflow far out, and the forward pass uses it`, async () => {
    const inner = Float64Array.from({ length: 401 }, (_, i) => (i - 200) / 50);
    const xs = Float64Array.from([...inner, -1000, -40, 40, 1000]);
    const program = await runtime.compile({
      dtype: "float64",
      inputs: { x: { dtype: "float64", shape: [1, xs.length] } },
      build: (ops, { x }) => {
        assert.ok(x !== undefined);
        return { y: activate(ops, x, activation) };
      },
    });
    const { y } = await runOnce(program, { x: float64(xs, [1, xs.length]) });
    await program.dispose();
    const found = (y as NdArray).data;
    const expected = inner.map(ACTIVATION_ORACLES[activation]);
    assertAllClose(found.slice(0, inner.length), expected, { rtol: 1e-12, atol: 1e-12 });
    const far = [-1000, -40, 40, 1000].map((x) =>
      // The error function's series does not reach out there; its limit does.
      activation === "gelu" ? Math.max(0, x) : ACTIVATION_ORACLES[activation](x),
    );
    assertAllClose(found.slice(inner.length), far, { rtol: 1e-12, atol: 1e-12 });

    const model = { ...config, activation };
    const parameters = initParameters(model, 3);
    const { logits } = await activationsOf(runtime, model, parameters, ["logits"]);
    for (const i of [0, 60, 120]) {
      const plain = plainForward(model, parameters, Math.floor(i / 11), i % 11);
      assertAllClose((logits as NdArray).data.slice(i * 11, i * 11 + 11), plain.logits, { rtol: 1e-11, atol: 1e-12 });
    }
  });
}

test("what is written for ReLU refuses other activations by name, and everything else takes them", () => {
  const gelu = { ...config, activation: "gelu" } as const;
  const refusing = ANALYSES.filter(({ refuses }) => refuses?.(gelu) !== undefined && refuses?.(config) === undefined);
  assert.deepEqual(refusing.map(({ id }) => id).sort(), ["algorithm", "clock", "course", "patch"]);
  for (const { refuses } of refusing)
    assert.match(refuses?.(gelu) ?? "", /which is defined for ReLU; this model's activation is gelu$/);
  assert.throws(() => parseRunConfig(gelu, "run"), /config.activation must be relu in a run, got gelu/);
  assert.throws(() => parameterShapes({ ...config, activation: "gated" as "gelu" }), /activation: must be one of relu, gelu/);
  const parameters = initParameters(config, 0);
  assert.equal(transformerLensConfig({ config: gelu, parameters }).act_fn, "gelu");
  assert.throws(
    () => transformerLensConfig({ config: { ...config, activation: "square" }, parameters }),
    /TransformerLens has no activation square/,
  );
});

/** (x0 + x1) mod 5 by u², which is (cos α + cos β)² of a few phases: a model that is right with `square` and wrong with ReLU. */
function squareModel() {
  const p = 5;
  const size = { p, d_model: 4, n_heads: 1, d_head: 4, d_mlp: 16 };
  const shapes = parameterShapes({ ...config, ...size });
  const filled = (name: keyof typeof shapes, of: (i: number, j: number) => number) => {
    const shape = shapes[name];
    const columns = shape.at(-1) as number;
    return float64(
      Float64Array.from({ length: sizeOf(shape) }, (_, at) => of(Math.floor(at / columns), at % columns)),
      shape,
    );
  };
  const angle = (k: number, x: number) => (2 * Math.PI * k * x) / p;
  const wave = (x: number, i: number) =>
    [Math.cos(angle(1, x)), Math.sin(angle(1, x)), Math.cos(angle(2, x)), Math.sin(angle(2, x))][i] ?? 0;
  const phase = (j: number) => (2 * Math.PI * (j % 8)) / 8;
  // Neuron j: frequency 1 + ⌊j/8⌋, phase (j mod 8)/8 of a turn; u² holds cos(w(x0 + x1) + 2·phase).
  return {
    "embed.W_E": filled("embed.W_E", (x, i) => (x < p ? 3 * wave(x, i) : 0)),
    "pos_embed.W_pos": filled("pos_embed.W_pos", () => 0),
    "blocks.0.attn.W_Q": filled("blocks.0.attn.W_Q", () => 0),
    "blocks.0.attn.W_K": filled("blocks.0.attn.W_K", () => 0),
    "blocks.0.attn.W_V": filled("blocks.0.attn.W_V", (i, j) => Number(i === j)),
    "blocks.0.attn.W_O": filled("blocks.0.attn.W_O", (i, j) => Number(i === j)),
    "blocks.0.mlp.W_in": filled("blocks.0.mlp.W_in", (i, j) => {
      const own = Math.floor(i / 2) === Math.floor(j / 8);
      return own ? (i % 2 === 0 ? Math.cos(phase(j)) : -Math.sin(phase(j))) : 0;
    }),
    "blocks.0.mlp.W_out": filled("blocks.0.mlp.W_out", (j, i) => {
      const own = Math.floor(i / 2) === Math.floor(j / 8);
      return own ? (i % 2 === 0 ? Math.cos(2 * phase(j)) : -Math.sin(2 * phase(j))) : 0;
    }),
    "unembed.W_U": filled("unembed.W_U", (i, c) => wave(c, i)),
  };
}

test("gelu far out is Φ's tail", async () => {
  const { y } = await runOnce(
    await runtime.compile({
      dtype: "float64",
      inputs: { x: { dtype: "float64", shape: [1, 2] } },
      build: (ops, { x }) => ({ y: activate(ops, x as NonNullable<typeof x>, "gelu") }),
    }),
    { x: float64([-5, -10], [1, 2]) },
  );
  // Φ(−5) and Φ(−10), as tables have them.
  assertAllClose((y as NdArray).data, [-5 * 2.866515718791939e-7, -10 * 7.619853024160527e-24], { rtol: 1e-13 });
});

test("the activation is a model's own: stated in the file that is imported, in its exports, and asked after where nothing states it", () => {
  const path = save(encodeNpz(new Map(Object.entries(squareModel()))), "npz");
  const [imported, exported] = [join(folder, "square.safetensors"), join(folder, "square.onnx")];
  const heads = ["--heads", "1", "--task", "nanda"];
  const [open, asRelu, asSquare, written, onnx, again, refused] = runCommands([
    ["inspect", path],
    ["inspect", path, ...heads],
    ["inspect", path, ...heads, "--activation", "quadratic", "--evaluate", "--json"],
    ["import", path, imported, ...heads, "--activation", "square"],
    ["export", imported, exported],
    ["inspect", imported, "--json"],
    ["analyze", "clock", imported],
  ]);
  assert.match(open?.stderr ?? "", /say --task .*; or name its activation, if that is not ReLU: --activation\n$/);
  assert.match(asRelu?.stderr ?? "", /read with ReLU \(--activation names another\)/);
  assert.match(
    asRelu?.stderr ?? "",
    /low accuracy with ReLU, which was assumed; above 0\.9 with --activation relu2 or square\n$/,
  );
  const [run] = JSON.parse(asSquare?.stdout ?? "").runs;
  assert.equal(run.metrics.accuracy_all, 1);
  assert.deepEqual([run.reading.activation, run.reading.activation_from], ["square", "option"]);
  assert.deepEqual([written?.code, onnx?.code], [0, 0], `${written?.stderr}${onnx?.stderr}`);
  assert.equal(JSON.parse(again?.stdout ?? "").runs[0].config.activation, "square");
  assert.equal(readCheckpoint(imported).config.activation, "square");
  assert.equal(refused?.code, 2);
  assert.match(refused?.stderr ?? "", /clock: .* which is defined for ReLU; this model's activation is square/);
  // A config that names no activation is refused, not read as ReLU.
  const hostile = join(folder, "hostile.safetensors");
  const model = { config: { ...config, activation: "__proto__" as "gelu" }, parameters: initParameters(config, 0) };
  writeModel(hostile, model, {});
  assert.throws(() => readCheckpoint(hostile), /activation: must be one of relu, .* got "__proto__"/);
});

const trainedWithGelu = join(ROOT, "../shared/cases/18-other-activation/var_gelu.pt");
test("a model trained with GELU has the loss that PyTorch gives it", {
  skip: existsSync(trainedWithGelu) ? false : "needs ../shared",
}, () => {
  const said = ["inspect", trainedWithGelu, "--heads", "4", "--layout", "linear", "--evaluate", "--json"];
  const [assumed, named] = runCommands([said, [...said, "--activation", "gelu"]]);
  assert.match(assumed?.stderr ?? "", /read with ReLU \(--activation names another\)/);
  const losses = [assumed, named].map((output) => JSON.parse(output?.stdout ?? "").runs[0].metrics.cross_entropy_all);
  assertAllClose(losses, [4.22e-4, 2.63e-4], { rtol: 2e-3 });
});
