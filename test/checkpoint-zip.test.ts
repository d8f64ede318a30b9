import assert from "node:assert/strict";
import { test } from "node:test";
import { readZip, writeZip } from "../src/checkpoint/formats/zip.ts";
import { type ZipFile, zipOf } from "./helpers/torch-archive.ts";

const text = (value: string) => Buffer.from(value);

/** Reads an archive whole. */
const readAll = (bytes: Uint8Array) => [...readZip(bytes, "x.zip").values()].map((entry) => entry.read());

const fails = (bytes: Uint8Array, pattern: RegExp) =>
  assert.throws(
    () => readAll(bytes),
    (error: Error & { code?: string }) => {
      assert.equal(error.name, "MiiiiError", String(error.stack));
      assert.equal(error.code, "input");
      assert.match(error.message, pattern);
      assert.match(error.message, /^x\.zip: /);
      assert.ok(!error.message.includes("\n"));
      return true;
    },
  );

test("stored and deflated files are read by name, those of an archive inside a larger buffer too", () => {
  const files = [
    { name: "a", data: text("stored") },
    { name: "deep/é", data: Buffer.alloc(5000, "deflated "), deflate: true },
    { name: "empty", data: text(""), deflate: true },
    { name: "folder/", data: text("") },
  ];
  const bytes = zipOf(files);
  const shifted = new Uint8Array(bytes.length + 5);
  shifted.set(bytes, 5);
  for (const archive of [bytes, shifted.subarray(5)]) {
    const entries = readZip(archive, "x.zip");
    assert.deepEqual([...entries.keys()], ["a", "deep/é", "empty", "folder/"]);
    for (const { name, data } of files) assert.deepEqual(Buffer.from(entries.get(name)?.read() ?? []), data);
  }
});

test("an archive with a comment is read; bytes after its end are an error", () => {
  const bytes = zipOf([{ name: "a", data: text("x") }]);
  const commented = Buffer.concat([bytes, text("note")]);
  commented.writeUInt16LE(4, bytes.length - 2);
  assert.equal(readZip(commented, "x.zip").size, 1);
  fails(Buffer.concat([bytes, text("note")]), /must end with its directory/);
});

test("what is written is read back, the same files give the same bytes, and another reader's checks hold", () => {
  const files = new Map([
    ["b.npy", text("one")],
    ["ä", Buffer.alloc(300, 7)],
  ]);
  const bytes = writeZip(files);
  assert.deepEqual(bytes, writeZip(files));
  assert.deepEqual(
    [...readZip(bytes, "x.zip")].map(([name, entry]) => [name, Buffer.from(entry.read())]),
    [...files],
  );
  assert.deepEqual(readAll(writeZip(new Map())), []);
});

test("an archive that is damaged or hostile is a one-line error", () => {
  const one = (change: Partial<ZipFile>) => zipOf([{ name: "a", data: text("twelve bytes"), ...change }]);
  fails(text(""), /must end with its directory/);
  fails(one({}).subarray(0, 40), /must end with its directory/);
  fails(zipOf([{ name: "a", data: text("x") }], 2), /must list 2 files, breaks off at 1|must lie within/);
  fails(zipOf([{ name: "a", data: text("x") }], 60_000), /directory must lie within the archive, says 60000 files/);
  fails(one({ name: "../a" }), /must stay inside it, got "\.\.\/a"/);
  fails(one({ name: "a/../../b" }), /must stay inside it/);
  fails(one({ name: "/etc/passwd" }), /must stay inside it/);
  fails(one({ name: "..\\a" }), /must stay inside it/);
  fails(one({ name: "a\nb/.." }), /must stay inside it, got "a\\nb\/\.\."/);
  fails(one({ localName: "b" }), /"a": must have the same name in both places, got "b"/);
  fails(one({ flags: 1 }), /must not be encrypted/);
  fails(one({ method: 12 }), /must be stored or deflated, has method 12/);
  fails(one({ crc: 1 }), /its checksum must match/);
  fails(one({ offset: 5 }), /must begin with a zip header/);
  fails(one({ offset: 2 ** 32 - 2 }), /must begin with a zip header/);
  fails(one({ packed: 5000, size: 5000 }), /must lie within the archive/);
  fails(one({ size: 11 }), /must have the same size stored as unpacked/);
  fails(one({ size: 0xffffffff, packed: 0xffffffff }), /must not unpack to|below 4 GiB/);
  fails(one({ deflate: true, size: 11 }), /must unpack to 11 bytes, is damaged or larger/);
  fails(one({ deflate: true, size: 13 }), /must unpack to 13 bytes, got 12/);
  fails(one({ method: 8 }), /must unpack to 12 bytes, is damaged or larger/);
  fails(
    zipOf([
      { name: "a", data: text("x") },
      { name: "a", data: text("y") },
    ]),
    /must be in the archive once/,
  );
  fails(
    zipOf([
      { name: "a", data: text("x") },
      { name: "b", data: text("y"), offset: 0, localName: "a" },
    ]),
    /"b": must not overlap another/,
  );
});

test("a zip bomb is refused before anything is unpacked, whether it tells its size or not", () => {
  const zeros = Buffer.alloc(8 * 2 ** 20);
  const honest = zipOf(Array.from({ length: 12 }, (_, i) => ({ name: `${i}`, data: zeros, deflate: true })));
  assert.ok(honest.length < 200_000);
  fails(honest, /a zip archive of \d+ bytes must not unpack to 100663296/);
  fails(zipOf([{ name: "a", data: zeros, deflate: true, size: 1000 }]), /must unpack to 1000 bytes, is damaged or larger/);
});

test("an archive with any byte changed or cut anywhere is an error or the same files, never anything else", () => {
  const bytes = zipOf([
    { name: "a", data: text("stored") },
    { name: "b", data: Buffer.alloc(50, "deflated"), deflate: true },
  ]);
  for (let i = 0; i < bytes.length; i++) {
    const changed = Buffer.from(bytes);
    changed[i] = (changed[i] as number) ^ 0xff;
    for (const archive of [changed, bytes.subarray(0, i)]) {
      try {
        readAll(archive);
      } catch (error) {
        assert.equal((error as Error).name, "MiiiiError", String((error as Error).stack));
      }
    }
  }
});
