import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHalfBits, toHalfBits } from "../src/checkpoint/formats/half.ts";
import { openSafetensors } from "../src/checkpoint/formats/safetensors.ts";
import { decodeSafetensors, encodeSafetensors } from "../src/checkpoint/index.ts";
import { float32, float64, int32, type NdArray, randomStream } from "../src/core/index.ts";

const tensors = () => {
  const random = randomStream(1, "test");
  const draw = (n: number) => Array.from({ length: n }, () => random.normal());
  return new Map<string, NdArray>([
    ["b", float32(draw(6), [2, 3])],
    ["a", float32(draw(5), [5])],
    ["scalar", float64(draw(1), [])],
    ["empty", float64([], [0, 4])],
    ["indices", int32([3, -1, 2 ** 31 - 1], [3])],
  ]);
};

/** A file with a header written by hand. */
function file(header: unknown, data: Uint8Array, length?: bigint): Uint8Array {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  const bytes = Buffer.concat([Buffer.alloc(8), Buffer.from(text), data]);
  bytes.writeBigUInt64LE(length ?? BigInt(Buffer.byteLength(text)));
  return bytes;
}

const f32 = (begin: number, end: number, shape: unknown = [(end - begin) / 4], dtype: unknown = "F32") => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

const fails = (bytes: Uint8Array, pattern: RegExp) =>
  assert.throws(
    () => decodeSafetensors(bytes, "x.safetensors"),
    (error: Error & { code?: string }) => {
      assert.equal(error.name, "MiiiiError", String(error.stack));
      assert.equal(error.code, "input");
      assert.match(error.message, pattern);
      assert.match(error.message, /^x\.safetensors: /);
      assert.ok(!error.message.includes("\n"), "one line");
      assert.ok(error.message.length < 500, "short");
      return true;
    },
  );

test("safetensors: what was written is read back, bit for bit", () => {
  const written = tensors();
  const { tensors: read, metadata } = decodeSafetensors(encodeSafetensors(written, { z: "1", a: 'né "\n' }), "x");
  assert.deepEqual(metadata, { a: 'né "\n', z: "1" });
  assert.deepEqual(new Set(read.keys()), new Set(written.keys()));
  for (const [name, array] of written) assert.deepEqual(read.get(name), array);
});

test("safetensors: the same content gives the same bytes whatever the order it comes in", () => {
  const forward = encodeSafetensors(tensors(), { a: "1", b: "2" });
  const backward = encodeSafetensors(new Map([...tensors()].reverse()), { b: "2", a: "1" });
  assert.deepEqual(Buffer.from(forward), Buffer.from(backward));
});

test("safetensors: the layout is the format's own: aligned header, contiguous and aligned tensors", () => {
  const bytes = Buffer.from(encodeSafetensors(tensors(), { format: "pt" }));
  const length = Number(bytes.readBigUInt64LE());
  assert.equal(length % 8, 0);
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8")) as Record<string, { data_offsets: [number, number] }>;
  assert.deepEqual(Object.keys(header), ["__metadata__", "empty", "scalar", "a", "b", "indices"]);
  assert.deepEqual(
    ["empty", "scalar", "a", "b", "indices"].map((name) => header[name]?.data_offsets),
    [
      [0, 0],
      [0, 8],
      [8, 28],
      [28, 52],
      [52, 64],
    ],
  );
  assert.equal(bytes.length, 8 + length + 64);
  assert.equal(bytes.readInt32LE(8 + length + 52), 3);
});

test("safetensors: a file with views into a larger buffer at odd offsets is read all the same", () => {
  const bytes = encodeSafetensors(tensors(), {});
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  assert.deepEqual(decodeSafetensors(shifted.subarray(3), "x").tensors.get("b"), tensors().get("b"));
});

test("halves: every half is read and written back as itself, and rounding goes to the nearest, ties to even", () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    if ((bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0) continue;
    assert.equal(toHalfBits(fromHalfBits(bits)), bits);
  }
  const random = randomStream(3, "halves");
  for (let i = 0; i < 20_000; i++) {
    const value = Math.fround(random.normal() * 2 ** (random.integer(30) - 22));
    const bits = toHalfBits(value);
    const error = Math.abs(fromHalfBits(bits) - value);
    for (const other of [bits - 1, bits + 1]) {
      if ((other & 0x7fff) >= 0x7c00 || other < 0 || (other ^ bits) & 0x8000) continue;
      const distance = Math.abs(fromHalfBits(other) - value);
      assert.ok(error < distance || (error === distance && bits % 2 === 0), `${value}`);
    }
  }
  assert.equal(fromHalfBits(toHalfBits(65519)), 65504);
  assert.equal(toHalfBits(65520), 0x7c00);
  assert.equal(toHalfBits(2 ** -25), 0);
  assert.equal(toHalfBits(2 ** -24), 1);
});

test("safetensors: half precision stores float32 in half the space, to 2^-11 relative, and nothing else", () => {
  const written = tensors();
  const { tensors: read } = decodeSafetensors(encodeSafetensors(written, {}, { half: true }), "x");
  const [exact, half] = [written.get("b") as NdArray, read.get("b") as NdArray];
  assert.equal(half.dtype, "float32");
  exact.data.forEach((value, i) => {
    assert.ok(Math.abs((half.data[i] as number) - value) <= Math.abs(value) * 2 ** -11);
  });
  assert.notDeepEqual(half.data, exact.data);
  assert.deepEqual(read.get("scalar"), written.get("scalar"));
  assert.throws(
    () => encodeSafetensors(new Map([["w", float32([1, 7e4], [2])]]), {}, { half: true }),
    /"w": every entry must be below 65,520.* got 70000 at 1/,
  );
});

test("safetensors: BF16 and F16 are read as float32, I64 as int32", () => {
  const data = Buffer.alloc(8 + 4 + 4);
  data.writeBigInt64LE(-7n, 0);
  data.writeUInt16LE(0x3fc0, 8);
  data.writeUInt16LE(0xc000, 10);
  data.writeUInt16LE(0x3e00, 12);
  data.writeUInt16LE(0x8001, 14);
  const bytes = file({ i: f32(0, 8, [1], "I64"), b: f32(8, 12, [2], "BF16"), h: f32(12, 16, [2], "F16") }, data);
  const { tensors: read } = decodeSafetensors(bytes, "x");
  assert.deepEqual(read.get("i"), int32([-7], [1]));
  assert.deepEqual(read.get("b"), float32([1.5, -2], [2]));
  assert.deepEqual(read.get("h"), float32([1.5, -(2 ** -24)], [2]));
  data.writeBigInt64LE(2n ** 31n, 0);
  fails(file({ i: f32(0, 16, [2], "I64") }, data), /"i": every entry must fit 32 bits, got 2147483648 at 0/);
});

test("safetensors: NaN and infinity are refused by tensor and index; a file from elsewhere is asked when it is needed", () => {
  assert.throws(
    () => encodeSafetensors(new Map([["w", float32([1, Number.NaN], [1, 2])]]), {}),
    /"w": every entry must be finite, got NaN at \[0, 1\]/,
  );
  const data = new Uint8Array(new Float32Array([0, 1, -Infinity, 2]).buffer);
  const bytes = file({ w: f32(0, 16, [2, 2]) }, data);
  fails(bytes, /"w": every entry must be finite, got -Infinity at \[1, 0\]/);
  const open = openSafetensors(bytes, "x").tensors.get("w");
  assert.ok(open && "read" in open);
  assert.equal(open.read().data[2], -Infinity);
});

test("safetensors: every way of being broken is a one-line error that names the file", () => {
  const eight = new Uint8Array(8);
  const good = file({ w: f32(0, 8) }, eight);
  decodeSafetensors(good, "x.safetensors");
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array(0), /must have 8 bytes or more, got 0/],
    [good.subarray(0, 7), /must have 8 bytes or more, got 7/],
    [good.subarray(0, 20), /header must lie within the file/],
    [good.subarray(0, good.length - 1), /"w": data_offsets must lie .* within the 7 bytes.*cut short/],
    [Buffer.concat([good, Buffer.alloc(2)]), /2 of 10 bytes are left over/],
    [file("{}", eight, 2n ** 63n), /at most 100000000 bytes, says 9223372036854775808/],
    [file("{}", eight, 100_000_001n), /at most 100000000 bytes/],
    [file("{}", eight, 11n), /must lie within the file, needs 19 bytes of 18/],
    [file("[]", eight), /must begin with "\{"/],
    [file('{"a":', new Uint8Array(0)), /must be valid JSON/],
    [file(`{"a":\n\n\n${"x".repeat(1000)}`, new Uint8Array(0)), /must be valid JSON/],
    [file("", eight), /must begin with|valid JSON/],
    [Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 0, 0, 0]), Buffer.from([0x7b, 0xff, 0x7d])]), /must be valid UTF-8/],
    [
      file(
        '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"\\u0077":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
        eight,
      ),
      /each key must occur once, got "w" twice/,
    ],
    [
      file('{"w":{"dtype":"F64","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', eight),
      /each key must occur once, got "dtype" twice/,
    ],
    [file({ w: f32(0, 8), u: f32(4, 8) }, eight), /"u": must not overlap/],
    [file({ w: f32(0, 8), u: f32(0, 8) }, eight), /must not overlap/],
    [file({ w: f32(4, 8) }, eight), /"w": must follow .* without a hole, begins at 4, not 0/],
    [file({ w: f32(0, 4) }, eight), /4 of 8 bytes are left over/],
    [file({ w: f32(0, 12) }, eight), /within the 8 bytes of data/],
    [file({ w: f32(8, 0, [2]) }, eight), /must lie in order/],
    [file({ w: f32(0, 8, [1]) }, eight), /shape \[1\] of F32 must fill its byte range, needs 4 bytes, got 8/],
    [file({ w: f32(0, 8, [2 ** 40, 2 ** 40]) }, eight), /must fill its byte range/],
    [file({ w: f32(0, 8, [1e300]) }, eight), /shape must be at most 8 non-negative integers/],
    [file({ w: f32(0, 8, [-2]) }, eight), /shape must be at most 8 non-negative integers, got \[-2\]/],
    [file({ w: f32(0, 8, [1.5]) }, eight), /shape must be at most 8 non-negative integers, got \[1.5\]/],
    [file({ w: f32(0, 8, "2") }, eight), /shape must be at most 8 non-negative integers, got "2"/],
    [file({ w: f32(0, 8, [2], "F8_E4M3") }, eight), /dtype must be one of F64, .*, got "F8_E4M3"/],
    [file({ w: f32(0, 8, [2], "toString") }, eight), /dtype must be one of/],
    [file({ w: f32(0, 8, [2], 3) }, eight), /dtype must be a name, got 3/],
    [file({ w: f32(0, 8, [2], "U8") }, eight), /shape \[2\] of U8 must fill its byte range, needs 2 bytes, got 8/],
    [file({ w: f32(0, 8, [1, 1, 1, 1, 1, 1, 1, 1, 2]) }, eight), /shape must be at most 8 non-negative integers, got \[1,/],
    [file({ w: { dtype: "F32", shape: [2], data_offsets: [0, 8, 16] } }, eight), /two non-negative integers/],
    [file({ w: { dtype: "F32", shape: [2] } }, eight), /two non-negative integers, got nothing/],
    [file({ "w\nx": [] }, eight), /"w\\nx": must be an object/],
    [file({ __metadata__: { a: 1 }, w: f32(0, 8) }, eight), /__metadata__ must map names to strings/],
  ];
  for (const [bytes, pattern] of cases) fails(bytes, pattern);
});

test("safetensors: a name such as __proto__ is a name", () => {
  const bytes = file(`{"__proto__":${JSON.stringify(f32(0, 8))},"__metadata__":{"__proto__":"x"}}`, new Uint8Array(8));
  const { tensors: read, metadata } = decodeSafetensors(bytes, "x");
  assert.deepEqual([...read.keys()], ["__proto__"]);
  assert.deepEqual(Object.entries(metadata), [["__proto__", "x"]]);
});
