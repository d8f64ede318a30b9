import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  decodeSafetensors,
  exportNpz,
  exportTransformerLens,
  importModel,
  readFileBytes,
  type StoredConfig,
} from "../src/checkpoint/index.ts";
import { float32, float64 } from "../src/core/index.ts";
import { BIAS_NAMES, initParameters } from "../src/model/index.ts";

const config: StoredConfig = {
  task: "nanda",
  p: 11,
  labels: "remainder",
  shuffle_labels: false,
  d_model: 8,
  n_heads: 2,
  d_head: 4,
  d_mlp: 20,
};
const parameters = {
  ...initParameters({ ...config, init: "he" }, 1),
  "blocks.0.mlp.b_in": float32(new Float32Array(20).fill(0.5), [20]),
};

const folder = mkdtempSync(join(tmpdir(), "miiii-export-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

test("the export for TransformerLens has every tensor of its state dict, zero biases included, and the config beside it", () => {
  const path = join(folder, "model.safetensors");
  const configPath = exportTransformerLens(path, { config, parameters }, { source: "x" });
  assert.equal(configPath, join(folder, "model.config.json"));
  const { tensors, metadata } = decodeSafetensors(readFileBytes(path), path);
  assert.deepEqual(metadata, { format: "pt", source: "x" });
  assert.deepEqual(
    [...tensors.keys()].sort(),
    [
      ...Object.keys(parameters),
      ...BIAS_NAMES.filter((name) => name !== "blocks.0.mlp.b_in"),
      "blocks.0.attn.mask",
      "blocks.0.attn.IGNORE",
    ].sort(),
  );
  assert.deepEqual([...(tensors.get("blocks.0.attn.mask")?.data ?? [])], [1, 0, 0, 1, 1, 0, 1, 1, 1]);
  assert.deepEqual(tensors.get("blocks.0.attn.IGNORE")?.shape, []);
  for (const [name, array] of Object.entries(parameters)) assert.deepEqual(tensors.get(name), array);
  assert.deepEqual(tensors.get("blocks.0.attn.b_Q"), float32(new Float32Array(8), [2, 4]));
  assert.deepEqual(tensors.get("unembed.b_U"), float32(new Float32Array(11), [11]));
  const written = JSON.parse(readFileSync(configPath, "utf8")) as Record<string, unknown>;
  const expected = {
    n_layers: 1,
    n_heads: 2,
    d_model: 8,
    d_head: 4,
    d_mlp: 20,
    d_vocab: 12,
    d_vocab_out: 11,
    n_ctx: 3,
    act_fn: "relu",
    normalization_type: null,
  };
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, written[key]])), expected);
});

test("exports are imported again as the same model", () => {
  const lens = join(folder, "again.safetensors");
  exportTransformerLens(lens, { config, parameters });
  const [model, ...none] = importModel(lens).candidates;
  assert.equal(none.length, 0);
  assert.deepEqual(model?.config, config);
  for (const [name, array] of Object.entries(parameters)) assert.deepEqual(model?.parameters[name as "embed.W_E"], array);

  const npz = join(folder, "model.npz");
  exportNpz(npz, { config, parameters });
  assert.deepEqual(importModel(npz).candidates[0]?.parameters, parameters);
});

test("a model without '=' has two positions and p tokens for TransformerLens, whose attention has no rate", () => {
  const digits = { ...config, equals: false };
  const model = { config: { ...digits, attention_rate: 1 }, parameters: initParameters({ ...digits, init: "he" }, 1) };
  const path = join(folder, "digits.safetensors");
  const written = JSON.parse(readFileSync(exportTransformerLens(path, model), "utf8")) as Record<string, unknown>;
  assert.deepEqual([written.n_ctx, written.d_vocab, written.d_vocab_out], [2, 11, 11]);
  const again = importModel(path).candidates;
  assert.deepEqual(
    again.map((one) => one.config),
    [model.config, { ...model.config, attention_rate: 0 }],
  );
  assert.deepEqual(again[0]?.parameters["embed.W_E"], model.parameters["embed.W_E"]);
  const rated = { ...model, config: { ...model.config, attention_rate: 0 } };
  const refused = join(folder, "rated.safetensors");
  assert.throws(() => exportTransformerLens(refused, rated), /attention is a softmax, this model's attention rate is 0/);
  assert.ok(!existsSync(refused));
});

test("what an export cannot do is said", () => {
  assert.throws(() => exportTransformerLens(join(folder, "model.bin"), { config, parameters }), /must be named \*\.safetensors/);
  const wide = float64(new Float64Array(96).fill(0.1), [8, 12]);
  const path = join(folder, "wide.safetensors");
  exportTransformerLens(path, { config, parameters: { ...parameters, "unembed.W_U": wide } });
  const { tensors } = decodeSafetensors(readFileBytes(path), path);
  assert.deepEqual(tensors.get("unembed.W_U"), float32(new Float32Array(96).fill(0.1), [8, 12]));
  assert.deepEqual(tensors.get("unembed.b_U")?.shape, [12]);
});
