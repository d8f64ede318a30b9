import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { encodeNpy, encodeNpz } from "../src/checkpoint/formats/npy.ts";
import { encodeSafetensors, importModel } from "../src/checkpoint/index.ts";
import { int32, type NdArray } from "../src/core/index.ts";
import { fails } from "./helpers/fails.ts";
import { arrays, newFolder, only, save, short, truth } from "./helpers/import-models.ts";
import { type Py, tensorOf, torchArchive, zipOf } from "./helpers/torch-archive.ts";

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
