import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { inflateSync } from "node:zlib";
import type { Analysis } from "../src/analyses/kit/define.ts";
import { writeCsv, writeParquet } from "../src/cli/data-file.ts";
import { analysisFigure, figureWriter } from "../src/cli/figure-file.ts";
import { specText } from "../src/figures/index.ts";
import { made, madeRun, pictures } from "./helpers/report.ts";

const folder = mkdtempSync(join(tmpdir(), "miiii-figures-"));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string) => join(folder, name);

const { config } = madeRun("a");
const ENTRIES = ["a", "b"].map((label) => ({ label, result: { values: [0.25, 1, 0.1 + 0.2] }, config }));
const analysis = made as Analysis;

test("CSV: one long table, every value as it is", () => {
  writeCsv(file("made.csv"), analysis, ENTRIES);
  const [head, ...lines] = readFileSync(file("made.csv"), "utf8").trimEnd().split("\n");
  assert.equal(head, "mark,low,high,label,run,i,value");
  assert.equal(lines.length, 7);
  assert.ok(lines.includes("line,,,,b,2,0.30000000000000004"), lines.join("\n"));
});

test("CSV of images: a row a cell, with its panel", () => {
  const entries = [{ label: "a", result: { p: 7 }, config }];
  writeCsv(file("pictures.csv"), pictures as Analysis, entries);
  const lines = readFileSync(file("pictures.csv"), "utf8").trimEnd().split("\n");
  const cells = lines.filter((line) => line.startsWith("a,"));
  assert.equal(cells.length, 2 * 49, "two matrices of 7 × 7");
});

test("Parquet: the same table, numbers as numbers", async () => {
  await writeParquet(file("made.parquet"), analysis, ENTRIES);
  const bytes = readFileSync(file("made.parquet"));
  assert.equal(bytes.subarray(0, 4).toString(), "PAR1");
  assert.equal(bytes.subarray(-4).toString(), "PAR1");
  const { parquetReadObjects } = await import("hyparquet");
  const rows = await parquetReadObjects({
    file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer,
  });
  assert.equal(rows.length, 7);
  assert.deepEqual(rows.at(-1)?.value, 0.1 + 0.2);
  assert.equal(rows.at(-1)?.run, "b");
});

/** What the streams of a PDF say, one after the other. */
function streamsOf(pdf: Buffer): string[] {
  const text = pdf.toString("latin1");
  return [...text.matchAll(/<<([\s\S]*?)>>\nstream\n/g)].flatMap(({ 0: head, 1: entries = "", index }) => {
    const start = index + head.length;
    const bytes = pdf.subarray(start, start + Number(/\/Length (\d+)/.exec(entries)?.[1]));
    return entries.includes("/FlateDecode") ? [inflateSync(bytes).toString("latin1")] : [];
  });
}

test("PDF: one page of the drawing's size, vectors and text in embedded letters, the same bytes again; PNG and SVG by theme", async () => {
  for (const name of ["f.pdf", "again.pdf", "f.svg", "f.png", "f.vl.json"])
    await figureWriter(file(name), name === "f.svg" ? { theme: "dark", width: 500 } : {})(analysisFigure(analysis, ENTRIES));
  const bytes = readFileSync(file("f.pdf"));
  assert.deepEqual(readFileSync(file("again.pdf")), bytes);
  const pdf = bytes.toString("latin1");
  assert.match(pdf, /^%PDF-1\.\d\n/);
  assert.match(pdf, /\/FontFile2 /);
  assert.match(pdf, /\/ToUnicode /, "text can be selected and searched");
  assert.doesNotMatch(pdf, /CreationDate|\/Subtype \/Image/);
  const [content = ""] = streamsOf(bytes).filter((stream) => stream.includes("BT"));
  const lines = (content.match(/ l\n/g) ?? []).length;
  assert.ok(lines > 10 && (content.match(/^BT$/gm) ?? []).length > 5, `${lines} lines of ${content.length} characters`);
  assert.match(content, /^\[4 3\] 0 d$/m, "the null's dashes");
  const png = readFileSync(file("f.png"));
  const [, width = ""] = /MediaBox \[0 0 ([\d.]+) /.exec(pdf) ?? [];
  assert.ok(Math.abs(Number(width) / 0.75 - png.readUInt32BE(16) / 2) < 1, "both of the drawing's width");
  const svg = readFileSync(file("f.svg"), "utf8");
  assert.match(svg, /^<svg style="background: #14181c; color: #e4e8ec" /);
  const spec = JSON.parse(readFileSync(file("f.vl.json"), "utf8")) as object;
  assert.ok(JSON.stringify(spec).includes("0.30000000000000004"));
});

test("PDF: grids are images, the page is scaled and in its theme", async () => {
  const figure = analysisFigure(pictures as Analysis, [{ label: "a & <b>", result: { p: 7 }, config }]);
  await figureWriter(file("one.pdf"))(figure);
  await figureWriter(file("two.pdf"), { scale: 2, theme: "dark" })(figure);
  const [one, two] = ["one.pdf", "two.pdf"].map((name) => readFileSync(file(name)));
  assert.ok(one !== undefined && two !== undefined);
  assert.equal((one.toString("latin1").match(/\/Subtype \/Image/g) ?? []).length, 2);
  const width = (pdf: Buffer) => Number(/MediaBox \[0 0 ([\d.]+) /.exec(pdf.toString("latin1"))?.[1]);
  assert.ok(Math.abs(width(two) / width(one) - 2) < 1e-6);
  const drawn = (pdf: Buffer) => streamsOf(pdf).find((stream) => stream.includes("BT")) ?? "";
  assert.match(drawn(one), /^1 1 1 scn$/m);
  assert.match(drawn(two), /^0\.078\d* 0\.094\d* 0\.109\d* scn$/m);
});

test("a width is kept by what is drawn, the figure's own title and the spec with it", async () => {
  const figure = analysisFigure(pictures as Analysis, [{ label: "a", result: { p: 41 }, config }]);
  const long = {
    text: "Pictures",
    subtitle: "a subtitle that says more than a narrow figure has room for in one line of its own",
  };
  const titled = { ...figure, spec: { ...figure.spec, title: long } };
  for (const width of [360, 700, 1100]) {
    await figureWriter(file("w.svg"), { width })(titled);
    await figureWriter(file("w.vl.json"), { width })(titled);
    const drawn = Number(/ width="([\d.]+)"/.exec(readFileSync(file("w.svg"), "utf8"))?.[1]);
    assert.ok(drawn <= width && drawn > 0.5 * Math.min(width, 700), `${drawn} of ${width}`);
    assert.doesNotThrow(() => JSON.parse(readFileSync(file("w.vl.json"), "utf8")));
  }
});

test("a spec reads as JSON whatever its data say, a row a line", () => {
  const values = ["$&", '"', "\u0001", "a", "b"].map((label, i) => ({ label, i }));
  const spec = { mark: "point", data: { values }, params: [{ name: "a", value: 1 }] };
  const text = specText(spec as never);
  assert.deepEqual(JSON.parse(text), spec);
  assert.equal(text.split("\n").filter((line) => line.startsWith('{"label"')).length, values.length);
});

test("usage: an ending that is not known, a scale that is out of range or for a drawing without pixels", () => {
  assert.throws(() => figureWriter("f.gif"), /must end in .*\.pdf.*, got f\.gif/);
  assert.throws(() => figureWriter("f.png", { scale: 99 }), /--figure-scale: must be from 0\.25 to 10, got 99/);
  assert.throws(() => figureWriter("f.svg", { scale: 2 }), /is for \.png and \.pdf, got \.svg/);
  assert.throws(() => figureWriter("f.svg", { width: 5 }), /--figure-width: must be from 280 to 4000, got 5/);
});
