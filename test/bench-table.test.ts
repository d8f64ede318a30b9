import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { COMMANDS, TABLE_HEAD, TABLE_MARK, withRow } from "../scripts/lib/commands.ts";

const PAGE = `# Performance\n\n${TABLE_MARK}\n\nBefore: 91 s.\n\n| other | table |\n|---|---|\n`;
const row = (i: number, seconds: string) => `| ${COMMANDS[i]?.name} | ${seconds} | 1.0 |  | 60 |  |`;
const table = (...rows: string[]) => [...TABLE_HEAD, ...rows].join("\n");

test("rows come into the table one by one, in the order of the commands, and replace their own; the page around it stays", () => {
  const one = withRow(PAGE, "a machine", row(3, "3.0"));
  assert.equal(one, PAGE.replace(TABLE_MARK, `${TABLE_MARK}\n\na machine:\n\n${table(row(3, "3.0"))}`));
  const two = withRow(one, "a machine", row(1, "1.0"));
  assert.equal(two, PAGE.replace(TABLE_MARK, `${TABLE_MARK}\n\na machine:\n\n${table(row(1, "1.0"), row(3, "3.0"))}`));
  assert.equal(withRow(two, "a machine", row(1, "1.0")), two);
  const other = withRow(two, "another machine", row(1, "2.0"));
  assert.equal(other, PAGE.replace(TABLE_MARK, `${TABLE_MARK}\n\nanother machine:\n\n${table(row(1, "2.0"))}`));
});

test("the page of the docs has the table's place; a page without it is refused", () => {
  const docs = readFileSync(new URL("../docs/performance.md", import.meta.url), "utf8");
  assert.ok(withRow(docs, "a machine", row(0, "1.0")).includes(row(0, "1.0")));
  assert.throws(() => withRow("# Performance", "a machine", row(0, "1.0")), /must hold the line/);
});
