import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeNpz } from "../src/checkpoint/formats/npy.ts";
import { isNormOrGate } from "../src/checkpoint/import/roles.ts";
import { type ImportRecord, readCheckpoint } from "../src/checkpoint/index.ts";
import type { NdArray } from "../src/core/index.ts";
import { headsOf } from "../src/tasks/index.ts";
import { runCommands } from "./helpers/cli.ts";
import { config, draw, folder, save, truth, weightsOf } from "./helpers/import-models.ts";
import { ROOT } from "./helpers/source.ts";

const file = (tensors: Readonly<Record<string, NdArray>>) => save(encodeNpz(new Map(Object.entries(tensors))), "npz");
const nanda = readCheckpoint(join(ROOT, "fixtures/nanda/step-000010000.safetensors")).parameters as Record<string, NdArray>;

test("a model of another make is refused where it would be another function, whatever its accuracy", () => {
  const norms = { "blocks.0.ln1.w": draw(8), "ln_final.b": draw(8) };
  const path = file({ ...nanda, ...norms });
  const imported = join(folder, "imported.safetensors");
  const [normed, gated, unknown, right, ignored, json, written, again] = runCommands([
    ["inspect", file({ ...truth, ...norms })],
    ["analyze", "svd", file({ ...truth, "blocks.0.mlp.W_gate": draw(8, 20) })],
    ["inspect", file({ ...truth, seen: draw(3) })],
    ["inspect", path],
    ["inspect", path, "--ignore", "blocks.0.ln1", "--ignore", "ln_final.b"],
    ["inspect", path, "--ignore", "blocks.0.ln1", "--ignore", "ln_final.b", "--json"],
    ["import", path, imported, "--ignore", "blocks.0.ln1", "--ignore", "ln_final.b"],
    ["analyze", "svd", imported, "--json"],
  ]);
  for (const refused of [normed, right]) {
    assert.equal(refused?.code, 1);
    assert.equal(refused?.stdout, "");
    assert.match(
      refused?.stderr ?? "",
      /^miiii: \S+: must be a model without layer norms and gates, has "blocks.0.ln1.w", "ln_final.b"; without them this would be another function \(--ignore "blocks.0.ln1.w" takes that on your account\)\n$/,
    );
  }
  assert.match(gated?.stderr ?? "", /has "blocks.0.mlp.W_gate"; without it/);
  assert.equal(unknown?.code, 1);
  assert.match(unknown?.stderr ?? "", /"seen" has no place in this model; without it this would be another function/);
  assert.equal(ignored?.code, 0);
  assert.match(ignored?.stderr ?? "", /accuracy 1\.0000\n.*left out "blocks.0.ln1.w", "ln_final.b" as --ignore says/);
  // Every output says so: the JSON, the imported file, and what is made of that.
  for (const output of [json, again]) {
    const { reading } = JSON.parse(output?.stdout ?? "").runs[0] as { reading: ImportRecord };
    assert.deepEqual(reading.left_out, ["blocks.0.ln1.w", "ln_final.b"]);
    assert.deepEqual([reading.activation, reading.activation_from, reading.n_heads_from], ["relu", "assumed", "shape"]);
    assert.ok((reading.accuracy ?? 0) > 0.999);
  }
  assert.equal(written?.code, 0);
});

test("a mapping that makes an accurate file inaccurate is said to", () => {
  const [path, mapping] = [file(nanda), join(folder, "swapped.json")];
  writeFileSync(mapping, JSON.stringify({ "blocks.0.attn.W_V": "blocks.0.attn.W_K", "blocks.0.attn.W_K": "blocks.0.attn.W_V" }));
  const [swapped] = runCommands([["inspect", path, "--mapping", mapping]]);
  assert.equal(swapped?.code, 0, swapped?.stderr);
  assert.match(swapped?.stderr ?? "", /low accuracy.*\n.*without the mapping its accuracy is 1\.0000\n$/);
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

test("a constant guess is no model: accuracy on divisibility labels is what lies beyond it", () => {
  const heads = headsOf({ ...config, task: "miiii", p: 113, labels: "divisibility" });
  const weights = weightsOf({ ...config, task: "miiii", p: 113, labels: "divisibility" });
  const U = weights["unembed.W_U"];
  // Every head names its larger class, 1 − 1/q of all: right in 0.94 of cases.
  const bias = draw(U.shape[1] ?? 0);
  const sizes = heads.map(({ q }) => q);
  assert.equal(bias.data.length, 2 * sizes.length);
  for (const [h, other] of sizes.entries()) [bias.data[2 * h], bias.data[2 * h + 1]] = other > 1 ? [9, 0] : [0, 9];
  const guess = { ...weights, "unembed.W_U": { ...U, data: U.data.map(() => 0) }, "unembed.b_U": bias };
  const path = file(guess);
  const [open, inspected] = runCommands([
    ["inspect", path],
    ["inspect", path, "--low-digit", "first", "--evaluate", "--json"],
  ]);
  assert.equal(open?.code, 2);
  assert.match(
    open?.stderr ?? "",
    /no reading of 2 is accurate \(at best -?0\.00\d\), .*: say --low-digit \(first and second fit\)/,
  );
  assert.equal(inspected?.code, 0);
  const { heads: found } = JSON.parse(inspected?.stdout ?? "").runs[0].result as { heads: { accuracy: { all: number } }[] };
  const mean = found.reduce((sum, { accuracy }) => sum + accuracy.all, 0) / found.length;
  assert.ok(mean > 0.93, `${mean}`);
  assert.match(inspected?.stderr ?? "", /accuracy beyond guessing -?0\.00\d\d\n.*low accuracy: not generalised/);
});

test("--split is for models that do not know their training samples; a run keeps its own", () => {
  const split = save(JSON.stringify([0, 1, 2, 3]), "json");
  const foreign = file(nanda);
  const [without, within, given, unknown] = runCommands([
    ["inspect", "nanda", "--evaluate", "--json"],
    ["inspect", "nanda", "--evaluate", "--json", "--split", split],
    ["inspect", foreign, "--evaluate", "--json", "--split", split],
    ["inspect", foreign, "--evaluate", "--json"],
  ]);
  assert.equal(within?.stdout, without?.stdout);
  assert.match(within?.stderr ?? "", /nanda: knows its training samples, --split is not for it/);
  const sets = (result: typeof given) =>
    Object.keys((JSON.parse(result?.stdout ?? "").runs[0].result.heads as { accuracy: object }[])[0]?.accuracy ?? {});
  assert.deepEqual(sets(given), ["train", "test", "all"]);
  assert.deepEqual(sets(unknown), ["all"]);
});
