import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { encodeNpz } from "../src/checkpoint/formats/npy.ts";
import { startMapping } from "../src/checkpoint/import/import-model.ts";
import { chooseImport, encodeSafetensors, importModel } from "../src/checkpoint/index.ts";
import { int32, type NdArray } from "../src/core/index.ts";
import { fails } from "./helpers/fails.ts";
import { draw, linear, load, newFolder, oracle, save, short, type Tensor, type Tensors, truth } from "./helpers/import-models.ts";
import type { Py } from "./helpers/torch-archive.ts";

test("a number of heads that the file or the config beside it states is taken; a user-supplied mapping goes before it", async () => {
  const said =
    (key: string, value: Py) =>
    (dict: Py): Py => ({
      dict: [
        ["config", { dict: [[key, value]] }],
        ["model", dict],
      ],
    });
  const object = (dict: Py): Py => ({
    dict: [
      ["args", { call: "argparse.Namespace", args: [], state: { dict: [["n_head", 2]] } }],
      ["model", dict],
    ],
  });
  for (const wrap of [said("n_heads", 2), said("n_head", 2), said("nhead", 2), said("num_heads", 2), object]) {
    const result = load(linear(), {}, wrap);
    const usual = result.candidates.filter(({ tier }) => tier === 0);
    assert.deepEqual(
      usual.map(({ config: { n_heads }, headsFrom }) => [n_heads, headsFrom]),
      [[2, "stated"]],
    );
  }
  const heads = (path: string, request = {}) =>
    importModel(path, request)
      .candidates.filter(({ tier }) => tier === 0)
      .map(({ config: { n_heads } }) => n_heads);
  const tensors = new Map<string, NdArray>(Object.entries(linear()));
  assert.deepEqual(heads(save(encodeSafetensors(tensors, { n_heads: "2" }), "safetensors")), [2]);
  assert.deepEqual(heads(save(encodeSafetensors(tensors, { cfg: '{"model": {"num_heads": 2}}' }), "safetensors")), [2]);
  assert.deepEqual(heads(save(encodeNpz(new Map([...tensors, ["n_heads", int32([2], [])]])), "npz")), [2]);
  const beside = newFolder({ "config.json": '{"n_heads": 2}', "weights.npz": encodeNpz(tensors) });
  assert.deepEqual(heads(join(beside, "weights.npz")), [2]);
  assert.deepEqual(heads(join(beside, "weights.npz"), { heads: 4 }), [4]);
  // A number that does not divide, or two that disagree, say nothing.
  assert.deepEqual(heads(save(encodeSafetensors(tensors, { n_heads: "3" }), "safetensors")), [4, 8, 2, 1]);
  assert.deepEqual(heads(save(encodeSafetensors(tensors, { n_heads: "2", heads: "4" }), "safetensors")), [4, 8, 2, 1]);
  const { model } = await chooseImport(load(linear(), {}, said("n_heads", 2)), oracle(truth));
  assert.deepEqual(model.parameters, truth);
});

test("what the config states and this model has not is refused: norms without weights, more layers, another activation", () => {
  const said = (key: string, value: Py) =>
    load(truth, {}, (dict) => ({
      dict: [
        ["config", { dict: [[key, value]] }],
        ["model", dict],
      ],
    }));
  fails(
    () => said("normalization_type", "LNPre"),
    "input",
    /its config states layer norms \("LNPre"\), .* \(--ignore normalization_type takes that/,
  );
  fails(() => said("use_ln", true), "input", /states layer norms,/);
  fails(() => said("n_layers", 2), "input", /states 2 layers/);
  fails(() => said("use_attn_scale", false), "input", /attention scores without a scale/);
  fails(() => said("act_fn", "solu_ln"), "input", /says to have "solu_ln", which is none that a forward pass here computes/);
  for (const [key, value] of [
    ["normalization_type", null],
    ["use_ln", false],
    ["n_layers", 1],
    ["act_fn", "relu"],
    ["activation", "ReLU()"],
  ] as const)
    assert.deepEqual(said(key, value).candidates[0]?.parameters, truth, key);
  for (const [key, value, activation] of [
    ["act_fn", "gelu", "gelu"],
    ["hidden_act", "gelu_pytorch_tanh", "gelu_new"],
    ["activation", "Swish", "silu"],
    ["act", "torch.nn.functional.silu", "silu"],
  ] as const) {
    const { candidates, recordOf } = said(key, value);
    const [found] = candidates;
    assert.equal(found?.config.activation, activation, key);
    assert.deepEqual(found && [recordOf(found)?.activation, recordOf(found)?.activation_from], [activation, "stated"]);
  }
  fails(() => load(truth, { activation: "gated" }), "usage", /is said to have "gated"/);
  const taken = load(truth, { ignore: ["normalization_type"] }, (dict) => ({
    dict: [
      ["config", { dict: [["normalization_type", "LN"]] }],
      ["model", dict],
    ],
  }));
  const [model] = taken.candidates;
  assert.deepEqual(model && taken.recordOf(model)?.left_out, ["normalization_type"]);
});

test("the reason that decides comes first: no model, no attention, blocks, norms, weights, and only then what an option settles", () => {
  const { [short.Q]: _q, [short.K]: _k, [short.V]: _v, [short.O]: _o, ...mlp } = truth;
  fails(() => load(mlp), "input", /must be a transformer of one block, and has no attention/);
  const square: Tensors = { ...linear(), "ln_f.weight": draw(8) };
  for (const request of [{}, { layout: "linear" as const }, { layout: "transposed" as const }, { heads: 3 }])
    fails(() => load(square, request), "input", /must be a model without layer norms and gates, has "ln_f.weight"/);
  const { "Wq.weight": _wq, ...lacking } = square;
  fails(() => load(lacking as Tensors), "input", /has "ln_f.weight"/);
  fails(
    () => load({ ...square, "blocks.1.attn.W_Q": draw(2, 8, 4), "blocks.0.mlp.W_in": draw(8, 20) }),
    "input",
    /must have one block, has 2: 0, 1/,
  );
  fails(
    () => load({ ...truth, scale: draw(1) }),
    "input",
    /"scale" has no place in this model; without it this would be another function/,
  );
  fails(
    () => load(truth, { ignore: ["nothing"] }),
    "usage",
    /--ignore "nothing": must name a tensor of the file or a module of it/,
  );
});

test("a mapping to start from has every name, with the file's tensor or null", () => {
  const { "Wq.weight": q, ...others } = linear();
  const path = save(encodeNpz(new Map<string, NdArray>(Object.entries({ ...others, mystery: q as Tensor }))), "npz");
  const { mapping, unplaced } = startMapping(path);
  assert.equal(mapping["embed.W_E"], "embed.weight");
  assert.equal(mapping[short.Q], null);
  assert.deepEqual(unplaced, ["mystery"]);
  const file = save(JSON.stringify({ ...mapping, [short.Q]: "mystery" }), "json");
  assert.deepEqual(
    importModel(path, { mapping: file, heads: 2, layout: "linear" }).candidates.map(({ parameters }) => parameters),
    [truth],
  );
  const turned = save(JSON.stringify({ mystery: short.Q }), "json");
  fails(
    () => importModel(path, { mapping: turned }),
    "input",
    /must map this project's names to the file's, such as \{"blocks.0.attn.W_Q": "mystery"\}, got "mystery"; --print-mapping/,
  );
});
