import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readForeign } from "../src/api/foreign.ts";
import { encodeNpz } from "../src/checkpoint/formats/npy.ts";
import { encodeSafetensors } from "../src/checkpoint/formats/safetensors.ts";
import { chooseImport } from "../src/checkpoint/import/choose.ts";
import { type ImportResult, importModel } from "../src/checkpoint/index.ts";
import { float32, type NdArray, rows, transpose } from "../src/core/index.ts";
import { construct, type Parameters } from "../src/model/index.ts";
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
  truth,
  weightsOf,
} from "./helpers/import-models.ts";
import { type Py, stateDictArchive, tensorOf, torchArchive, zipOf } from "./helpers/torch-archive.ts";

const l = linear() as Record<string, Tensor>;
const get = (name: string) => l[name] as Tensor;
const without = (tensors: Tensors, ...names: string[]): Tensors =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => !names.includes(name)));

/** Asserts that the likeliest reading is the model that was written down. */
function reads({ candidates }: ImportResult, expected: Parameters = truth): void {
  assert.deepEqual(candidates.find(({ tier }) => tier === 0)?.parameters, expected);
}

const storagesOf = (tensors: Tensors) =>
  Object.fromEntries(
    Object.entries(tensors).map(([key, { data }]) => [key, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]),
  );
const entriesOf = (tensors: Tensors): [Py, Py][] =>
  Object.entries(tensors).map(([name, { shape }]) => [name, tensorOf(name, shape)]);

test("PyTorch's lazy negation is done", () => {
  const stored = {
    ...l,
    "mlp_in.weight": float32(
      get("mlp_in.weight").data.map((x) => -x),
      get("mlp_in.weight").shape,
    ),
  };
  const entries = entriesOf(stored).map(([name, tensor]): [Py, Py] =>
    name === "mlp_in.weight" ? [name, tensorOf(name, [20, 8], { metadata: { dict: [["neg", true]] } })] : [name, tensor],
  );
  reads(importModel(save(torchArchive({ dict: entries }, storagesOf(stored))), { heads: 2 }));
});

test("axes of length 1 are no reason: kernels of one, a batch's in a table of positions", () => {
  const ones = (array: Tensor, ...more: number[]) => as(array, ...array.shape, ...more);
  const conv: Tensors = {
    "tok.weight": get("embed.weight"),
    "pos_encoder.pe": as(get("pos"), 3, 1, 8),
    ...Object.fromEntries(
      (["q", "k", "v"] as const).map((letter) => [`attn.${letter}_proj.weight`, ones(get(`W${letter}.weight`), 1)]),
    ),
    "attn.o_proj.weight": ones(get("Wo.weight"), 1, 1),
    "mlp.0.weight": ones(get("mlp_in.weight"), 1),
    "mlp.2.weight": ones(get("mlp_out.weight"), 1),
    "head.weight": get("unembed.weight"),
  };
  reads(load(conv, { heads: 2 }));
});

/** Query, key and value as one tensor, each attention head's together. */
const byHead = (parts: readonly Tensor[]): Tensor =>
  stack(...[0, 1].flatMap((head) => parts.map((part) => rows(part, 4 * head, 4 * head + 4))));

test("fused query, key and value: one after the other, or each head's together, with their bias", async () => {
  const weights = ["q", "k", "v"].map((letter) => get(`W${letter}.weight`));
  const biases = [draw(8), draw(8), draw(8)];
  const expected: Parameters = {
    ...truth,
    "blocks.0.attn.b_Q": as(biases[0] as Tensor, 2, 4),
    "blocks.0.attn.b_K": as(biases[1] as Tensor, 2, 4),
    "blocks.0.attn.b_V": as(biases[2] as Tensor, 2, 4),
  };
  const file = (name: string, join: (parts: readonly Tensor[]) => Tensor): Tensors => ({
    ...without(l, "Wq.weight", "Wk.weight", "Wv.weight", "Wo.weight"),
    "attention.dense.weight": get("Wo.weight"),
    [`attention.${name}.weight`]: join(weights),
    [`attention.${name}.bias`]: join(biases),
  });
  const stacked = (parts: readonly Tensor[]) => stack(...parts);
  // By its name GPT-NeoX's is by head, any other is not; where that is not accurate the other order is tried.
  reads(load(file("query_key_value", byHead), { heads: 2 }), expected);
  reads(load(file("qkv", stacked), { heads: 2 }), expected);
  for (const [name, order] of [
    ["query_key_value", stacked],
    ["qkv", byHead],
  ] as const) {
    const result = load(file(name, order), { heads: 2 });
    const { model } = await chooseImport(result, oracle(expected));
    assert.deepEqual([model.tier, model.parameters], [1, expected]);
    const said = order === byHead ? "together for each head" : "one after the other";
    assert.ok(result.recordOf(model)?.orientations.includes(`query, key and value ${said}`));
  }
});

const padded = (array: Tensor, count: number) => stack(array, draw(count - (array.shape[0] as number), array.shape[1] as number));

test("a padded vocabulary: by the file's word, by its classes, or by --modulus, and said; never where an operator may be among them", () => {
  const file = (classes: number, positions = 3): Tensors => ({
    ...l,
    "embed.weight": padded(get("embed.weight"), 16),
    pos: positions === 3 ? get("pos") : padded(get("pos"), positions),
    "unembed.weight": classes === 11 ? get("unembed.weight") : padded(get("unembed.weight"), classes),
  });
  const stating =
    (p: number) =>
    (dict: Py): Py => ({
      dict: [
        ["model", dict],
        ["config", { dict: [["p", p]] }],
      ],
    });
  for (const result of [
    load(file(16), { heads: 2, modulus: 11 }),
    load(file(16), { heads: 2 }, stating(11)),
    load(file(11), { heads: 2 }),
    load(file(16, 4), { heads: 2, modulus: 11 }),
  ]) {
    reads(result);
    const [model] = result.candidates;
    assert.ok(model);
    assert.deepEqual([model.padding, model.config], [4, config]);
    assert.match(result.recordOf(model)?.notes.join() ?? "", /11 digits, '=' and 4 tokens of padding, which are left out/);
  }
  fails(() => load(file(16), { heads: 2 }), "usage", /must be p \+ 1 tokens.*where they are padding, --modulus says p/);
  fails(() => load(file(16, 4), { heads: 2 }, stating(11)), "usage", /must be p \+ 1 tokens/);
  fails(() => load(l, { heads: 2 }, stating(7)), "usage", /states p = 7, its vocabulary is of p = 11: --modulus says which/);
  fails(() => load(l, { heads: 2, modulus: 13 }), "usage", /must be of 13 digits and '=', has 12 tokens/);
});

test("where nothing says that a vocabulary is padded, the modulus at which the model adds is named", async () => {
  const { parameters } = construct({ task: "nanda", p: 13 });
  const wide = (array: NdArray, count: number) => padded(array as Tensor, count);
  const tensors: Tensors = {
    ...(parameters as unknown as Tensors),
    [short.E]: wide(parameters[short.E], 24),
    [short.U]: transpose(wide(transpose(parameters[short.U]), 24)),
  };
  const path = save(encodeNpz(new Map(Object.entries(tensors))), "npz");
  const notes: string[] = [];
  await readForeign(path, {}, (text) => notes.push(text));
  assert.match(notes.join("\n"), /low accuracy at p = 23, the size of its vocabulary; above 0.9 with --modulus 13/);
  const { config: read, reading } = await readForeign(path, { modulus: 13 }, () => undefined);
  assert.deepEqual([read.p, reading?.accuracy], [13, 1]);
});

test("attention heads that are modules of their own, and a read-out for each task", () => {
  const heads = [0, 1].flatMap((head): [string, Tensor][] => [
    ...(["key", "query", "value"] as const).map((name): [string, Tensor] => [
      `blocks.0.sa.heads.${head}.${name}.weight`,
      rows(get(`W${name[0]}.weight`), 4 * head, 4 * head + 4),
    ]),
    [`blocks.0.sa.heads.${head}.tril`, causal],
  ]);
  const lecture: Tensors = {
    "token_embedding_table.weight": get("embed.weight"),
    "position_embedding_table.weight": get("pos"),
    ...Object.fromEntries(heads),
    "blocks.0.sa.proj.weight": get("Wo.weight"),
    "blocks.0.ffwd.net.0.weight": get("mlp_in.weight"),
    "blocks.0.ffwd.net.2.weight": get("mlp_out.weight"),
    "lm_head.weight": get("unembed.weight"),
  };
  const result = load(lecture);
  reads(result);
  assert.equal(result.candidates[0]?.headsFrom, "shape");

  const tasks = weightsOf({ ...config, task: "miiii" });
  const own = transpose(tasks[short.U]);
  const outputs = [2, 3, 5, 7];
  const part = (q: number) => {
    const start = outputs.slice(0, outputs.indexOf(q)).reduce((a, b) => a + b, 0);
    return rows(own, start, start + q);
  };
  const { [short.U]: _, ...others } = tasks;
  const lists: Tensors[] = [
    Object.fromEntries(outputs.map((q, i) => [`heads.${i}.weight`, part(q)])),
    Object.fromEntries(outputs.map((q) => [`head_${q}.weight`, part(q)])),
    Object.fromEntries(outputs.map((q, i) => [`unembed.${i}`, transpose(part(q))])),
    // In another order their sizes say which is which.
    Object.fromEntries([...outputs].reverse().map((q, i) => [`heads.${i}.weight`, part(q)])),
  ];
  for (const list of lists) reads(load({ ...others, ...list }), tasks);
});

test("an optimizer's moments beside the weights are no model and no part of one", () => {
  const flat = (prefix: string) => Object.fromEntries(Object.entries(l).map(([name, tensor]) => [prefix + name, tensor]));
  const moments = Object.fromEntries(Object.entries(l).map(([name, { shape }]) => [name, draw(...shape)]));
  const under = (prefix: string) => Object.fromEntries(Object.entries(moments).map(([name, tensor]) => [prefix + name, tensor]));
  for (const tensors of [
    { ...flat("params/"), ...under("opt_state/0/mu/"), ...under("opt_state/0/nu/") },
    { ...flat("params/"), ...under("opt_state[0].mu/") },
    { ...flat("model."), ...under("optimizer.exp_avg.") },
  ])
    reads(importModel(save(encodeNpz(new Map(Object.entries(tensors))), "npz"), { heads: 2 }));
  const nested = (dict: Py): Py => ({
    dict: [
      ["optimizer", { dict: [["exp_avg", dict]] }],
      ["model", dict],
    ],
  });
  assert.equal(load(l, { heads: 2 }, nested).source, "model");
  const two = load(l, { heads: 2 }, (dict) => ({
    dict: [
      ["best", dict],
      ["last", { dict: entriesOf(l).map(([name], i) => [name, tensorOf(String(i), Object.values(l)[i]?.shape ?? [])]) }],
    ],
  }));
  assert.equal(two.source, "last");
});

test("integers beside a number that scales them are quantised weights", () => {
  const data = new Uint8Array(160);
  const whole = (name: string): Py => tensorOf(name, [20, 8], { storage: "torch.CharStorage", count: 160 });
  const archive = (more: [Py, Py][], beside: [Py, Py][]) => {
    const tensors = entriesOf(l).map(([name, tensor]): [Py, Py] => [
      name,
      name === "mlp_in.weight" ? whole("mlp_in.weight") : tensor,
    ]);
    const storages = { ...storagesOf(l), "mlp_in.weight": data };
    return save(torchArchive({ dict: [["model", { dict: [...tensors, ...more] }], ...beside] }, storages));
  };
  for (const path of [
    archive([["mlp_in.weight_scale", 0.02]], []),
    archive([], [["scales", { dict: [["mlp_in.weight", 0.02]] }]]),
    archive([], [["zero_point", 3]]),
  ])
    fails(() => importModel(path, { heads: 2 }), "input", /"mlp_in.weight" is of integers, with ".*" beside: quantised/);
  assert.equal(importModel(archive([], []), { heads: 2 }).candidates.length > 0, true);
});

test("trees of dicts are read, and what else stands for tensors is named with what makes them plain", () => {
  const tree = new Map<string, [Py, Py][]>();
  const inModules: Tensors = { ...without(l, "pos"), "pos.weight": get("pos") };
  for (const [name, { shape }] of Object.entries(inModules)) {
    const [module = "", leaf = ""] = name.split(".");
    tree.set(module, [...(tree.get(module) ?? []), [leaf, tensorOf(name, shape)]]);
  }
  const dict: Py = { dict: [...tree].map(([module, leaves]): [Py, Py] => [module, { dict: leaves }]) };
  reads(
    importModel(
      save(
        torchArchive(
          {
            dict: [
              ["params", dict],
              ["step", 3],
            ],
          },
          storagesOf(inModules),
        ),
      ),
      { heads: 2 },
    ),
  );

  const object = (path: string): Py => ({ call: path, args: [1] });
  const values = (of: (name: string) => Py) =>
    save(torchArchive({ dict: Object.keys(l).map((name): [Py, Py] => [name, of(name)]) }, {}));
  const kinds: [string, RegExp][] = [
    [values(() => object("numpy._core.multiarray._reconstruct")), /arrays or lists: in Python, .*torch.as_tensor\(v\)/],
    [values(() => [1, 2]), /arrays or lists/],
    [values(() => object("torch.distributed.tensor.DTensor")), /distributed tensors: .*v.full_tensor\(\)/],
    [
      save(
        torchArchive(
          entriesOf(l).map(([, tensor]) => tensor),
          storagesOf(l),
        ),
      ),
      /holds a list of 9 without names \(save model.state_dict\(\)\)/,
    ],
  ];
  for (const [path, pattern] of kinds) fails(() => importModel(path), "input", pattern);
  for (const [path, pattern] of [
    ["torch._utils._rebuild_sparse_tensor", /a sparse tensor \(save its .to_dense\(\)\)/],
    ["torch._utils._rebuild_qtensor", /dequantize/],
    ["torch._utils._rebuild_tensor_v3", /float8 \(save its .float\(\)\)/],
  ] as const) {
    const one = entriesOf(l).map(([name, tensor]): [Py, Py] => [name, name === "mlp_in.weight" ? object(path) : tensor]);
    fails(() => importModel(save(torchArchive({ dict: one }, storagesOf(l)))), "input", pattern);
  }
});

test("reasons that no mapping mends are the ones that are given", () => {
  fails(
    () => importModel(save(encodeSafetensors(new Map(), { a: "b" }), "safetensors")),
    "input",
    /must hold tensors, and holds none/,
  );
  fails(
    () =>
      load({
        "_fsdp_wrapped_module._flat_param": draw(30),
        "_fsdp_wrapped_module.attn._flat_param": draw(30),
        "_fsdp_wrapped_module.mlp._flat_param": draw(30),
      }),
    "input",
    /FSDP's flat parameters: save under StateDictType.FULL_STATE_DICT/,
  );
  const gated = {
    ...without(l, "mlp_in.weight", "mlp_out.weight"),
    "layers.0.feed_forward.w1.weight": draw(20, 8),
    "layers.0.feed_forward.w2.weight": draw(8, 20),
    "layers.0.feed_forward.w3.weight": draw(20, 8),
  };
  fails(() => load(gated, { heads: 2 }), "input", /without layer norms and gates, its MLP has three matrices or more/);
  const deep = Object.fromEntries(
    Object.entries(truth).map(([name, array]) => [
      name,
      name.startsWith("blocks") ? stack(as(array, 1, ...array.shape), as(array, 1, ...array.shape)) : array,
    ]),
  );
  fails(() => load(deep), "input", /must have one block, has 2, in an axis of their own/);
  const grouped = { ...l, "Wk.weight": rows(get("Wk.weight"), 0, 4), "Wv.weight": rows(get("Wv.weight"), 0, 4) };
  fails(() => load(grouped, { heads: 2 }), "usage", /of grouped queries: repeat_interleave each key and value head/);
  fails(
    () => load(without(l, "pos"), { heads: 2 }),
    "input",
    /lacks pos_embed.W_pos; where the model has none, add one of zeros/,
  );
  const home = join(folder, "flax-checkpoints");
  mkdirSync(home);
  for (const step of [5, 10]) writeFileSync(join(home, `checkpoint_${step}`), "x");
  fails(() => importModel(home), "input", /give one of Flax's files in it, such as "checkpoint_10"/);
});

test("an archive that PyTorch wrote without checksums is read", () => {
  const data = stateDictArchive(l);
  // The fields of the central directory and of each entry, as `set_crc32_options(False)` leaves them.
  for (let at = 0; at < data.length - 30; at++) {
    const mark = data.readUInt32LE(at);
    if (mark === 0x04034b50) data.writeUInt32LE(0, at + 14);
    if (mark === 0x02014b50) data.writeUInt32LE(0, at + 16);
  }
  reads(importModel(save(data), { heads: 2 }));
  fails(
    () => importModel(save(zipOf([{ name: "a/data.pkl", data: Buffer.from("N."), crc: 7 }]))),
    "input",
    /checksum must match/,
  );
});

test("Flax: one numbered embedding beside a parameter of positions, and nnx's variables", () => {
  const flax: Tensors = {
    "Embed_0/embedding": truth[short.E],
    pos_embedding: as(truth[short.pos], 1, 3, 8),
    "attn/query/kernel": transpose(get("Wq.weight")),
    "attn/key/kernel": transpose(get("Wk.weight")),
    "attn/value/kernel": transpose(get("Wv.weight")),
    "attn/out/kernel": transpose(get("Wo.weight")),
    "Dense_0/kernel": truth[short.in],
    "Dense_1/kernel": truth[short.out],
    "Dense_2/kernel": truth[short.U],
  };
  const npz = (tensors: Tensors) => importModel(save(encodeNpz(new Map(Object.entries(tensors))), "npz"), { heads: 2 });
  reads(npz(flax));
  reads(
    npz(
      Object.fromEntries(
        Object.entries(flax).map(([name, tensor]) => [
          name.replace(/(kernel|embedding)$/, name.startsWith("pos") ? "$1" : "$1/value"),
          tensor,
        ]),
      ),
    ),
  );
});
