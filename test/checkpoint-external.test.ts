import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { scoreOf } from "../src/api/evaluate.ts";
import { importModel } from "../src/checkpoint/index.ts";
import type { Parameters } from "../src/model/index.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";

const folder = process.env.MIIII_EXTERNAL ?? fileURLToPath(new URL("../../shared/external", import.meta.url));
const path = join(folder, "mod_addition_no_wd.pth");
const reference = join(folder, "mod_addition_no_wd.reference.json");
const skip = !(existsSync(path) && existsSync(reference)) && `${path} is not there`;

test("outside check: the public checkpoint mod_addition_no_wd.pth is recognised, its weights as the reference has them", {
  skip,
}, () => {
  const result = importModel(path);
  assert.deepEqual([result.format, result.source, result.ignored], ["torch", "model", ["blocks.0.attn.mask"]]);
  const [model] = result.candidates;
  assert.ok(model);
  assert.equal(model.layout, "transposed");
  assert.deepEqual(model.config, {
    task: "nanda",
    labels: "remainder",
    p: 113,
    shuffle_labels: false,
    d_model: 128,
    n_heads: 4,
    d_head: 32,
    d_mlp: 512,
  });
  const { parameters } = model;
  assert.deepEqual(Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, shape])), {
    "embed.W_E": [114, 128],
    "pos_embed.W_pos": [3, 128],
    "blocks.0.attn.W_Q": [4, 128, 32],
    "blocks.0.attn.W_K": [4, 128, 32],
    "blocks.0.attn.W_V": [4, 128, 32],
    "blocks.0.attn.W_O": [4, 32, 128],
    "blocks.0.mlp.W_in": [128, 512],
    "blocks.0.mlp.W_out": [512, 128],
    "unembed.W_U": [128, 114],
    "blocks.0.mlp.b_in": [512],
    "blocks.0.mlp.b_out": [128],
  });
  const { sum_sq_weights: expected } = JSON.parse(readFileSync(reference, "utf8")) as { sum_sq_weights: Record<string, number> };
  assert.deepEqual(Object.keys(expected).sort(), Object.keys(parameters).sort());
  for (const [name, value] of Object.entries(expected)) {
    const { data } = parameters[name as keyof Parameters] ?? assert.fail(name);
    let sum = 0;
    for (const weight of data) sum += weight * weight;
    assert.ok(Math.abs(sum / value - 1) < 1e-6, `${name}: ${sum}, expected ${value}`);
  }
});

for (const [name, rate] of [
  ["model_l8k1hzciux.pt", 1],
  ["model_p99zdpze5l.pt", 0],
] as const) {
  const pizza = join(folder, "pizza", name);
  test(`outside check: ${name}, without '=', at attention rate ${rate}, adds mod 59`, {
    skip: !existsSync(pizza) && `${pizza} is not there`,
  }, async () => {
    const { candidates } = importModel(pizza, { layout: "transposed", attention_rate: rate });
    const accuracies = await Promise.all(
      candidates.map(({ config, parameters }) => scoreOf(config, parameters, onnxRuntime({ threads: 1 }))),
    );
    const [model] = candidates.filter((_, i) => accuracies[i] === 1);
    assert.deepEqual(model?.config, {
      task: "nanda",
      labels: "remainder",
      p: 59,
      shuffle_labels: false,
      d_model: 128,
      n_heads: 4,
      d_head: 32,
      d_mlp: 512,
      equals: false,
      attention_rate: rate,
    });
  });
}
