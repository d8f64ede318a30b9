import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readFileBytes, sweepTemporaries, temporaryBeside, writeFileAtomic } from "../src/checkpoint/index.ts";
import { fails } from "./helpers/fails.ts";
import { inFolder } from "./helpers/run-folder.ts";

test("writeFileAtomic replaces a file whole and leaves nothing else behind, failing or not", () =>
  inFolder((folder) => {
    const path = join(folder, "a.bin");
    writeFileAtomic(path, new Uint8Array([1, 2, 3]));
    writeFileAtomic(path, new Uint8Array([4]));
    assert.deepEqual([...readFileBytes(path)], [4]);
    mkdirSync(join(folder, "taken", "full"), { recursive: true });
    fails(() => writeFileAtomic(join(folder, "taken"), new Uint8Array([1])), "io", /taken: cannot be written: E[A-Z]+/);
    fails(() => writeFileAtomic(join(folder, "none", "a"), new Uint8Array([1])), "io", /none\/a: cannot be written: ENOENT/);
    assert.deepEqual(readdirSync(folder).sort(), ["a.bin", "taken"]);
  }));

test(
  "writeFileAtomic says so where the folder may not be written to",
  { skip: process.getuid?.() === 0 && "root may write anywhere" },
  () =>
    inFolder((folder) => {
      chmodSync(folder, 0o500);
      fails(
        () => writeFileAtomic(join(folder, "a"), new Uint8Array([1])),
        "io",
        /a: cannot be written: EACCES: permission denied$/,
      );
      chmodSync(folder, 0o700);
    }),
);

test(
  "writeFileAtomic writes through devices, and a full one is an io error",
  { skip: !existsSync("/dev/full") && "no /dev/full here" },
  () =>
    inFolder((folder) => {
      for (const name of ["full", "null"]) symlinkSync(`/dev/${name}`, join(folder, name));
      fails(
        () => writeFileAtomic(join(folder, "full"), new Uint8Array([1])),
        "io",
        /full: cannot be written: ENOSPC: no space left on device$/,
      );
      writeFileAtomic(join(folder, "null"), new Uint8Array([1]));
      assert.ok(statSync("/dev/null").isCharacterDevice() && lstatSync(join(folder, "null")).isSymbolicLink());
      assert.deepEqual(readdirSync(folder).sort(), ["full", "null"]);
    }),
);

test("writeFileAtomic keeps symbolic links and modes, and takes no name that is there", () =>
  inFolder((folder) => {
    const [target, link] = [join(folder, "target"), join(folder, "link")];
    writeFileSync(target, "old");
    // The usual umask would take the group's right to write.
    chmodSync(target, 0o664);
    symlinkSync("target", link);
    writeFileAtomic(link, new TextEncoder().encode("new"));
    assert.ok(lstatSync(link).isSymbolicLink());
    assert.equal(readFileSync(target, "utf8"), "new");
    assert.equal(statSync(target).mode & 0o777, 0o664);
    assert.notEqual(temporaryBeside(target), temporaryBeside(target));
  }));

test("what dead processes left half-written is swept, what the living write is not", () =>
  inFolder((folder) => {
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    const names = [`.a.${dead}.0123456789ab.tmp`, `.a.${dead}.tmp`, `.a.1.0123456789ab.tmp`, "a.tmp", ".hidden"];
    for (const name of names) writeFileSync(join(folder, name), "");
    sweepTemporaries(folder);
    assert.deepEqual(readdirSync(folder).sort(), [".a.1.0123456789ab.tmp", ".hidden", "a.tmp"]);
  }));

test("readFileBytes tells a missing file from a folder", () =>
  inFolder((folder) => {
    fails(() => readFileBytes(join(folder, "a")), "io", /a: no such file$/);
    fails(() => readFileBytes(folder), "io", /must be a file, is a directory$/);
    writeFileSync(join(folder, "f"), "");
    fails(() => readFileBytes(join(folder, "f", "a")), "io", /a: (no such file|cannot be read: ENOTDIR)/);
  }));
