import assert from "node:assert/strict";
import { test } from "node:test";
import type { LazyTensor, Unreadable } from "../src/checkpoint/formats/lazy.ts";
import { decodeNpy, decodeNpz, encodeNpy, encodeNpz } from "../src/checkpoint/formats/npy.ts";
import { readZip } from "../src/checkpoint/formats/zip.ts";
import { float32, float64, int32, type NdArray } from "../src/core/index.ts";

/** Written by NumPy 2.4's save. */
const WRITTEN = {
  f4: "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAACAPwAAAEAAAEBAAACAQAAAoEA=",
  fortran:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMywgNCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAAAAAAAAAAAChAAAAAAAAAEEAAAAAAAAAwQAAAAAAAACBAAAAAAAAANEAAAAAAAADwPwAAAAAAACpAAAAAAAAAFEAAAAAAAAAxQAAAAAAAACJAAAAAAAAANUAAAAAAAAAAQAAAAAAAACxAAAAAAAAAGEAAAAAAAAAyQAAAAAAAACRAAAAAAAAANkAAAAAAAAAIQAAAAAAAAC5AAAAAAAAAHEAAAAAAAAAzQAAAAAAAACZAAAAAAAAAN0A=",
  scalar:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGk4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAr9/////////w==",
  half: "k05VTVBZAQB2AHsnZGVzY3InOiAnPGYyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAPgDA",
  empty:
    "k05VTVBZAQB2AHsnZGVzY3InOiAnPGk0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDAsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAo=",
};

/** Written by NumPy 2.4's savez_compressed: w of ones [3, 5], note = "hi", objs with a pickled dict. */
const NPZ =
  "UEsDBC0AAAAIAAAAIQBAXxcJ//////////8FABQAdy5ucHkBABAAvAAAAAAAAABMAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GsY6CqaaOgq1CmQDLgaGBntyMQBQSwMELQAAAAgAAAAhAKevPg7//////////wgAFABub3RlLm5weQEAEACIAAAAAAAAAEkAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgbhNqpK6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkamjoKtQoUAa4MBgaGTCAGAFBLAwQtAAAACAAAACEACvTsev//////////CAAUAG9ianMubnB5AQAQABYBAAAAAAAAxAAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBe46+uo6Cell9UUpSYF59flJIKEnZLzClOBYoXZyQWpAL5GoY6mjoKtQqUAK4GlqndDBDQI5ZXmltQqRefnF+UqpdbmlOSmVhUlFg5pYcnvig1OT+vuKSoNLlkyuQpPaxglVN62PNSIEomT/FmaJ3izJg0pX1K0BQNb0ZvxtYpGcw9rCkllQWpIC1M/hZTOjsgssw9jDVT/Pz8vP4DAZjwti+ZktQZO6V2SiKQoQcAUEsBAi0DLQAAAAgAAAAhAEBfFwlMAAAAvAAAAAUAAAAAAAAAAAAAAIABAAAAAHcubnB5UEsBAi0DLQAAAAgAAAAhAKevPg5JAAAAiAAAAAgAAAAAAAAAAAAAAIABgwAAAG5vdGUubnB5UEsBAi0DLQAAAAgAAAAhAAr07HrEAAAAFgEAAAgAAAAAAAAAAAAAAIABBgEAAG9ianMubnB5UEsFBgAAAAADAAMAnwAAAAQCAAAAAA==";

const read = (text: string): NdArray => (decodeNpy(Buffer.from(text, "base64"), "x.npy") as LazyTensor).read();
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

test("arrays are read as NumPy wrote them, column-major ones and halves too", () => {
  assert.deepEqual(read(WRITTEN.f4), float32(range(6), [2, 3]));
  assert.deepEqual(read(WRITTEN.fortran), float64(range(24), [2, 3, 4]));
  assert.deepEqual(read(WRITTEN.scalar), int32([-3], []));
  assert.deepEqual(read(WRITTEN.half), float32([1.5, -2], [2]));
  assert.deepEqual(read(WRITTEN.empty), int32([], [0, 3]));
});

test("arrays are written byte for byte as NumPy does", () => {
  assert.equal(Buffer.from(encodeNpy(float32(range(6), [2, 3]))).toString("base64"), WRITTEN.f4);
  assert.equal(Buffer.from(encodeNpy(int32([], [0, 3]))).toString("base64"), WRITTEN.empty);
  for (const array of [float64([Math.PI], []), float64(range(5), [5]), float32(range(8), [2, 2, 2])]) {
    assert.deepEqual((decodeNpy(encodeNpy(array), "x") as LazyTensor).read(), array);
  }
});

test("archives of arrays are read; what is no array of numbers is named, and no pickle is looked at", () => {
  const arrays = decodeNpz(readZip(Buffer.from(NPZ, "base64"), "x.npz"), "x.npz");
  assert.deepEqual((arrays.get("w") as LazyTensor).read(), float32(new Array(15).fill(1), [3, 5]));
  assert.deepEqual(arrays.get("note"), { unreadable: 'an array of text, "<U2"', text: "hi" });
  assert.deepEqual(arrays.get("objs"), {
    unreadable:
      "an array of pickled Python objects, which is never executed: save its arrays by themselves, np.savez(file, **arrays)",
  });
});

test("archives of arrays are written and read back, the same bytes each time", () => {
  const tensors = new Map<string, NdArray>([
    ["embed.W_E", float32(range(6), [2, 3])],
    ["b", float64([1.5], [1])],
  ]);
  const bytes = encodeNpz(tensors);
  assert.deepEqual(bytes, encodeNpz(tensors));
  const arrays = decodeNpz(readZip(bytes, "x.npz"), "x.npz");
  for (const [name, array] of tensors) assert.deepEqual((arrays.get(name) as LazyTensor).read(), array);
});

test("an array file that is damaged or hostile is a one-line error", () => {
  const good = Buffer.from(WRITTEN.f4, "base64");
  const header = (text: string, data = 24) => {
    const bytes = Buffer.concat([good.subarray(0, 10), Buffer.from(text), Buffer.alloc(data)]);
    bytes.writeUInt16LE(text.length, 8);
    return bytes;
  };
  const changed = (at: number, byte: number) => {
    const bytes = Buffer.from(good);
    bytes[at] = byte;
    return bytes;
  };
  const dict = (shape: string, descr = "'<f4'", order = "False") =>
    `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;
  assert.deepEqual((decodeNpy(header(dict("(2, 3)")), "x") as LazyTensor).shape, [2, 3]);
  const cases: [Uint8Array, RegExp][] = [
    [Buffer.alloc(0), /must begin with its mark/],
    [changed(0, 0), /must begin with its mark/],
    [changed(6, 4), /version must be 1, 2 or 3, got 4/],
    [changed(9, 0xff), /header must lie within the file/],
    [good.subarray(0, 100), /header must lie within the file/],
    [good.subarray(0, good.length - 1), /must fill the file, needs 24 bytes, got 23/],
    [Buffer.concat([good, Buffer.alloc(1)]), /needs 24 bytes, got 25/],
    [header(dict("(2, 4)")), /needs 32 bytes, got 24/],
    [header(dict("(999999999999999, 999999999999999, 999999999999999)")), /must fill the file/],
    [header(dict("(-2, 3)")), /must give one element type, the order and the shape/],
    [header(dict("(2.5,)")), /must give one element type/],
    [header(dict("(__import__('os'),)")), /must give one element type/],
    [header(dict("(6,)", "'<f4'", "Maybe")), /must give one element type/],
    [header(`${" ".repeat(30_000)}`), /must give one element type/],
  ];
  for (const [bytes, pattern] of cases) {
    assert.throws(
      () => (decodeNpy(bytes, "x.npy") as LazyTensor).read(),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "input", String(error.stack));
        assert.match(error.message, pattern);
        assert.ok(error.message.startsWith("x.npy: ") && !error.message.includes("\n"));
        return true;
      },
    );
  }
  assert.deepEqual(decodeNpy(header(dict("(2,)", "[('a', '<f4')]")), "x"), { unreadable: "a structured array" });
  assert.deepEqual(decodeNpy(header(dict("(1, 1, 1, 1, 1, 1, 1, 1, 6)")), "x"), { unreadable: "an array of 9 axes" });
  assert.match((decodeNpy(header(dict("(3,)", "'|O'")), "x") as Unreadable).unreadable, /pickled Python objects, .*np\.savez/);
  assert.match(
    (decodeNpy(header(dict("(24,)", "'|V1'")), "x") as Unreadable).unreadable,
    /float8: save it as \.astype\("float32"\)/,
  );
});

test("either byte order, integers of every size and JAX's bfloat16 are read", () => {
  const npy = (descr: string, data: Uint8Array, count: number) => {
    const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${count},), }\n`;
    const start = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, text.length, 0]);
    return decodeNpy(Buffer.concat([start, Buffer.from(text), data]), "x") as LazyTensor;
  };
  const both = (kind: string, size: number, write: (view: DataView, at: number, little: boolean) => void, count = 2) => {
    for (const little of [true, false]) {
      const data = new Uint8Array(size * count);
      for (let i = 0; i < count; i++) write(new DataView(data.buffer), size * i, little);
      const found = npy(`${little ? "<" : ">"}${kind}`, data, count);
      assert.deepEqual([...found.read().data], [-3, -3], kind);
      assert.equal(found.integral, !kind.startsWith("f") && kind !== "V2", kind);
    }
  };
  both("f8", 8, (view, at, little) => view.setFloat64(at, -3, little));
  both("f4", 4, (view, at, little) => view.setFloat32(at, -3, little));
  both("f2", 2, (view, at, little) => view.setUint16(at, 0xc200, little));
  both("V2", 2, (view, at, little) => view.setUint16(at, 0xc040, little));
  both("i8", 8, (view, at, little) => view.setBigInt64(at, -3n, little));
  both("i4", 4, (view, at, little) => view.setInt32(at, -3, little));
  both("i2", 2, (view, at, little) => view.setInt16(at, -3, little));
  assert.deepEqual([...npy("|i1", Uint8Array.of(253, 3), 2).read().data], [-3, 3]);
  assert.deepEqual([...npy("|u1", Uint8Array.of(253, 3), 2).read().data], [253, 3]);
  assert.deepEqual([...npy("|b1", Uint8Array.of(1, 0), 2).read().data], [1, 0]);
  assert.match(npy("|V2", new Uint8Array(2), 1).note ?? "", /bfloat16.*astype\("float32"\)/);
  assert.throws(() => npy("<u4", Uint8Array.of(0, 0, 0, 128), 1).read(), /must fit 32 bits with a sign, got 2147483648 at 0/);
});
