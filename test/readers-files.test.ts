import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { activationsOf } from "../src/activations/index.ts";
import { encodeNpy, encodeNpz } from "../src/checkpoint/formats/npy.ts";
import { startMapping } from "../src/checkpoint/import/import-model.ts";
import { chooseImport, encodeSafetensors, importModel } from "../src/checkpoint/index.ts";
import { int32, type NdArray } from "../src/core/index.ts";
import { initParameters } from "../src/model/index.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { fails } from "./helpers/fails.ts";
import {
  causal,
  config,
  draw,
  folder,
  linear,
  load,
  oracle,
  save,
  short,
  type Tensor,
  type Tensors,
  truth,
} from "./helpers/import-models.ts";
import { type Py, tensorOf, torchArchive, zipOf } from "./helpers/torch-archive.ts";

const arrays = new Map<string, NdArray>(Object.entries(truth));
const only = (path: string, request = {}) => {
  const result = importModel(path, request);
  assert.equal(result.candidates.length, 1);
  const [model] = result.candidates;
  return { ...result, model, record: model && result.recordOf(model) };
};
let folders = 0;
const newFolder = (files: Readonly<Record<string, Uint8Array | string>>) => {
  folders++;
  const path = join(folder, `folder-${folders}`);
  mkdirSync(path);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
};

/** A safetensors file with one more tensor of the given type in front. */
function withTensor(dtype: string, bytes: Uint8Array, shape: readonly number[]): Buffer {
  const good = Buffer.from(encodeSafetensors(arrays, { format: "pt" }));
  const length = Number(good.readBigUInt64LE(0));
  const header = JSON.parse(good.subarray(8, 8 + length).toString()) as Record<string, { data_offsets?: number[] }>;
  for (const entry of Object.values(header)) {
    if (entry.data_offsets) entry.data_offsets = entry.data_offsets.map((offset) => offset + bytes.length);
  }
  const text = Buffer.from(
    JSON.stringify({ "blocks.0.attn.mask": { dtype, shape, data_offsets: [0, bytes.length] }, ...header }),
  );
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([start, text, bytes, good.subarray(8 + length)]);
}

test("a tensor's type matters where the tensor is needed: masks of booleans and of types that are not known are left alone", () => {
  for (const [dtype, bytes] of [
    ["BOOL", Buffer.alloc(12)],
    ["F8_E4M3", Buffer.alloc(12)],
    ["C64", Buffer.alloc(24)],
  ] as const) {
    const { model, ignored } = only(save(withTensor(dtype, bytes, [3, 4]), "safetensors"));
    assert.deepEqual([model?.parameters, ignored], [truth, ["blocks.0.attn.mask"]], dtype);
  }
});

test("integers in place of weights are read as the numbers that they are", () => {
  const whole = new Map<string, NdArray>(
    [...arrays].map(([name, { shape, data }]) => [
      name,
      int32(
        Int32Array.from(data, (x) => Math.round(100 * x)),
        shape,
      ),
    ]),
  );
  const { model } = only(save(encodeNpz(whole), "npz"));
  for (const [name, array] of whole) {
    const read = model?.parameters[name as keyof typeof truth];
    assert.deepEqual([read?.dtype, [...(read?.data ?? [])]], ["float32", [...array.data]]);
  }
});

test("a Hugging Face folder, shards with and without their index, one shard alone", () => {
  const half = (odd: number) => new Map([...arrays].filter((_, i) => i % 2 === odd));
  const name = (i: number) => `model-0000${i + 1}-of-00002.safetensors`;
  const parts = [0, 1].map((odd) => encodeSafetensors(half(odd), { format: "pt" }));
  const weight_map = Object.fromEntries([0, 1].flatMap((odd) => [...half(odd).keys()].map((key) => [key, name(odd)])));
  const index = (map: object) => JSON.stringify({ metadata: {}, weight_map: map });
  const [first, second] = parts as [Uint8Array, Uint8Array];

  const single = newFolder({
    "config.json": '{"architectures": ["Grok"], "n_heads": 2}',
    "model.safetensors": encodeSafetensors(arrays, {}),
  });
  assert.deepEqual([only(single).model?.parameters, only(single).record?.files], [truth, ["model.safetensors"]]);
  const sharded = newFolder({ [name(0)]: first, [name(1)]: second, "model.safetensors.index.json": index(weight_map) });
  const bare = newFolder({ [name(0)]: first, [name(1)]: second });
  for (const path of [sharded, join(sharded, "model.safetensors.index.json"), join(sharded, name(1)), bare]) {
    const { model, record } = only(path);
    assert.deepEqual([model?.parameters, record?.files], [truth, [name(0), name(1)]], path);
  }
  const lacking = newFolder({ [name(0)]: first });
  fails(
    () => importModel(join(lacking, name(0))),
    "input",
    /is one of 2 shards of a model, and "model-00002-of-00002.safetensors" does not lie beside it/,
  );
  for (const [map, pattern] of [
    [{ ...weight_map, x: "../../etc/passwd" }, /weight_map must name files beside it, got "..\/..\/etc\/passwd"/],
    [{ ...weight_map, x: 3 }, /weight_map must name files beside it, got 3/],
    [{ ...weight_map, x: name(0) }, /must hold every tensor of weight_map, lack "x"/],
    [[], /weight_map must map tensors to files, got \[\]/],
  ] as const) {
    const wrong = newFolder({ [name(0)]: first, [name(1)]: second, "model.safetensors.index.json": index(map) });
    fails(() => importModel(wrong), "input", pattern);
  }
  const twice = newFolder({ [name(0)]: first, [name(1)]: encodeSafetensors(arrays, {}) });
  fails(() => importModel(twice), "input", /must be in one shard, is in two/);
  const several = newFolder({ "a.npz": encodeNpz(arrays), "b.npz": encodeNpz(arrays) });
  fails(() => importModel(several), "input", /holds 2 model files: give one of them, or make a run of them all: miiii import/);
});

/** An archive of several state dicts of which each has its own value in one place. */
function archive(wrap: (dicts: readonly Py[]) => Py, count: number): string {
  const storages: Record<string, Uint8Array> = {};
  const dicts = Array.from(
    { length: count },
    (_, i): Py => ({
      dict: Object.entries(truth).map(([name, { shape, data }], j): [Py, Py] => {
        const copy = data.slice();
        if (name === short.pos) copy[0] = i;
        storages[`${i}-${j}`] = new Uint8Array(copy.buffer);
        return [name, tensorOf(`${i}-${j}`, shape)];
      }),
    }),
  );
  return save(torchArchive(wrap(dicts), storages));
}
const which = (path: string, state?: string) => {
  const { model, source, record } = only(path, state === undefined ? {} : { state });
  return [model?.parameters[short.pos].data[0], source, record?.other_states?.count];
};

test("of several models in one file the last by number is read, the others are named, and --state chooses", () => {
  const keyed = (keys: readonly Py[]) =>
    archive((dicts) => ({ dict: keys.map((key, i): [Py, Py] => [key, dicts[i] as Py]) }), keys.length);
  const cases: [string, number, string, string, number][] = [
    [archive((dicts) => dicts, 3), 2, "2", "0", 0],
    [keyed(["epoch_200", "epoch_1000", "epoch_30"]), 1, "epoch_1000", "30", 2],
    [keyed([100, 2000, 30]), 1, "2000", "100", 0],
    [keyed(["final", "init"]), 0, "final", "init", 1],
    [keyed(["init", "final"]), 1, "final", "init", 0],
    [keyed(["ema", "model"]), 1, "model", "ema", 0],
    [
      archive(
        (dicts) => ({
          dict: [
            ["state_dicts", dicts],
            ["model", dicts[0] as Py],
          ],
        }),
        2,
      ),
      0,
      "model",
      "state_dicts.1",
      1,
    ],
  ];
  for (const [path, last, source, other, place] of cases) {
    assert.deepEqual(which(path).slice(0, 2), [last, source]);
    assert.equal(which(path, other)[0], place, `${source}: ${other}`);
    assert.ok(Number(which(path)[2]) >= 1);
  }
  const list = cases[0]?.[0] ?? "";
  fails(
    () => importModel(list, { state: "7" }),
    "usage",
    /--state "7": must name a model of the file; the file holds 3: "2", "1", "0"/,
  );
  fails(() => importModel(save(encodeNpz(arrays), "npz"), { state: "7" }), "usage", /the file holds one model, without a key/);
});

test("models under prefixes of one flat file are told apart as well", () => {
  const prefixed = (prefix: string, value: number) =>
    Object.entries(truth).map(([name, tensor]): [string, NdArray] => [
      `${prefix}.${name}`,
      name === short.pos ? { ...tensor, data: tensor.data.map((x, i) => (i === 0 ? value : x)) } : tensor,
    ]);
  const path = save(encodeNpz(new Map([...prefixed("step_5", 5), ...prefixed("step_40", 40)])), "npz");
  assert.deepEqual(which(path), [40, "step_40", 1]);
  assert.deepEqual(which(path, "step_5"), [5, "step_5", 1]);
});

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

test("what is no model is named, with the next step", () => {
  const text = (content: string, ending = "pt") => save(content, ending);
  const cases: [string, RegExp][] = [
    [save(""), /is empty/],
    [
      text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "safetensors"),
      /Git LFS pointer .*git lfs pull/,
    ],
    [text("/annex/objects/SHA256E-s5--00.pt\n"), /git-annex pointer .*git annex get/],
    [text("<!DOCTYPE html><html><body>Not found</body></html>"), /web page \(HTML\)/],
    [text('<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>'), /is XML/],
    [text('{"error": "Repository not found"}'), /is JSON, not a model/],
    [save(gzipSync(Buffer.from("x"))), /packed with gzip: unpack it first/],
    [
      save(Buffer.concat([Buffer.alloc(257), Buffer.from("ustar\x0000"), Buffer.alloc(248)])),
      /is a tar archive: unpack it first \(tar xf FILE\)/,
    ],
    [save(Buffer.from("894844460d0a1a0a00000000", "hex")), /is HDF5/],
    [save(Buffer.from("28b52ffd00000000", "hex")), /zstd/],
    [text("epoch,loss\n1,2\n"), /is text, not a model; it begins "epoch,loss/],
    [
      save(Buffer.concat([Buffer.from("81a6706172616d7380", "hex"), Buffer.alloc(20)])),
      /is msgpack, as Flax writes it: in Python, p = flax.serialization.msgpack_restore\(.*numpy.savez\("model.npz", \*\*flax.traverse_util.flatten_dict\(p, sep="\/"\)\)/,
    ],
    [
      save(Buffer.from("\x80\x04}\x94.", "latin1")),
      /must not be a bare pickle.*pickle.load.*numpy.savez\("model.npz", \*\*dict\(f\(p\)\)\)/,
    ],
    [
      save(Buffer.concat([Buffer.from("08081207", "hex"), Buffer.from("pytorch1"), Buffer.alloc(9)])),
      /is ONNX: .*graph.initializer/,
    ],
    [save(Buffer.concat([Buffer.from("1c000000", "hex"), Buffer.from("TFL3"), Buffer.alloc(9)])), /is TensorFlow Lite/],
    [
      save(Buffer.concat([Buffer.alloc(40), Buffer.from("57fb808b247547db", "hex")])),
      /index of a TensorFlow checkpoint: .*load_checkpoint/,
    ],
    [save(Buffer.from("789c4bcc010000", "hex")), /packed with zlib, as joblib writes/],
    [save(zipOf([{ name: "model.weights.h5", data: Buffer.from("x") }])), /is a Keras model: .*keras.saving.load_model/],
    [
      save(zipOf([{ name: "export/archive_format", data: Buffer.from("pt2") }])),
      /is a program of torch.export: .*torch.export.load/,
    ],
    [
      save(Buffer.concat([encodeNpy(truth[short.E]), encodeNpy(truth[short.pos])]), "eqx"),
      /arrays one after the other, .*Equinox/,
    ],
    [save(encodeNpy(truth[short.E]), "npy"), /a lone array is no model/],
  ];
  for (const [path, pattern] of cases) fails(() => importModel(path), "input", pattern);
  fails(
    () => importModel(newFolder({ _METADATA: "{}", "manifest.ocdbt": "x" })),
    "input",
    /is an Orbax checkpoint: in Python, p = orbax/,
  );
  for (const [names, pattern] of [
    [[".metadata", "__0_0.distcp"], /is a distributed checkpoint of PyTorch: .*dcp_to_torch_save/],
    [["checkpoint", "ckpt.index", "ckpt.data-00000-of-00001"], /is a TensorFlow checkpoint: .*load_checkpoint/],
    [["saved_model.pb"], /SavedModel/],
    [["zero_to_fp32.py", "latest"], /is a checkpoint of DeepSpeed: python zero_to_fp32.py/],
  ] as const)
    fails(() => importModel(newFolder(Object.fromEntries(names.map((name) => [name, "x"])))), "input", pattern);
  const managed = newFolder({});
  for (const step of ["100", "20"]) {
    mkdirSync(join(managed, step));
    writeFileSync(join(managed, step, "_CHECKPOINT_METADATA"), step === "100" ? "{}" : "");
  }
  fails(() => importModel(managed), "input", /its folder "100" is an Orbax checkpoint/);
  const objects = new Map([["params", truth[short.E]]]);
  const bytes = Buffer.from(encodeNpz(objects));
  fails(() => importModel(save(bytes, "npz")), "input", /must hold weights under names that are known, holds "params"/);
});

test("a module that was saved whole is read as its state dict, and nothing of it is executed", () => {
  const storages: Record<string, Uint8Array> = {};
  const parameter = (name: keyof typeof truth): Py => {
    const { shape, data } = truth[name];
    storages[name] = new Uint8Array(data.slice().buffer);
    return tensorOf(name, shape);
  };
  const module = (parameters: readonly (readonly [string, Py])[], modules: readonly (readonly [string, Py])[] = []): Py => ({
    call: "their.Module",
    args: [],
    state: {
      dict: [
        ["training", true],
        ["_parameters", { dict: parameters }],
        ["_buffers", { dict: [] }],
        ["_modules", { dict: modules }],
      ],
    },
  });
  const attn = module([
    ["W_Q", parameter(short.Q)],
    ["W_K", parameter(short.K)],
    ["W_V", parameter(short.V)],
    ["W_O", parameter(short.O)],
  ]);
  const block = module(
    [],
    [
      ["attn", attn],
      [
        "mlp",
        module([
          ["W_in", parameter(short.in)],
          ["W_out", parameter(short.out)],
        ]),
      ],
    ],
  );
  const model = module(
    [],
    [
      ["embed", module([["W_E", parameter(short.E)]])],
      ["pos_embed", module([["W_pos", parameter(short.pos)]])],
      ["blocks", module([], [["0", block]])],
      ["unembed", module([["W_U", parameter(short.U)]])],
    ],
  );
  assert.deepEqual(only(save(torchArchive(model, storages))).model?.parameters, truth);
  assert.deepEqual(only(save(torchArchive({ dict: [["model", model]] }, storages))).source, "model");
});

test("a view that repeats its storage is read; one that makes of it more than a model needs is not", () => {
  const bias = tensorOf("b", [20], { stride: [0], count: 1 });
  const storages: Record<string, Uint8Array> = { b: new Uint8Array(Float32Array.of(0.5).buffer) };
  const dict = (more: Py): Py => ({
    dict: [
      ...Object.entries(truth).map(([name, { shape, data }]): [Py, Py] => {
        storages[name] = new Uint8Array(data.slice().buffer);
        return [name, tensorOf(name, shape)];
      }),
      ["blocks.0.mlp.b_in", more],
    ],
  });
  assert.deepEqual(
    [...(only(save(torchArchive(dict(bias), storages))).model?.parameters["blocks.0.mlp.b_in"]?.data ?? [])],
    new Array(20).fill(0.5),
  );
  const huge = tensorOf("b", [2 ** 30], { stride: [0], count: 1 });
  fails(
    () => importModel(save(torchArchive(dict(huge), storages))),
    "input",
    /must not make 1073741824 elements of the storage's 1/,
  );
});

test("hostile files cost what their size allows, and are refused in a printable line", () => {
  const deep = `${"[".repeat(6000)}${"]".repeat(6000)}`;
  const header = (entry: string) => {
    const text = Buffer.from(`{"embed.W_E":${entry}}`);
    const start = Buffer.alloc(8);
    start.writeBigUInt64LE(BigInt(text.length));
    return save(Buffer.concat([start, text]), "safetensors");
  };
  fails(
    () => importModel(header(`{"dtype":${deep},"shape":[1],"data_offsets":[0,0]}`)),
    "input",
    /dtype must be a name, got a list of 1/,
  );
  fails(
    () => importModel(header(`{"dtype":"F32","shape":${deep},"data_offsets":[0,0]}`)),
    "input",
    /shape must be at most 8 non-negative integers/,
  );
  fails(
    () => importModel(header(`{"dtype":"F32","shape":[${new Array(40_000).fill(1)}],"data_offsets":[0,4]}`)),
    "input",
    /got a list of 40000/,
  );
  const list = { call: "builtins.list", args: [new Array<Py>(100_000).fill(1)] };
  const repeated = Buffer.from(torchArchive({ dict: [["x", list]] }, {}));
  fails(() => importModel(save(repeated)), "input", /must hold a state dict of tensors/);
  const evil = load({ ...truth, "blocks.0.attn.mask": causal });
  assert.deepEqual(evil.ignored, ["blocks.0.attn.mask"]);
  fails(() => load({ ...truth, "\u001b[31mx\u009b\u202e": draw(3) }), "input", /: "\\x1b\[31mx\\u009b\\u202e" has no place/);
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

test("a small file whose activations would take gigabytes is refused with the number", async () => {
  const wide = { ...config, p: 251, d_model: 2, n_heads: 1, d_head: 1, d_mlp: 20_000 };
  const small = initParameters({ ...wide, init: "he" }, 1);
  await assert.rejects(
    activationsOf(onnxRuntime({ threads: 1 }), wide, small, ["blocks.0.mlp.hook_post"]),
    /blocks\.0\.mlp\.hook_post: \[63001, 20000\] over the grid needs 10\.1 GB of memory, at most 4\.3 GB are taken/,
  );
});
