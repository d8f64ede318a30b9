import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { readForeign } from "../src/api/foreign.ts";
import { encodeNpy } from "../src/checkpoint/formats/npy.ts";
import { encodeSafetensors } from "../src/checkpoint/formats/safetensors.ts";
import { writeZip } from "../src/checkpoint/formats/zip.ts";
import { type ImportRecord, importModel } from "../src/checkpoint/index.ts";
import { float32, int32, type NdArray } from "../src/core/index.ts";
import { construct } from "../src/model/index.ts";
import { fails } from "./helpers/fails.ts";
import { arrays, causal, draw, folder, linear, load, save } from "./helpers/import-models.ts";
import type { Py } from "./helpers/torch-archive.ts";

const l = linear();

function recordAt(path: string): ImportRecord | undefined {
  const result = importModel(path, { heads: 2 });
  const [model] = result.candidates;
  return model && result.recordOf(model);
}
const saidAt = (path: string) => {
  const record = recordAt(path);
  return `${record?.activation} ${record?.activation_from}`;
};

let folders = 0;
/** A folder with files by path, the model's among them; returns the model's path. */
function laid(files: Readonly<Record<string, string>>, model = "m.safetensors"): string {
  const root = join(folder, `said-${folders++}`);
  for (const [name, content] of Object.entries({ ...files, [model]: "" })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), name === model ? encodeSafetensors(arrays, {}) : content);
  }
  return join(root, model);
}

test("a config is read as people's programs leave it: with NaN, comments, a key twice, long lists, a mark in front, names inside", () => {
  const texts: Record<string, string> = {
    NaN: '{"best_loss": NaN, "worst": -Infinity, "act_fn": "gelu"}',
    "a key twice": '{"seed": 1, "seed": 1, "act_fn": "gelu"}',
    comments: '{\n // mine\n "act_fn": "gelu",\n}',
    losses: JSON.stringify({ losses: Array.from({ length: 20_000 }, () => 0.1234567), act_fn: "gelu" }),
    "a mark of the byte order": '\ufeff{"act_fn": "gelu"}',
    "a list of configs": '[{"act_fn": "gelu"}]',
    "a name inside": '{"act_fn": {"name": "gelu"}}',
    "a target inside": '{"activation": {"_target_": "torch.nn.GELU"}}',
    "a class inside": '{"activation": {"class_path": "torch.nn.GELU", "init_args": {}}}',
    "a name inside, with NaN": '{"best": NaN, "act_fn": {"name": "gelu"}}',
  };
  for (const [name, text] of Object.entries(texts)) assert.equal(saidAt(laid({ "config.json": text })), "gelu stated", name);
  const yaml: Record<string, string> = {
    "in braces": "model: {act: gelu, d_model: 8}\n",
    "a target below": "activation:\n  _target_: torch.nn.GELU\n",
    "quoted keys": "'act': 'gelu'\n",
    anchors: "x: &a gelu\nact: *a\n",
    "Python's tags": "!!python/object:argparse.Namespace\nact: gelu\n",
  };
  for (const [name, text] of Object.entries(yaml)) assert.equal(saidAt(laid({ "config.yaml": text })), "gelu stated", name);
  assert.equal(saidAt(laid({ "config.toml": 'model = { act = "gelu" }\n' })), "gelu stated");
  assert.equal(saidAt(laid({ "args.txt": "Namespace(act='gelu', lr=0.001)" })), "gelu stated");
});

test("a config is found where people leave it: under other names, above the folder of one checkpoint of a series", () => {
  const json = '{"act_fn": "gelu"}';
  const yaml = "act: gelu\n";
  for (const name of ["metadata.json", "options.json", "opt.yaml", "flags.json", "architecture.json", "model.yaml", "run.json"])
    assert.equal(saidAt(laid({ [name]: name.endsWith("json") ? json : yaml })), "gelu stated", name);
  for (const name of ["config.ini", "config.txt", "hyper_parameters.json", "model_params.json", "conf/config.yaml"])
    assert.equal(
      saidAt(laid({ [name]: name.endsWith("json") ? json : name.endsWith("ini") ? "act = gelu\n" : yaml })),
      "gelu stated",
    );
  assert.equal(saidAt(laid({ ".hydra/overrides.yaml": "- model.act=gelu\n- seed=1\n" })), "gelu stated");
  for (const inside of ["checkpoints", "step_1000", "epoch-5", "best", "latest", "1000", "version_0/checkpoints", "iter_0100"])
    assert.equal(saidAt(laid({ "config.json": json }, `${inside}/m.safetensors`)), "gelu stated", inside);
  // A folder of another name may be another project's.
  assert.equal(saidAt(laid({ "config.json": json }, "other/m.safetensors")), "relu assumed");
  // Of a series in one folder every model has the config; of models by names of their own none is known to.
  assert.equal(saidAt(laid({ "config.json": json, "epoch_100.pt": "" }, "epoch_200.safetensors")), "gelu stated");
  assert.equal(saidAt(laid({ "config.json": json, "other.pt": "" }, "mine.safetensors")), "relu assumed");
});

test("a config that nothing can be taken from, and settings that nothing here knows, are told", () => {
  const notes = (files: Record<string, string>) => recordAt(laid(files))?.notes.join("; ") ?? "";
  assert.match(notes({ "config.json": "a binary file" }), /nothing could be read from "config.json"/);
  assert.match(notes({ "config.json": `{"act_fn": "relu", "x": "${"y".repeat(4_000_000)}"}` }), /nothing could be read from/);
  assert.match(
    notes({ "config.json": '{"logit_sharpness": 2, "tau": 0.5, "lr": 0.1, "seed": 3}' }),
    /stands "logit_sharpness", "tau"/,
  );
  const plain =
    '{"lr": 0.1, "weight_decay": 1, "betas": [0.9, 0.98], "n_epochs": 10, "d_model": 8, "train_frac": 0.3, "off": false}';
  assert.equal(notes({ "config.json": plain }), "");
  const trained = load(l, { heads: 2 }, (dict) => ({
    dict: [
      ["model", dict],
      [
        "schedule",
        {
          dict: [
            ["last_epoch", 3],
            ["verdict", 0.1],
            ["logit_scale", 2],
          ],
        },
      ],
      ["args", { dict: [["learning_rate", 0.1]] }],
    ],
  }));
  const [model] = trained.candidates;
  assert.deepEqual(model && trained.recordOf(model)?.notes, []);
});

test("texts of numbers and truth values, as metadata and command lines keep them, and flags of 0 and 1 mean what they say", () => {
  const stating = (key: string, value: string) => () =>
    importModel(save(encodeSafetensors(arrays, { [key]: value }), "safetensors"), {});
  for (const [key, value] of [
    ["logit_scale", "0.5"],
    ["use_rope", "1"],
    ["use_layernorm", "True"],
    ["n_layers", "2"],
    ["softcap", "30.0"],
    ["attn_scale", "False"],
    ["attn_scale", "1/d"],
    ["use_residual", "0"],
    ["no_residual", "yes"],
    ["tensor_model_parallel_size", "2"],
    ["qk_ln", "true"],
    ["rotary_dim", "4"],
    ["temperature", "0.5"],
    ["attn_type", "none"],
    ["useLayerNorm", "true"],
  ] as const)
    fails(stating(key, value), "input", /another function \(--ignore/);
  for (const [key, value] of [
    ["logit_scale", "1.0"],
    ["use_rope", "0"],
    ["use_layernorm", "False"],
    ["norm", "None"],
    ["rotary_dim", "null"],
    ["attn_scale", "0.5"],
    ["tensor_model_parallel_size", "1"],
  ] as const)
    assert.equal(stating(key, value)().candidates.length, 1, key);
  fails(
    () => importModel(save(encodeSafetensors(arrays, { query_pre_attn_scalar: "64" }), "safetensors")),
    "input",
    /scale of 8/,
  );
});

const npz = (more: Readonly<Record<string, Uint8Array>>) =>
  save(
    writeZip(
      new Map([...[...arrays].map(([name, array]) => [`${name}.npy`, encodeNpy(array)] as const), ...Object.entries(more)]),
    ),
    "npz",
  );
const npy = (descr: string, shape: string, content: Uint8Array) => {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117);
  return Buffer.concat([Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]), Buffer.from(`${text}\n`), content]);
};

test("of an archive of arrays truth values are settings, texts may be whole configs, and a pickled config is told", () => {
  fails(() => importModel(npz({ "use_rope.npy": npy("|b1", "()", Uint8Array.of(1)) })), "input", /other positions/);
  assert.equal(importModel(npz({ "use_layer_norm.npy": npy("|b1", "()", Uint8Array.of(0)) })).candidates.length, 1);
  const text = '{"act_fn": "gelu"}';
  for (const shape of ["()", "(1,)"])
    assert.equal(saidAt(npz({ "config.npy": npy(`|S${text.length}`, shape, Buffer.from(text)) })), "gelu stated");
  const record = recordAt(npz({ "config.npy": npy("|O", "()", Uint8Array.of(0x80, 4, 0x4e, 0x2e)) }));
  assert.match(record?.notes.join() ?? "", /nothing could be read from "config"/);
});

const ints = (...values: number[]): NdArray => int32(Int32Array.from(values), [values.length]);
const filled = (value: (i: number) => number, ...shape: number[]) =>
  float32(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i)),
    shape,
  );

test("masks over neurons, attention heads and weights compute, and so do orders of tokens: refused by name unless they change nothing", () => {
  const withTensor = (name: string, array: NdArray) => () =>
    importModel(save(encodeSafetensors(new Map<string, NdArray>([...arrays, [name, array]]), {}), "safetensors"));
  const computing: [string, NdArray][] = [
    ["blocks.0.attn.head_mask", filled((i) => i, 2)],
    ["blocks.0.mlp.mask", filled((i) => Number(i % 3 > 0), 20)],
    ["blocks.0.mlp.W_in_mask", filled((i) => Number(i % 5 > 0), 8, 20)],
    ["Wq_mask", filled((i) => Number(i % 7 > 0), 8, 8)],
    ["token_order", ints(1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)],
    ["position_ids", ints(2, 1, 0)],
    ["blocks.0.time", filled((i) => i, 8)],
    ["logit_scale", int32(Int32Array.of(2), [1])],
  ];
  for (const [name, array] of computing)
    if (name !== "Wq_mask") fails(withTensor(name, array), "input", /another function \(--ignore/);
  fails(() => load({ ...l, Wq_mask: computing[3]?.[1] as never }, { heads: 2 }), "input", /"Wq_mask" has no place/);
  const harmless: [string, NdArray][] = [
    ["blocks.0.attn.head_mask", filled(() => 1, 2)],
    ["blocks.0.attn.mask", causal],
    ["blocks.0.attn.bias", filled((i) => Number(i % 8 <= Math.floor(i / 8)), 1, 1, 8, 8)],
    ["token_order", ints(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)],
    ["position_ids", ints(0, 1, 2)],
    ["train_indices", ints(3, 1, 2, 0)],
    ["train_losses", filled((i) => i, 8)],
    ["history", filled((i) => i, 17)],
  ];
  for (const [name, array] of harmless) assert.equal(withTensor(name, array)().candidates.length, 1, name);
  // A mask over eight positions is none over weights of that size.
  const banded = filled((i) => Number(i % 8 <= Math.floor(i / 8)), 8, 8);
  assert.ok(load({ ...l, "attn.mask": banded }, { heads: 2 }).candidates.length > 0);
});

test("adapters, masks and gradients in dicts of their own, states of a module and mup's parameters are no silent loss", () => {
  const beside = (name: string, tensors: Readonly<Record<string, readonly number[]>>) => () =>
    load(
      { ...l, ...Object.fromEntries(Object.entries(tensors).map(([key, shape]) => [`${name}!${key}`, draw(...shape)])) },
      { heads: 2 },
      (dict) => {
        const entries = (dict as { dict: [string, Py][] }).dict;
        const [own, others] = [
          entries.filter(([key]) => !key.includes("!")),
          entries.filter(([key]) => key.includes("!")).map(([key, value]): [string, Py] => [key.split("!")[1] as string, value]),
        ];
        return {
          dict: [
            ["model", { dict: own }],
            [name, { dict: others }],
          ],
        };
      },
    );
  const lora = { "Wq.lora_A": [2, 8], "Wq.lora_B": [8, 2], "Wk.lora_A": [2, 8], "Wk.lora_B": [8, 2] };
  fails(beside("adapter", lora), "input", /an adapter beside them, "adapter"/);
  const masks = { "Wq.weight": [8, 8], "Wk.weight": [8, 8], "Wv.weight": [8, 8] };
  fails(beside("masks", masks), "input", /masks of the weights beside them/);
  assert.match(
    (() => {
      const result = beside("extra", { steering_vector: [8] })();
      const [model] = result.candidates;
      return (model && result.recordOf(model)?.notes.join()) ?? "";
    })(),
    /stands "steering_vector"/,
  );
  fails(() => load(l, { heads: 2 }, (dict) => ({ dict: [["grads", dict]] })), "input", /by its name are none \(--state "grads"/);
  assert.ok(load(l, { heads: 2, state: "grads" }, (dict) => ({ dict: [["grads", dict]] })).candidates.length > 0);
  const more = (entry: [string, Py]) => () =>
    load(l, { heads: 2 }, (dict) => ({ dict: [...(dict as { dict: [string, Py][] }).dict, entry] }));
  fails(more(["attn._extra_state", { dict: [["scale", 2]] }]), "input", /"attn._extra_state" has no place/);
  assert.ok(more(["attn._extra_state", null])().candidates.length > 0);
  const mup = (state: [string, Py][]) => () =>
    load(l, { heads: 2 }, (dict) => ({
      dict: (dict as { dict: [string, Py][] }).dict.map(([key, value]): [string, Py] =>
        key === "unembed.weight"
          ? [key, { call: "torch._utils._rebuild_parameter_with_state", args: [value, true, { dict: [] }, { dict: state }] }]
          : [key, value],
      ),
    }));
  fails(mup([["infshape", { tuple: [1, 2] }]]), "input", /a parameter of the package mup/);
  assert.ok(mup([["_is_hf_initialized", true]])().candidates.length > 0);
});

test("what an adapter leaves in a state dict is named as such, with the line that merges it", () => {
  for (const name of ["Wq.lora_A.default.weight", "Wq.hada_w1_a", "Wq.lokr_w1", "Wq.ia3_l.default", "Wq.vera_lambda_b"])
    fails(() => load({ ...l, [name]: draw(8, 2) }, { heads: 2 }), "input", /an adapter's: in Python, model.merge_and_unload\(\)/);
});

test("positions that a config states otherwise are the reason where there is no table of them, and an offset of its rows is one", () => {
  const { pos: _, ...none } = l;
  const rotary = (dict: Py): Py => ({
    dict: [
      ["model", dict],
      ["config", { dict: [["rotary_dim", 4]] }],
    ],
  });
  fails(() => load(none, { heads: 2 }, rotary), "input", /lacks pos_embed.W_pos; its config states other positions/);
  fails(() => load(none, { heads: 2 }), "input", /lacks pos_embed.W_pos; where the model has none, add one of zeros/);
  const offset = (dict: Py): Py => ({
    dict: [
      ["model", dict],
      ["config", { dict: [["offset", 2]] }],
    ],
  });
  fails(() => load(l, { heads: 2 }, offset), "input", /positions from another row on/);
});

test("the width of a head, where the file states that alone, gives their number", () => {
  for (const key of ["d_head", "head_dim", "dim_head"]) {
    const result = load(l, {}, (dict) => ({
      dict: [
        ["model", dict],
        ["config", { dict: [[key, 4]] }],
      ],
    }));
    assert.deepEqual(
      result.candidates.map(({ config }) => config.n_heads),
      result.candidates.map(() => 2),
    );
  }
});

test("an inaccurate model is tried with '=' as its first token and with its query, key and value in another order", async () => {
  const { parameters } = construct({ task: "nanda", p: 13 });
  const notesOf = async (changes: Readonly<Record<string, NdArray>>) => {
    const notes: string[] = [];
    const path = save(encodeSafetensors(new Map(Object.entries({ ...parameters, ...changes })), {}), "safetensors");
    await readForeign(path, {}, (text) => notes.push(text));
    return notes.join("\n");
  };
  const { "embed.W_E": W_E, "blocks.0.attn.W_Q": W_Q, "blocks.0.attn.W_V": W_V } = parameters;
  const last = W_E.data.length - (W_E.shape[1] as number);
  const rolled = { ...W_E, data: Float32Array.of(...W_E.data.subarray(last), ...W_E.data.subarray(0, last)) } as NdArray;
  assert.match(await notesOf({ "embed.W_E": rolled }), /above 0.9 where it is the first: save numpy.roll\(W_E, -1, 0\)/);
  assert.match(await notesOf({ "blocks.0.attn.W_Q": W_V, "blocks.0.attn.W_V": W_Q }), /above 0.9 in the order v, /);
  assert.doesNotMatch(await notesOf({}), /low accuracy/);
});
