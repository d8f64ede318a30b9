import assert from "node:assert/strict";
import { test } from "node:test";
import type { LazyTensor, TensorGroup } from "../src/checkpoint/formats/lazy.ts";
import { decodeTorch } from "../src/checkpoint/formats/torch.ts";
import { readZip } from "../src/checkpoint/formats/zip.ts";
import { float32, float64, int32, type NdArray } from "../src/core/index.ts";
import { type Py, pickleOf, tensorOf, torchArchive, zipOf } from "./helpers/torch-archive.ts";

const bytesOf = (data: Float32Array | Float64Array | BigInt64Array | Uint16Array) => new Uint8Array(data.buffer);
const floats = (n: number) => Float32Array.from({ length: n }, (_, i) => i);
const storage = { "0": bytesOf(floats(12)) };
const groups = (bytes: Uint8Array) => decodeTorch(readZip(bytes, "x.pth"), "x.pth").groups;
const read = (group: TensorGroup | undefined, name: string): NdArray => {
  const tensor = group?.tensors.get(name) as LazyTensor;
  return tensor.read();
};

/** The arguments of a pickled call. */
const argsOf = (call: Py): readonly Py[] => (call !== null && typeof call === "object" && "args" in call ? call.args : []);

/** Three tensors are what makes a dict a state dict. */
const dict = (...tensors: Py[]): Py => ({
  dict: ["a", "b", "c"].map((name, i): [Py, Py] => [name, tensors[i] ?? tensorOf("0", [12])]),
});

test("tensors are views on their storages: offsets, strides, transposes, expansions, scalars", () => {
  const [group] = groups(
    torchArchive(
      {
        dict: [
          ["whole", tensorOf("0", [3, 4])],
          ["transposed", tensorOf("0", [4, 3], { stride: [1, 4], count: 12 })],
          ["part", tensorOf("0", [2, 2], { stride: [4, 1], offset: 5, count: 12 })],
          ["expanded", tensorOf("0", [2, 3], { stride: [0, 1], offset: 9, count: 12 })],
          ["scalar", tensorOf("0", [], { offset: 11, count: 12 })],
          ["empty", tensorOf("0", [0, 7], { offset: 12, count: 12 })],
        ],
      },
      storage,
    ),
  );
  assert.equal(group?.source, "");
  assert.deepEqual(read(group, "whole"), float32(floats(12), [3, 4]));
  assert.deepEqual(read(group, "transposed"), float32([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11], [4, 3]));
  assert.deepEqual(read(group, "part"), float32([5, 6, 9, 10], [2, 2]));
  assert.deepEqual(read(group, "expanded"), float32([9, 10, 11, 9, 10, 11], [2, 3]));
  assert.deepEqual(read(group, "scalar"), float32([11], []));
  assert.deepEqual(read(group, "empty"), float32([], [0, 7]));
});

test("storages of every kind of number are read; others only if something needs them", () => {
  const [group] = groups(
    torchArchive(
      {
        dict: [
          ["double", tensorOf("d", [2], { storage: "torch.DoubleStorage" })],
          ["long", tensorOf("l", [2], { storage: "torch.LongStorage" })],
          ["half", tensorOf("h", [2], { storage: "torch.HalfStorage" })],
          ["bfloat", tensorOf("b", [2], { storage: "torch.BFloat16Storage" })],
          ["mask", tensorOf("m", [2], { storage: "torch.BoolStorage" })],
          ["complex", tensorOf("m", [2], { storage: "torch.ComplexFloatStorage" })],
        ],
      },
      {
        d: bytesOf(Float64Array.of(Math.PI, -1)),
        l: bytesOf(BigInt64Array.of(-5n, 7n)),
        h: bytesOf(Uint16Array.of(0x3e00, 0xc000)),
        b: bytesOf(Uint16Array.of(0x3fc0, 0xc000)),
        m: Uint8Array.of(0, 1),
      },
    ),
  );
  assert.deepEqual(read(group, "double"), float64([Math.PI, -1], [2]));
  assert.deepEqual(read(group, "long"), int32([-5, 7], [2]));
  assert.deepEqual(read(group, "half"), float32([1.5, -2], [2]));
  assert.deepEqual(read(group, "bfloat"), float32([1.5, -2], [2]));
  assert.deepEqual(read(group, "mask"), int32([0, 1], [2]));
  assert.deepEqual(group?.tensors.get("complex"), {
    unreadable: 'a tensor in storage of kind "torch.ComplexFloatStorage"',
    tensor: true,
  });
});

test("parameters, OrderedDicts and dicts inside dicts and lists are found, outer ones first", () => {
  const parameter = (value: Py): Py => ({
    call: "torch._utils._rebuild_parameter",
    args: [value, true, { call: "collections.OrderedDict", args: [] }],
  });
  const subclass: Py = {
    call: "torch._tensor._rebuild_from_type_v2",
    args: [
      { global: "torch._utils._rebuild_tensor_v2" },
      { global: "torch.nn.parameter.Parameter" },
      { tuple: argsOf(tensorOf("0", [12])) },
      { dict: [] },
    ],
  };
  const ordered: Py = {
    call: "collections.OrderedDict",
    args: [
      [{ tuple: ["a", parameter(tensorOf("0", [3, 4]))] }, { tuple: ["b", subclass] }, { tuple: ["c", tensorOf("0", [12])] }],
    ],
    state: { dict: [["_metadata", { dict: [] }]] },
  };
  const found = groups(
    torchArchive(
      {
        dict: [
          ["optimizer", dict()],
          ["steps", [dict(), dict(tensorOf("0", [1], { count: 12 }))]],
          ["model", ordered],
          [3, dict()],
        ],
      },
      storage,
    ),
  );
  assert.deepEqual(
    found.map(({ source }) => source),
    ["optimizer", "model", "3", "steps.0", "steps.1"],
  );
  assert.deepEqual(read(found[1], "a"), float32(floats(12), [3, 4]));
  assert.deepEqual(read(found[1], "b"), float32(floats(12), [12]));
  assert.deepEqual(read(found[4], "a").shape, [1]);
});

test("a global that nothing needs is inert; one where a tensor should be is named", () => {
  const [group] = groups(
    torchArchive(
      {
        dict: [
          ["a", tensorOf("0", [12])],
          ["b", tensorOf("0", [12])],
          ["c", tensorOf("0", [12])],
          ["w", { call: "evil.Tensor", args: ["rm -rf /"] }],
          ["config", { call: "transformer_lens.HookedTransformerConfig", args: [], state: { dict: [["n_layers", 1]] } }],
        ],
      },
      storage,
    ),
  );
  assert.deepEqual(group?.tensors.get("w"), { unreadable: 'an object of "evil.Tensor"' });
  assert.deepEqual(read(group, "a"), float32(floats(12), [12]));
});

test("what a self-referring pickle holds is walked once", () => {
  const cyclic = Buffer.concat([Buffer.from([0x80, 2]), Buffer.from("}q\x00X\x01\0\0\0ah\x00s.", "latin1")]);
  assert.throws(
    () => groups(zipOf([{ name: "archive/data.pkl", data: cyclic }])),
    /must hold a state dict of tensors, holds a dict of 1/,
  );
});

test("an archive that is damaged or hostile is a one-line error that names the tensor", () => {
  const fails = (bytes: Uint8Array, pattern: RegExp) =>
    assert.throws(
      () => groups(bytes).forEach((group) => group.tensors.forEach((tensor) => "read" in tensor && tensor.read())),
      (error: Error & { code?: string }) => {
        assert.equal(error.name, "MiiiiError", String(error.stack));
        assert.equal(error.code, "input");
        assert.match(error.message, pattern);
        assert.ok(error.message.startsWith("x.pth: ") && !error.message.includes("\n") && error.message.length < 400);
        return true;
      },
    );
  const one = (tensor: Py, storages: Record<string, Uint8Array> = storage) =>
    torchArchive({ dict: [["model", dict(tensor)]] }, storages);
  fails(one(tensorOf("0", [13])), /tensor "model.a": its storage of 13 elements must have 52 bytes, has 48/);
  fails(
    one(tensorOf("0", [2, 4], { stride: [8, 2], count: 12 })),
    /"model.a": shape \[2, 4\], strides \[8, 2\] and offset 0 must stay within the storage's 12 elements/,
  );
  fails(one(tensorOf("0", [2, 4], { offset: 5, count: 12 })), /must stay within the storage's 12/);
  fails(one(tensorOf("0", [1_000_000_000], { stride: [0], count: 12 })), /must not make 1000000000 elements of the storage's 12/);
  fails(
    one(tensorOf("0", [2 ** 50, 2 ** 50], { stride: [0, 0], count: 12 })),
    /must not make 1\.26\d*e\+30 elements of the storage's 12/,
  );
  fails(one(tensorOf("0", new Array<number>(9).fill(1), { count: 12 })), /its shape must be at most 8 non-negative integers/);
  fails(one(tensorOf("0", [4], { stride: [-1], offset: 3, count: 12 })), /its strides must be at most 8 non-negative integers/);
  fails(one(tensorOf("0", [-4], { stride: [1], count: 12 })), /its shape must be at most 8 non-negative integers/);
  fails(one(tensorOf("0", [1.5], { stride: [1], count: 12 })), /its shape must be at most 8 non-negative integers/);
  fails(one(tensorOf("0", [4], { offset: -1, count: 12 })), /its offset must be a non-negative integer, got -1/);
  fails(one(tensorOf("0", [4], { stride: [1, 1], count: 12 })), /must have a stride for each of 1 axes, has 2/);
  fails(one(tensorOf("1", [12])), /its storage "1" must be in the archive, and is not/);
  fails(one(tensorOf("../../x", [12])), /its storage "..\/..\/x" must be in the archive/);
  fails(one(tensorOf("0", [12], { count: 2 ** 52 })), /must have 18014398509481984 bytes, has 48/);
  fails(one(tensorOf("0", [12], { count: -1 })), /must refer to a storage of the archive/);
  fails(
    one({ call: "torch._utils._rebuild_tensor_v2", args: ["0", 0, { tuple: [1] }, { tuple: [1] }] }),
    /must refer to a storage of the archive, refers to "0"/,
  );
  fails(torchArchive({ call: "my.Model", args: [] }, {}), /holds an object of "my.Model" \(save model.state_dict\(\)/);
  fails(torchArchive([1, 2], {}), /holds a list of 2/);
  fails(
    torchArchive(dict(), storage, [{ name: "archive/byteorder", data: Buffer.from("middle") }]),
    /must be little- or big-endian, is "middle"/,
  );
  fails(zipOf([{ name: "archive/data.pkl", data: pickleOf(dict()).subarray(0, 50) }]), /pickle must go on/);
  fails(zipOf([{ name: "model.txt", data: Buffer.from("x") }]), /must hold data.pkl/);
});
