import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_MESSAGE, MiiiiError, printable, printableLines, quoted, shortened } from "../src/core/index.ts";

/** Every character that moves a cursor, breaks a line, hides or turns what follows. */
const UNSAFE = [
  ...Array.from({ length: 32 }, (_, i) => i),
  ...Array.from({ length: 33 }, (_, i) => 0x7f + i),
  ...[
    0xad, 0x61c, 0x200b, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2060, 0x2066, 0x2069, 0xfeff, 0xd800, 0xdfff, 0xe0041,
  ],
];

test("what a terminal would obey is printed as an escape, and everything else as it is", () => {
  for (const code of UNSAFE) {
    const text = printable(`a${String.fromCodePoint(code)}b`);
    assert.match(text, /^a\\(?:[nrt]|x[01][0-9a-f]|u[0-9a-f]{4}(?:\\u[0-9a-f]{4})?)b$/, code.toString(16));
    assert.equal(printable(text), text);
  }
  const plain = "W_E [113, 256] ≥ 0.9, η² café 模型 😀 \\ \"quoted\" 'so'";
  assert.equal(printable(plain), plain);
  assert.equal(printable("\u001b]0;pwned\u0007\u001b[31m"), "\\x1b]0;pwned\\x07\\x1b[31m");
  assert.equal(printableLines("a\n\u001bb"), "a\n\\x1bb");
});

test("a message is one line of 300 characters at most, and keeps its beginning and its end", () => {
  const { message } = new MiiiiError("input", `file.pt: ${"x".repeat(10_000)}\n\u001b[2J: say --heads`);
  assert.equal(message.length, MAX_MESSAGE);
  assert.match(message, /^file\.pt: x+…x+\\n\\x1b\[2J: say --heads$/);
  assert.equal(new MiiiiError("input", "short").message, "short");
  for (let length = 5; length < 40; length++) {
    const cut = shortened("😀".repeat(30), length);
    assert.ok(cut.length <= length && Buffer.from(cut).toString() === cut, cut);
  }
});

test("a quoted name shows where it ends", () => {
  assert.equal(quoted('a"b\\c\n'), '"a\\"b\\\\c\\n"');
  assert.ok(quoted("n".repeat(1e6)).length <= 102);
});
