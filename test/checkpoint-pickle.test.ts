import assert from "node:assert/strict";
import { test } from "node:test";
import { readPickle } from "../src/checkpoint/formats/pickle.ts";
import { PyDict, PyList, PyObject, PyReference, PyTuple, type PyValue } from "../src/checkpoint/formats/pickle-values.ts";
import { pickleOf } from "./helpers/torch-archive.ts";

/** Written by CPython 3.11's pickle.dumps, by protocol. */
const WRITTEN = {
  0: "KGRwMApWYQpwMQoobHAyCkkxCmFJLTIKYUkyNTUKYUkyNTYKYUk2NTUzNgphTDIxNDc0ODM2NDhMCmFMLTEwOTk1MTE2Mjc3NzZMCmFMMTE4MDU5MTYyMDcxNzQxMTMwMzQyNEwKYUkwMQphSTAwCmFOYUYxLjUKYUYtMC4wCmFGaW5mCmFzVnQKcDMKKCh0KEkxCnRwNAooSTEKSTIKdHA1CihJMQpJMgpJMwp0cDYKKEkxCkkyCkkzCkk0CnRwNwp0cDgKc1ZzCnA5ClZu6Vx1MDAwYQpwMTAKc1ZlCnAxMQooZHAxMgpzVm9kCnAxMwpjY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcDE0Cih0UnAxNQpWeApwMTYKSTEKc3NWbTEKcDE3CihscDE4Ckk3CmFzVm0yCnAxOQpnMTgKcy4=",
  1: "fXEAKFgBAAAAYXEBXXECKEsBSv7///9L/00AAUoAAAEATDIxNDc0ODM2NDhMCkwtMTA5OTUxMTYyNzc3NkwKTDExODA1OTE2MjA3MTc0MTEzMDM0MjRMCkkwMQpJMDAKTkc/+AAAAAAAAEeAAAAAAAAAAEd/8AAAAAAAAGVYAQAAAHRxAygpKEsBdHEEKEsBSwJ0cQUoSwFLAksDdHEGKEsBSwJLA0sEdHEHdHEIWAEAAABzcQlYBAAAAG7DqQpxClgBAAAAZXELfXEMWAIAAABvZHENY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnEOKVJxD1gBAAAAeHEQSwFzWAIAAABtMXERXXESSwdhWAIAAABtMnETaBJ1Lg==",
  2: "gAJ9cQAoWAEAAABhcQFdcQIoSwFK/v///0v/TQABSgAAAQCKBQAAAIAAigYAAAAAAP+KCQAAAAAAAAAAQIiJTkc/+AAAAAAAAEeAAAAAAAAAAEd/8AAAAAAAAGVYAQAAAHRxAygpSwGFcQRLAUsChnEFSwFLAksDh3EGKEsBSwJLA0sEdHEHdHEIWAEAAABzcQlYBAAAAG7DqQpxClgBAAAAZXELfXEMWAIAAABvZHENY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnEOKVJxD1gBAAAAeHEQSwFzWAIAAABtMXERXXESSwdhWAIAAABtMnETaBJ1Lg==",
  3: "gAN9cQAoWAEAAABhcQFdcQIoSwFK/v///0v/TQABSgAAAQCKBQAAAIAAigYAAAAAAP+KCQAAAAAAAAAAQIiJTkc/+AAAAAAAAEeAAAAAAAAAAEd/8AAAAAAAAGVYAQAAAHRxAygpSwGFcQRLAUsChnEFSwFLAksDh3EGKEsBSwJLA0sEdHEHdHEIWAEAAABzcQlYBAAAAG7DqQpxClgBAAAAZXELfXEMWAIAAABvZHENY2NvbGxlY3Rpb25zCk9yZGVyZWREaWN0CnEOKVJxD1gBAAAAeHEQSwFzWAIAAABtMXERXXESSwdhWAIAAABtMnETaBJ1Lg==",
  4: "gASVygAAAAAAAAB9lCiMAWGUXZQoSwFK/v///0v/TQABSgAAAQCKBQAAAIAAigYAAAAAAP+KCQAAAAAAAAAAQIiJTkc/+AAAAAAAAEeAAAAAAAAAAEd/8AAAAAAAAGWMAXSUKClLAYWUSwFLAoaUSwFLAksDh5QoSwFLAksDSwR0lHSUjAFzlIwEbsOpCpSMAWWUfZSMAm9klIwLY29sbGVjdGlvbnOUjAtPcmRlcmVkRGljdJSTlClSlIwBeJRLAXOMAm0xlF2USwdhjAJtMpRoFHUu",
  5: "gAWVygAAAAAAAAB9lCiMAWGUXZQoSwFK/v///0v/TQABSgAAAQCKBQAAAIAAigYAAAAAAP+KCQAAAAAAAAAAQIiJTkc/+AAAAAAAAEeAAAAAAAAAAEd/8AAAAAAAAGWMAXSUKClLAYWUSwFLAoaUSwFLAksDh5QoSwFLAksDSwR0lHSUjAFzlIwEbsOpCpSMAWWUfZSMAm9klIwLY29sbGVjdGlvbnOUjAtPcmRlcmVkRGljdJSTlClSlIwBeJRLAXOMAm0xlF2USwdhjAJtMpRoFHUu",
  bytes: "gAWVNAAAAAAAAAB9lCiMAWKUQwIA/5SMA3NldJSPlChLA5CMAmZzlChLBJGUjAJiYZSWAQAAAAAAAABxlHUu",
};

/** Containers as JavaScript's own; one object is always the same one. */
function plain(value: PyValue, seen = new Map<PyValue, unknown>()): unknown {
  if (seen.has(value)) return seen.get(value);
  const remember = (made: unknown) => {
    seen.set(value, made);
    return made;
  };
  if (value instanceof PyDict)
    return remember(Object.fromEntries([...value.entries].map(([key, entry]) => [key, plain(entry, seen)])));
  if (value instanceof PyList) return remember(value.items.map((item) => plain(item, seen)));
  if (value instanceof PyTuple) return remember({ tuple: value.items.map((item) => plain(item, seen)) });
  if (value instanceof PyObject) return { object: value.global.path, args: plain(value.args, seen) };
  return value;
}

const construct = (global: { readonly path: string }) => (global.path === "collections.OrderedDict" ? new PyDict() : undefined);
const read = (bytes: Uint8Array) => readPickle(bytes, "x.pth", construct);
const tuple = (...items: unknown[]) => ({ tuple: items });

test("pickles of every protocol are read as CPython wrote them", () => {
  for (const protocol of [0, 1, 2, 3, 4, 5] as const) {
    const value = plain(read(Buffer.from(WRITTEN[protocol], "base64"))) as Record<string, unknown>;
    // Protocols 0 and 1 hand an OrderedDict its items as an argument, which this construct leaves unread.
    const { od, ...rest } = value;
    if (protocol >= 2) assert.deepEqual(od, { x: 1 });
    assert.deepEqual(
      rest,
      {
        a: [1, -2, 255, 256, 65536, 2 ** 31, -(2 ** 40), 2n ** 70n, true, false, null, 1.5, -0, Infinity],
        t: tuple(tuple(), tuple(1), tuple(1, 2), tuple(1, 2, 3), tuple(1, 2, 3, 4)),
        s: "né\n",
        e: {},
        m1: [7],
        m2: [7],
      },
      `protocol ${protocol}`,
    );
    assert.equal(rest.m1, rest.m2);
  }
});

test("bytes and sets are read", () => {
  assert.deepEqual(plain(read(Buffer.from(WRITTEN.bytes, "base64"))), {
    b: Buffer.from([0, 255]),
    set: [3],
    fs: [4],
    ba: Buffer.from("q"),
  });
});

test("no call is ever made: it stays an inert object with its arguments", () => {
  const value = read(pickleOf({ call: "os.system", args: ["touch /tmp/owned"], state: "state" }));
  assert.ok(value instanceof PyObject);
  assert.equal(value.global.path, "os.system");
  assert.deepEqual(plain(value.args), tuple("touch /tmp/owned"));
  assert.equal(value.state, "state");
  // Calling what a call gave, as exploits do, is inert as well.
  const nested = read(Buffer.from("cbuiltins\ngetattr\n(X\x01\0\0\0aX\x01\0\0\0btR(X\x02\0\0\0lstR.", "latin1"));
  assert.ok(nested instanceof PyObject);
  assert.equal(nested.global.path, "builtins.getattr");
  const instance = read(Buffer.from("(S'id'\nios\nsystem\n.", "latin1"));
  assert.ok(instance instanceof PyObject);
  assert.deepEqual(plain(instance), { object: "os.system", args: tuple("id") });
});

test("references are kept, not followed", () => {
  const value = read(pickleOf({ reference: { tuple: ["storage", "0"] } }));
  assert.ok(value instanceof PyReference);
  assert.deepEqual(plain(value.id), tuple("storage", "0"));
});

test("a pickle that is broken is a one-line error with its place", () => {
  const good = pickleOf({ dict: [["a", [1, 2.5]]] });
  const cases: [Uint8Array | string, RegExp][] = [
    ["", /pickle must go on for 1 bytes at 0, ends at 0/],
    [".", /must not take from an empty stack \(byte 1/],
    ["t.", /must set a mark/],
    ["N(.", /must not take from an empty stack/],
    ["h\x07.", /must remember a value before it recalls it, got number 7/],
    ["Na.", /must append to a list|empty stack/],
    ["NNa.", /must append to a list, got None/],
    ["}(NNNu.", /must set pairs on a dict, got 3/],
    ["NNNs.", /must set pairs on a dict/],
    ["\xff", /known instructions, got 0xff/],
    ["\x82\x01.", /known instructions, got 0x82/],
    ["X\xff\xff\xff\x7fab", /must go on for 2147483647 bytes/],
    ["\x8d\xff\xff\xff\xff\xff\xff\xff\xffab", /must go on for 18446744073709552000 bytes/],
    ["\x8b\xff\xff\xff\x7fab", /at most 64 bytes, got 2147483647/],
    ["cos\n", /must have a line at/],
    ["Icat\n.", /must have an integer, got "cat"/],
    [`I${"9".repeat(1000)}\n.`, /must have an integer/],
    ["F1x\n.", /must have a number, got "1x"/],
    ["F\n.", /must have a number/],
    ["NNR.", /must call with a tuple, got None/],
    ["N)R.", /must call a global, got None/],
    ["NN\x93.", /must name a global by two strings/],
  ];
  for (const [bytes, pattern] of cases) {
    assert.throws(
      () => read(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes),
      (error: Error & { code?: string }) => {
        assert.equal(error.name, "MiiiiError", String(error.stack));
        assert.equal(error.code, "input");
        assert.match(error.message, pattern);
        assert.match(error.message, /^x\.pth: /);
        assert.ok(!error.message.includes("\n") && error.message.length < 300);
        return true;
      },
    );
  }
  for (let end = 0; end < good.length; end++) assert.throws(() => read(good.subarray(0, end)), { name: "MiiiiError" });
});

test("a pickle that would fill the memory is stopped", () => {
  assert.throws(() => read(Buffer.alloc(600_000, "}")), /must make at most 500000 containers/);
  assert.throws(() => read(Buffer.alloc(600_000, "(")), /must make at most 500000 containers/);
  assert.throws(() => read(Buffer.alloc(34_000_000, "N")), /must have at most 33554432 bytes, got 34000000/);
});

test("bytes at random are an error or a value, never anything else", () => {
  const good = Buffer.from(WRITTEN[4], "base64");
  let state = 1;
  const random = () => {
    state = Math.imul(state, 1664525) + 1013904223;
    return (state >>> 8) / 2 ** 24;
  };
  for (let i = 0; i < 2000; i++) {
    const bytes = Buffer.from(good);
    for (let k = 0; k < 4; k++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    try {
      read(bytes);
    } catch (error) {
      assert.equal((error as Error).name, "MiiiiError", String((error as Error).stack));
    }
  }
});
