import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeNpy, encodeNpz } from "../src/checkpoint/formats/npy.ts";
import {
  checkpointFrom,
  chooseImport,
  encodeSafetensors,
  type ImportedModel,
  importModel,
  readCheckpoint,
  type StoredConfig,
  tensorsOf,
  writeModel,
} from "../src/checkpoint/index.ts";
import { type NdArray, rows, transpose } from "../src/core/index.ts";
import type { Parameters } from "../src/model/index.ts";
import { fails } from "./helpers/fails.ts";
import {
  as,
  causal,
  config,
  draw,
  folder,
  linear,
  load,
  oracle,
  save,
  short,
  stack,
  type Tensor,
  type Tensors,
  transposed,
  truth,
  weightsOf,
} from "./helpers/import-models.ts";
import type { Py } from "./helpers/torch-archive.ts";

test("TransformerLens's layout leaves no question; zero biases, mask and IGNORE are as they should be", () => {
  const biases = {
    "blocks.0.attn.b_Q": draw(2, 4),
    "blocks.0.attn.b_O": draw(8),
    "blocks.0.mlp.b_in": draw(20),
    "unembed.b_U": draw(11),
  };
  const buffers = { "blocks.0.attn.mask": causal, "blocks.0.attn.IGNORE": draw() };
  const result = load({ ...truth, ...biases, ...buffers });
  assert.equal(result.format, "torch");
  assert.deepEqual(result.ignored, Object.keys(buffers));
  assert.deepEqual(
    result.candidates.map(({ layout, tier, config: found, parameters }) => ({ layout, tier, found, parameters })),
    [{ layout: "transformerlens", tier: 0, found: config, parameters: { ...truth, ...biases } }],
  );
});

test("the transposed layout is recognised; only W_O is square, and read as the layout has it first", () => {
  const { candidates } = load(transposed());
  const [first, second, ...none] = candidates;
  assert.equal(first?.layout, "transposed");
  assert.equal(first.tier, 0);
  assert.deepEqual(first.parameters, truth);
  assert.deepEqual([second?.layout, second?.tier, none.length], ["mixed", 1, 0]);
  assert.deepEqual(
    load(transposed(), { layout: "transposed" }).candidates.map(({ parameters }) => parameters),
    [truth],
  );
  fails(() => load(transposed(), { layout: "linear" }), "usage", /the shapes must fit the layout linear, and do not/);
});

test("nn.Linear's layout with fused heads: every number of heads is a candidate, and the right one is chosen", async () => {
  const result = load({ ...linear(), "mlp_in.bias": draw(20) });
  assert.deepEqual(
    result.candidates.filter(({ tier }) => tier === 0).map(({ config: { n_heads } }) => n_heads),
    [4, 8, 2, 1],
  );
  assert.ok(result.candidates.filter(({ tier }) => tier === 0).every(({ layout }) => layout === "linear"));
  const parameters = { ...truth, "blocks.0.mlp.b_in": result.candidates[0]?.parameters["blocks.0.mlp.b_in"] as NdArray };
  const { model, tried } = await chooseImport(result, oracle(parameters));
  assert.deepEqual(model.config, config);
  assert.deepEqual(model.parameters, parameters);
  assert.equal(tried.length, 4);
  assert.deepEqual(
    load(linear(), { heads: 2, layout: "linear" }).candidates.map(({ parameters: found }) => found),
    [truth],
  );
});

test("square matrices against the habit of their names are found among the later candidates", async () => {
  const odd = linear();
  for (const name of ["Wq", "Wk", "Wv", "Wo"]) odd[`${name}.weight`] = transpose(odd[`${name}.weight`] as Tensor);
  const { model, tried } = await chooseImport(load(odd), oracle(truth));
  assert.equal(model.tier, 1);
  assert.deepEqual(model.parameters, truth);
  assert.equal(tried.length, 16);
});

test("names in many styles, prefixes and wrappings lead to the same model", async () => {
  const l = linear();
  const get = (name: string) => l[name] as Tensor;
  const qkv = stack(get("Wq.weight"), get("Wk.weight"), get("Wv.weight"));
  const biases = { qkv: draw(24), o: draw(8), in: draw(20), out: draw(8), u: draw(11) };
  const encoder: Tensors = {
    "model.token_embedding.weight": get("embed.weight"),
    "model.position_embedding.weight": stack(get("pos"), draw(4, 8)),
    "model.layers.0.self_attn.in_proj_weight": qkv,
    "model.layers.0.self_attn.in_proj_bias": biases.qkv,
    "model.layers.0.self_attn.out_proj.weight": get("Wo.weight"),
    "model.layers.0.self_attn.out_proj.bias": biases.o,
    "model.layers.0.linear1.weight": get("mlp_in.weight"),
    "model.layers.0.linear1.bias": biases.in,
    "model.layers.0.linear2.weight": get("mlp_out.weight"),
    "model.layers.0.linear2.bias": biases.out,
    "model.lm_head.weight": get("unembed.weight"),
    "model.lm_head.bias": biases.u,
  };
  const gpt2: Tensors = {
    "transformer.wte.weight": get("embed.weight"),
    "transformer.wpe.weight": get("pos"),
    "transformer.h.0.attn.c_attn.weight": transpose(qkv),
    "transformer.h.0.attn.c_attn.bias": biases.qkv,
    "transformer.h.0.attn.c_proj.weight": transpose(get("Wo.weight")),
    "transformer.h.0.attn.c_proj.bias": biases.o,
    "transformer.h.0.mlp.c_fc.weight": transpose(get("mlp_in.weight")),
    "transformer.h.0.mlp.c_fc.bias": biases.in,
    "transformer.h.0.mlp.c_proj.weight": transpose(get("mlp_out.weight")),
    "transformer.h.0.mlp.c_proj.bias": biases.out,
    "lm_head.weight": get("unembed.weight"),
    "lm_head.bias": biases.u,
  };
  const part = (i: number) => as(rows(biases.qkv, 8 * i, 8 * i + 8), 2, 4);
  const withBiases: Parameters = {
    ...truth,
    "blocks.0.attn.b_Q": part(0),
    "blocks.0.attn.b_K": part(1),
    "blocks.0.attn.b_V": part(2),
    "blocks.0.attn.b_O": biases.o,
    "blocks.0.mlp.b_in": biases.in,
    "blocks.0.mlp.b_out": biases.out,
    "unembed.b_U": biases.u,
  };
  for (const [tensors, expected] of [
    [encoder, withBiases],
    [gpt2, withBiases],
    [Object.fromEntries(Object.entries(l).map(([name, array]) => [`_orig_mod.module.${name}`, array])), truth],
    [Object.fromEntries(Object.entries(transposed()).map(([name, array]) => [`module.${name}`, array])), truth],
    [{ ...l, pos: as(get("pos"), 1, 3, 8) }, truth],
  ] as [Tensors, Parameters][]) {
    const { model } = await chooseImport(load(tensors), oracle(expected));
    assert.equal(model.tier, 0, Object.keys(tensors).join());
    assert.deepEqual(model.parameters, expected);
  }
});

test("an out_proj outside of any block is attention's output or the read-out, as its shape and that of the other tell", async () => {
  const { "Wo.weight": output, "unembed.weight": readout, ...rest } = linear() as Record<string, Tensor>;
  const [o, u] = [draw(8), draw(11)];
  const expected = { ...truth, "blocks.0.attn.b_O": o, "unembed.b_U": u };
  for (const [attention, unembed] of [
    ["out_proj", "head"],
    ["head", "out_proj"],
  ]) {
    const named = {
      ...rest,
      [`${attention}.weight`]: output as Tensor,
      [`${attention}.bias`]: o,
      [`${unembed}.weight`]: readout as Tensor,
      [`${unembed}.bias`]: u,
    };
    const { model } = await chooseImport(load(named), oracle(expected));
    assert.deepEqual(model.parameters, expected);
  }
});

test("two tensors that may each be the read-out or attention's output are refused where shapes do not tell them apart", () => {
  const square = { ...config, p: 7, d_model: 8, n_heads: 2, d_head: 4 };
  const { "Wo.weight": output, "unembed.weight": _, ...rest } = linear(weightsOf(square)) as Record<string, Tensor>;
  const open = { ...rest, "out_proj.weight": output as Tensor, "head.weight": draw(8, 8) };
  fails(() => load(open), "input", /unembed.W_U must be one tensor, may be "out_proj.weight" or "head.weight"/);
  const neither = { ...linear(), "out_proj.weight": draw(8, 9), "head.weight": draw(11, 8) } as Record<string, Tensor>;
  delete neither["Wo.weight"];
  delete neither["unembed.weight"];
  fails(() => load(neither), "input", /unembed.W_U must be one tensor, may be "out_proj.weight" or "head.weight"/);
});

test("a state dict inside what was saved is found and named; what has no place in the model is refused, or left out on the user's account", () => {
  const nested = (dict: Py): Py => ({
    dict: [
      ["epoch", 3],
      ["checkpoints", [{ dict: [["model", dict]] }]],
    ],
  });
  const normed = { ...truth, "ln_final.w": draw(8) };
  fails(
    () => load(normed, {}, nested),
    "input",
    /"checkpoints.0.model": must be a model without layer norms and gates, has "ln_final.w"/,
  );
  const inside = load(normed, { ignore: ["ln_final"] }, nested);
  assert.equal(inside.source, "checkpoints.0.model");
  assert.deepEqual(
    inside.candidates.map((candidate) => inside.recordOf(candidate)?.left_out),
    [["ln_final.w"]],
  );
  assert.deepEqual(inside.candidates[0]?.parameters, truth);
});

test("an extra '=' class and its bias are kept as stored", () => {
  const wide = { ...truth, [short.U]: draw(8, 12), "unembed.b_U": draw(12) };
  const [model] = load(wide).candidates;
  assert.deepEqual(model?.parameters, wide);
  assert.equal(model?.config.p, 11);
});

test("tasks with many heads: by the number of classes, and either digit may be the low one", () => {
  const many = { ...config, task: "miiii" as const };
  const weights = weightsOf(many);
  const [first, second, ...none] = load(weights).candidates;
  assert.equal(none.length, 0);
  assert.deepEqual(first?.config, many);
  assert.deepEqual(first?.parameters, weights);
  const [a, b, c] = [0, 1, 2].map((i) => rows(weights[short.pos], i, i + 1)) as [Tensor, Tensor, Tensor];
  assert.deepEqual(second?.parameters, { ...weights, [short.pos]: stack(b, a, c) });
  assert.deepEqual(
    load(weights, { low_digit: "second" }).candidates.map(({ parameters }) => parameters),
    [second?.parameters],
  );
  assert.deepEqual(load({ ...weights, [short.U]: draw(8, 8) }).candidates[0]?.config, { ...many, labels: "divisibility" });
  const larger = { ...config, task: "masked" as const, p: 13 };
  assert.deepEqual(load(weightsOf(larger), { task: "masked", low_digit: "first" }).candidates[0]?.config, larger);
  fails(
    () => load(weights, { task: "nanda" }),
    "usage",
    /the classes at p = 11 must be 11 or 12 for nanda.*got 17 \(asked for nanda\)/,
  );
  fails(() => load(weights, { task: "basis" }), "usage", /basis cannot be imported/);
});

test("NumPy archives, folders of arrays and safetensors are imported like PyTorch's", () => {
  const arrays = new Map(Object.entries(truth));
  const npz = importModel(save(encodeNpz(arrays), "npz"));
  assert.deepEqual([npz.format, npz.candidates.length, npz.candidates[0]?.parameters], ["npz", 1, truth]);
  const tensors = importModel(save(encodeSafetensors(arrays, { format: "pt" }), "safetensors"));
  assert.deepEqual([tensors.format, tensors.candidates.length, tensors.candidates[0]?.parameters], ["safetensors", 1, truth]);
  const many = join(folder, "arrays");
  mkdirSync(many);
  fails(() => importModel(many), "input", /must hold .npy files, a model file or its shards, and holds none/);
  for (const [name, array] of arrays) writeFileSync(join(many, `${name}.npy`), encodeNpy(array));
  const npy = importModel(many);
  assert.deepEqual([npy.format, npy.candidates.length, npy.candidates[0]?.parameters], ["npy", 1, truth]);
});

test("this project's own files need no guessing, and what an import leaves is one", () => {
  const path = join(folder, "out.safetensors");
  const [model] = load({ ...truth, "blocks.0.mlp.b_in": draw(20) }).candidates;
  assert.ok(model);
  writeModel(path, model, { miiii: "0.1.0", source: "x.pth" });
  const stored = readCheckpoint(path);
  assert.deepEqual(stored.config, config);
  assert.deepEqual(stored.parameters, model.parameters);
  assert.deepEqual(stored.biases, ["blocks.0.mlp.b_in"]);
  assert.equal(stored.metadata.source, "x.pth");
  const { candidates, sha256 } = importModel(path);
  assert.equal(candidates.length, 1);
  assert.equal(sha256, stored.sha256);
  assert.deepEqual(candidates[0]?.parameters, model.parameters);
  assert.deepEqual(checkpointFrom("x", "d", tensorsOf(model.parameters), stored.metadata).config, config);
});

test("a choice needs exactly one candidate above 0.9, likely readings first", async () => {
  const result = load(linear());
  const rejected = (evaluate: (model: ImportedModel) => number, pattern: RegExp) =>
    assert.rejects(
      chooseImport(result, async (model) => evaluate(model)),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "usage");
        assert.match(error.message, pattern);
        return true;
      },
    );
  await rejected(
    () => 0.9,
    /no reading of 16 is accurate \(at best 0\.900\), so that accuracy does not tell them apart: say --heads \(1, 2, 4 and 8 fit\); or name its activation, if that is not ReLU: --activation$/,
  );
  await rejected(
    ({ tier, config: { n_heads } }) => (tier === 0 && n_heads > 2 ? 0.95 : 0),
    /2 ways to read it are right \(accuracy 0\.950 to 0\.950\): say --heads \(4 and 8 fit\)$/,
  );
  // A reading against the habit of the names does not stand in the way of one that follows it.
  const { model, tried } = await chooseImport(result, async ({ config: { n_heads } }) => (n_heads === 2 ? 1 : 0));
  assert.deepEqual([model.tier, model.config.n_heads, tried.length], [0, 2, 4]);
  const single = load({ ...truth });
  assert.deepEqual(await chooseImport(single, () => assert.fail("must not evaluate")), {
    model: single.candidates[0],
    tried: [],
  });
});

test("two positions and p tokens are a model without '=', tried at the attention rates 1 and 0 unless one is given", async () => {
  const digits: StoredConfig = { ...config, equals: false, attention_rate: 0 };
  const weights = weightsOf(digits);
  const result = load(weights);
  assert.deepEqual(
    result.candidates.map((model) => model.config),
    [{ ...digits, attention_rate: 1 }, digits],
  );
  assert.match(result.candidates[1]?.description ?? "", /without '=', attention rate 0/);
  assert.deepEqual(result.candidates[1]?.parameters, weights);
  const [rated, ...none] = load(weights, { attention_rate: 0.25 }).candidates;
  assert.deepEqual([rated?.config.attention_rate, none.length], [0.25, 0]);
  // Right at both rates: which function it is must be said.
  await assert.rejects(
    chooseImport(result, async () => 1),
    /2 ways to read it are right .*: say --attention-rate \(0 and 1 fit\)/,
  );
  fails(() => load(weights, { attention_rate: 2 }), "usage", /attention rate: must be from 0 to 1, got 2/);
  fails(() => load(truth, { attention_rate: 0 }), "usage", /an attention rate is for models without '='/);
  // An '=' row without a position for it, and one more class.
  fails(() => load({ ...weights, [short.E]: draw(12, 8) }), "input", /or 2 for p tokens without '=', got 2 for 12 tokens/);
  fails(() => load({ ...weights, [short.U]: draw(8, 12) }), "input", /the classes at p = 11 must be/);
  // Written as this project's own file, it says so itself.
  const path = join(folder, "digits.safetensors");
  writeModel(path, { config: digits, parameters: weights }, { miiii: "x" });
  assert.deepEqual(readCheckpoint(path).config, digits);
});
