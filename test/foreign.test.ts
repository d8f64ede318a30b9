import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { encodeNpz } from "../src/checkpoint/formats/npy.ts";
import { isNormOrGate } from "../src/checkpoint/import/roles.ts";
import { readCheckpoint } from "../src/checkpoint/index.ts";
import type { NdArray } from "../src/core/index.ts";
import { runCommands } from "./helpers/cli.ts";
import { draw, save, truth } from "./helpers/import-models.ts";
import { ROOT } from "./helpers/source.ts";

const file = (tensors: Readonly<Record<string, NdArray>>) => save(encodeNpz(new Map(Object.entries(tensors))), "npz");
const nanda = readCheckpoint(join(ROOT, "fixtures/nanda/step-000010000.safetensors")).parameters as Record<string, NdArray>;

test("a model of another make is refused where it would be another function, and told apart by its accuracy", () => {
  const norms = { "blocks.0.ln1.w": draw(8), "ln_final.b": draw(8) };
  const [normed, gated, blank, right] = runCommands([
    ["inspect", file({ ...truth, ...norms })],
    ["analyze", "svd", file({ ...truth, "blocks.0.mlp.W_gate": draw(8, 20) })],
    ["inspect", file({ ...truth, seen: draw(3) })],
    // Weights that do without their norms: folded in, say.
    ["inspect", file({ ...nanda, ...norms })],
  ]);
  assert.equal(normed?.code, 1);
  assert.equal(normed?.stdout, "");
  assert.match(
    normed?.stderr ?? "",
    /^miiii: \S+: must be a model without layer norms and gates, has blocks.0.ln1.w, ln_final.b, and an accuracy of 0\.\d{4} without them\n$/,
  );
  assert.equal(gated?.code, 1);
  assert.match(gated?.stderr ?? "", /has blocks.0.mlp.W_gate, and/);
  assert.equal(blank?.code, 0);
  assert.match(
    blank?.stderr ?? "",
    /2 heads of 4, accuracy 0\.\d{4}\n.*left out seen, which has no place in the model\n.*has not generalised/,
  );
  assert.equal(right?.code, 0);
  assert.match(
    right?.stderr ?? "",
    /accuracy 1\.0000\n.*left out blocks.0.ln1.w, ln_final.b, which have no place in the model\n$/,
  );
});

test("norms and gates are known by their names, and nothing else is", () => {
  const theirs = ["ln_f.weight", "blocks.0.ln1.w", "layer.norm2.bias", "transformer.h.0.ln_1.weight", "final_layer_norm.weight"];
  const more = [
    "encoder.layers.0.self_attn_layer_norm.weight",
    "rms_norm.scale",
    "mlp.gate_proj.weight",
    "mlp.W_gate",
    "bn1.weight",
  ];
  for (const name of [...theirs, ...more]) assert.ok(isNormOrGate(name), name);
  const others = [
    "embed.W_E",
    "lin1.weight",
    "linear.weight",
    "norms_history",
    "navigate.w",
    "attn.mask",
    "unembed.W_U",
    "line",
    "normal",
  ];
  for (const name of others) assert.ok(!isNormOrGate(name), name);
});
