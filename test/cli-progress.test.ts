import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseReferences } from "../src/api/references.ts";
import { pace } from "../src/cli/progress.ts";
import { pagePath, reportIdentity } from "../src/cli/report-page.ts";
import { MiiiiError } from "../src/core/index.ts";

const seconds = (rate: (second: number) => number, count: number) => {
  let done = 0;
  return Array.from({ length: count }, (_, i) => {
    if (i > 0) done += rate(i);
    return { at: 1000 * i, done };
  });
};

test("no time left is told before the rate is steady: not in the first seconds, not while it changes", () => {
  assert.equal(
    pace(
      seconds(() => 10, 5),
      1000,
    ).left,
    undefined,
  );
  // The first epochs of a run, which are logged most densely, and then the others.
  assert.equal(
    pace(
      seconds((second) => (second < 8 ? 2 : 20), 16),
      1000,
    ).left,
    undefined,
  );
  const steady = pace(
    seconds(() => 10, 16),
    1000,
  );
  assert.ok(Math.abs(steady.rate - 10) < 1e-9 && Math.abs((steady.left ?? 0) - 85) < 1e-9);
  assert.equal(
    pace(
      seconds(() => 0, 16),
      1000,
    ).left,
    undefined,
  );
});

test("a report is renewed in place; one of other runs, or any other file, is never overwritten", () => {
  const folder = mkdtempSync(join(tmpdir(), "miiii-page-"));
  const before = process.cwd();
  const page = (identity: string) => `<html><head><meta charset="utf-8">\n<meta name="miiii-report" content="${identity}">`;
  try {
    const [one, other] = [parseReferences(["nanda"]), parseReferences(["x=nanda", "miiii-p53"])];
    const [first, second] = [reportIdentity(one), reportIdentity(other)];
    assert.notEqual(first, second);
    process.chdir(folder);
    const notes: string[] = [];
    const path = (references: typeof one, out?: string) =>
      pagePath(out, references, reportIdentity(references), (text) => notes.push(text));
    assert.equal(path(one), join("reports", "index.html"));
    writeFileSync(path(one), page(first));
    assert.equal(path(one), join("reports", "index.html"));
    assert.equal(path(other), join("reports", "x_miiii-p53.html"));
    assert.match(notes.join(), /index\.html is a report of other runs and stays; this one is x_miiii-p53\.html/);
    writeFileSync(path(other), "not a page");
    assert.equal(path(other), join("reports", "x_miiii-p53-2.html"));
    writeFileSync("mine.html", page(first));
    assert.equal(path(one, "mine.html"), "mine.html");
    assert.throws(
      () => path(other, "mine.html"),
      (error) => error instanceof MiiiiError && error.code === "usage" && /mine\.html holds something else/.test(error.message),
    );
    assert.ok(existsSync("mine.html"));
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  }
});
