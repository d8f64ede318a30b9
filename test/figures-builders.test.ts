import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { ownColors } from "../src/analyses/kit/panels.ts";
import { at } from "../src/core/index.ts";
import {
  barsWithNull,
  concatPanels,
  figure,
  gridWithDetail,
  heatmap,
  hinton,
  linesWithBand,
  NULL_COLOR,
  type Panel,
  picker,
  RUN_COLORS,
  scatter,
  wrapText,
} from "../src/figures/index.ts";
import { renderSvg, svgToPng } from "../src/figures/render.ts";
import { layersOf, leavesOf } from "../src/figures/walk.ts";
import { assertAllClose } from "./helpers/assert.ts";

const alone = (panel: Panel, params?: Parameters<typeof figure>[1]["params"]) =>
  figure(panel, { description: "d", ...(params === undefined ? {} : { params }) });

/** A running figure, and the names of its data. */
interface Running {
  readonly view: vega.View;
  readonly names: readonly string[];
}

async function viewOf(spec: TopLevelSpec): Promise<Running> {
  const compiled = compile(spec).spec;
  const view = await new vega.View(vega.parse(compiled), { renderer: "none" }).runAsync();
  return { view, names: (compiled.data ?? []).map(({ name }) => name) };
}

/** Rows of the first dataset of a running figure whose rows have all these fields, as single values. */
function rowsWith({ view, names }: Running, fields: readonly string[]): Record<string, number>[] {
  for (const name of names) {
    const rows = view.data(name) as Record<string, number>[];
    if (rows.length > 0 && fields.every((field) => field in (rows[0] ?? {}) && !Array.isArray(rows[0]?.[field]))) return rows;
  }
  return assert.fail(`no data with ${fields.join(", ")}`);
}

test("Hinton squares: area in proportion to the magnitude, filled where positive, hollow where negative", async () => {
  const values = [
    [1, -0.5, 0.25],
    [-1, 0.04, 0],
  ];
  const svg = await renderSvg(alone(hinton({ values, cell: 20 })));
  const squares = [
    ...svg.matchAll(/<path [^>]*transform="translate\(([\d.]+),([\d.]+)\)" d="M-?[\d.]+,-?[\d.]+h([\d.]+)v[^"]*"[^>]*>/g),
  ].map(([tag, x, y, side]) => ({
    column: (Number(x) - 10) / 20,
    row: (Number(y) - 10) / 20,
    side: Number(side),
    filled: / fill="currentColor"/.test(tag),
    stroked: / stroke="currentColor"/.test(tag),
  }));
  assert.equal(squares.length, 6);
  const full = squares[0]?.side ?? 0;
  for (const { row, column, side, filled, stroked } of squares) {
    const value = values[row]?.[column] ?? assert.fail(`no cell at ${row}, ${column}`);
    assertAllClose([(side / full) ** 2], [Math.abs(value)], { atol: 1e-3, rtol: 1e-3 });
    assert.equal(filled, value >= 0);
    assert.ok(stroked);
  }
  assert.ok(full <= 20 && full > 15, "squares do not overlap");
});

test("lines: each run its own color and its points in full, on 1 + epoch's logarithm", async () => {
  const runs = ["b", "a"];
  const rows = runs.flatMap((run, r) => [0, 1, 10, 100].map((epoch) => ({ run, epoch, loss: (r + 1) / (1 + epoch) })));
  const spec = alone(
    linesWithBand({
      rows,
      x: "epoch",
      y: "loss",
      series: "run",
      runs,
      xScale: "epochs",
      width: 300,
      nulls: [{ low: 0.5, high: 1, label: "null" }],
    }),
  );
  const running = await viewOf(spec);
  assert.deepEqual(
    rowsWith(running, ["run", "epoch", "loss"]).map(({ run, epoch, loss }) => ({ run, epoch, loss })),
    rows.map(({ run, epoch, loss }) => ({ run, epoch, loss })),
  );
  const svg = await renderSvg(spec);
  const lines = [...svg.matchAll(/<path [^>]*d="(M[^"]*)"[^>]*stroke="(#[0-9a-f]{6})"[^>]*>/g)].filter(
    ([, d]) => (d?.match(/L/g) ?? []).length === 3,
  );
  assert.deepEqual(lines.map(([, , color]) => color).sort(), [RUN_COLORS[0], RUN_COLORS[1]].slice().sort());
  const xs = (lines[0]?.[1] ?? "")
    .slice(1)
    .split("L")
    .map((point) => Number(point.split(",")[0]));
  assertAllClose(
    xs,
    [0, 1, 10, 100].map((epoch) => (300 * Math.log1p(epoch)) / Math.log1p(100)),
    { atol: 0.01 },
  );
  // The null lies behind, as high as the scale says: between the pixels of 0.5 and 1.
  const ys = (lines[0]?.[1] ?? "")
    .slice(1)
    .split("L")
    .map((point) => Number(point.split(",")[1]));
  const [, top, height] = /<path [^>]*d="M0,([\d.]+)h300v([\d.]+)h-300Z"[^>]*fill="#808890"/.exec(svg) ?? [];
  const perUnit = (((ys[3] ?? 0) - (ys[0] ?? 0)) / (1 / 101 - 1)) * (lines[0]?.[2] === RUN_COLORS[0] ? 1 : 0.5);
  assertAllClose([Number(height)], [Math.abs(perUnit) * 0.5], { rtol: 0.02 });
  assert.ok(Number(top) >= 0);
});

test("lines: a log scale leaves out what it cannot show", async () => {
  const rows = [0, 1, 2].map((x) => ({ x, y: x }));
  const running = await viewOf(alone(linesWithBand({ rows, x: "x", y: "y", yScale: "log" })));
  assert.equal(rowsWith(running, ["x", "y"]).length, 2);
});

test("lines: a log axis has lines at powers of ten, at 2 and 5 where these are few, and no others", async () => {
  const labelsOf = async (ys: readonly number[]) => {
    const rows = ys.map((y, x) => ({ x, y }));
    const svg = await renderSvg(alone(linesWithBand({ rows, x: "x", y: "y", yTitle: "nats", yScale: "log" })));
    const groups = [...svg.matchAll(/role-axis-label"[^>]*>(.*?)<\/g>/gs)].map(([, group = ""]) =>
      [...group.matchAll(/>([^<>]+)<\/text>/g)].map(([, text]) => text),
    );
    assert.equal(groups.length, 2);
    return groups[1];
  };
  assert.deepEqual(await labelsOf([1e-5, 3e-3, 40]), ["10⁻⁵", "10⁻⁴", "10⁻³", "0.01", "0.1", "1", "10", "100"]);
  assert.deepEqual(await labelsOf([1e-17, 1e6]), ["10⁻¹⁵", "10⁻¹²", "10⁻⁹", "10⁻⁶", "10⁻³", "1", "1,000", "10⁶"]);
  assert.deepEqual(await labelsOf([0.3, 0.7]), ["0.1", "0.2", "0.5", "1"]);
});

test("bars, heatmap and scatter draw one mark a row and refuse more than a page can carry", async () => {
  const rows = ["a", "b"].flatMap((run) => [1, 2, 3].map((k) => ({ run, k, share: k / 10 })));
  const series = { series: "run", runs: ["a", "b"] } as const;
  const bars = await renderSvg(
    alone(barsWithNull({ rows, x: "k", y: "share", ...series, nulls: [{ high: 0.2, label: "null 99 %" }] })),
  );
  assert.equal((bars.match(/ fill="#0072b2"/g) ?? []).length, 3 + 1, "three bars and a legend symbol");
  assert.match(bars, /null 99 %/);
  assert.match(bars, /stroke-dasharray/);
  const cells = await renderSvg(alone(heatmap({ rows, x: "k", y: "run", value: "share", domain: [0, 1], text: true })));
  assert.equal((cells.match(/ fill="rgb\(/g) ?? []).length, 6);
  const points = await renderSvg(alone(scatter({ rows, x: "k", y: "share", ...series, diagonal: true })));
  assert.equal((points.match(/<path [^>]*fill="#d55e00"/g) ?? []).length, 3 + 1);
  const many = Array.from({ length: 4001 }, (_, k) => ({ k, run: "a", share: k }));
  for (const build of [
    () => barsWithNull({ rows: many, x: "k", y: "share" }),
    () => heatmap({ rows: many, x: "k", y: "run", value: "share" }),
    () => scatter({ rows: many, x: "k", y: "share" }),
    () => hinton({ values: Array.from({ length: 51 }, () => new Array<number>(50).fill(1)) }),
  ]) {
    assert.throws(build, { name: "MiiiiError", code: "input" });
  }
});

test("nulls are grey whosever they are, and the highest of those with the same words says them", async () => {
  const rows = ["a", "b"].map((run) => ({ run, k: 1, share: 0.5 }));
  const nulls = ["a", "b"].map((run, i) => ({ run, high: 0.1 + 0.3 * i, label: "null 99 %" }));
  const svg = await renderSvg(alone(barsWithNull({ rows, x: "k", y: "share", series: "run", runs: ["a", "b"], nulls })));
  const rules = [...svg.matchAll(/<line [^>]*stroke="(#[0-9a-f]{6})"[^>]*stroke-dasharray/g)].map(([, color]) => color);
  assert.deepEqual(rules, [NULL_COLOR, NULL_COLOR]);
  assert.equal((svg.match(/null 99 %/g) ?? []).length, 1);
});

test("bars of several runs that find no room beside each other have a row each, on one scale", () => {
  const runs = ["a", "b", "c"];
  const rows = runs.flatMap((run, r) => Array.from({ length: 60 }, (_, k) => ({ run, k, share: r / (k + 1) })));
  const panel = barsWithNull({ rows, x: "k", y: "share", series: "run", runs, title: "t" });
  const leaves = leavesOf(panel);
  assert.equal(leaves.length, 3);
  const domains = leaves
    .flatMap((leaf) => layersOf(leaf as Panel))
    .map((layer) => JSON.stringify(layer).match(/"domain":\[0,2\]/));
  assert.ok(domains.every((found) => found !== null));
});

test("panels beside each other say whether their scales are shared, and share them", async () => {
  const panel = (top: number) =>
    scatter({
      rows: [
        { x: 0, y: 0 },
        { x: 1, y: top },
      ],
      x: "x",
      y: "y",
      width: 100,
      height: 100,
    });
  const heights = async (scales: "shared" | "own") => {
    const svg = await renderSvg(alone(concatPanels([panel(1), panel(10)], { scales, title: "t" })));
    const ys = [...svg.matchAll(/<path [^>]*transform="translate\([\d.]+,([\d.]+)\)"[^>]*fill="#0072b2"/g)].map(([, y]) =>
      Number(y),
    );
    return { svg, ys };
  };
  const own = await heights("own");
  assert.match(own.svg, /each panel on its own scale/);
  assertAllClose(own.ys, [100, 0, 100, 0]);
  const shared = await heights("shared");
  assert.match(shared.svg, /shared scales/);
  assert.match(
    await renderSvg(figure(concatPanels([panel(1)], { scales: "own" }), { title: "t", description: "d" })),
    /its own scale/,
  );
  assertAllClose(shared.ys, [100, 90, 100, 0]);
});

test("a brush on the grid moves the Hinton detail, which shows the grid's own values", async () => {
  const p = 53;
  const value = (x0: number, x1: number) => Math.cos((2 * Math.PI * (3 * x0 + 5 * x1)) / p);
  const grid = (scale: number) => ({
    data: Float64Array.from({ length: p * p }, (_, i) => scale * value(Math.floor(i / p), i % p)),
    columns: p,
  });
  const panel = gridWithDetail({
    brush: "at",
    picker: "neuron",
    values: [
      { name: "one", values: grid(1) },
      { name: "two", values: grid(-1) },
    ],
    coloring: "signed",
  });
  const spec = alone(panel, [picker("neuron", ["one", "two"])]);
  const check = (running: Running, sign: number, row0: number, column0: number) => {
    const rows = rowsWith(running, ["row", "column", "v"]);
    assert.equal(rows.length, 37 * 37);
    const least = (field: "row" | "column") => Math.min(...rows.map((row) => row[field] ?? -1));
    assert.deepEqual([least("row"), least("column")], [row0, column0]);
    for (const { row, column, v } of rows) {
      assertAllClose([v ?? Number.NaN], [sign * value(row ?? 0, column ?? 0)], { rtol: 0, atol: 1.001 / 89 });
    }
  };
  const running = await viewOf(spec);
  check(running, 1, 0, 0);
  await running.view.signal("neuron", "two").runAsync();
  check(running, -1, 0, 0);
  // Brushed beyond the lower right corner and from below to above: kept inside the grid.
  const text = JSON.stringify(spec);
  const moved = text.replace('"value":{"x":[-0.5,36.5],"y":[-0.5,36.5]}', '"value":{"x":[30.2,60],"y":[50,9.5]}');
  assert.notEqual(moved, text);
  check(await viewOf(JSON.parse(moved)), 1, 10, 16);
  assert.throws(() => gridWithDetail({ brush: "a b", values: grid(1) }), /plain name/);
});

test("a picker of one name is no control", () => {
  assert.deepEqual(picker("neuron", ["one"]), { name: "neuron", value: "one" });
  assert.ok("bind" in picker("neuron", ["one", "two"]));
});

test("drawing is deterministic, whatever was drawn before, and asks for nothing", async () => {
  const spec = alone(
    heatmap({
      rows: [
        { x: 1, y: 1, v: 1 },
        { x: 2, y: 1, v: 2 },
      ],
      x: "x",
      y: "y",
      value: "v",
    }),
  );
  const other = alone(hinton({ values: [[1]] }));
  const first = await renderSvg(spec);
  await renderSvg(other);
  assert.equal(await renderSvg(spec), first);
  const [a, b] = await Promise.all([renderSvg(spec), renderSvg(spec)]);
  assert.equal(a.replace(/gradient_\d+/g, ""), b.replace(/gradient_\d+/g, ""));
  await assert.rejects(
    renderSvg({
      ...spec,
      data: { url: "file:///etc/hostname" },
      layer: undefined,
      mark: "point",
      encoding: { x: { field: "x" } },
    } as unknown as TopLevelSpec),
    {
      name: "MiiiiError",
      code: "input",
    },
  );
  await assert.rejects(renderSvg({ mark: "nothing" } as unknown as TopLevelSpec), { name: "MiiiiError", code: "input" });
  const png = Buffer.from(svgToPng(first, 1));
  const [, width] = / width="(\d+)"/.exec(first) ?? [];
  assert.equal(png.readUInt32BE(16), Number(width));
});

test("titles are broken into lines, words stay whole", () => {
  const text = "nanda: r = 0.95 (null ±0.17); miiii: r = −0.64 (null ±0.12)";
  const lines = wrapText(text, 180);
  assert.ok(Array.isArray(lines) && lines.every((line) => line.length <= 33));
  // A number and what belongs to it are one word.
  assert.equal(
    Array.isArray(lines) ? lines.join(" ") : lines,
    text.replaceAll(" = ", "\u00a0=\u00a0").replaceAll("null ±", "null\u00a0±"),
  );
  assert.equal(wrapText("short", 180), "short");
});

test("the builders load neither Vega nor Vega-Lite", () => {
  const folder = join(import.meta.dirname, "../src/figures");
  for (const file of readdirSync(folder).filter((name) => name !== "render.ts")) {
    for (const line of readFileSync(join(folder, file), "utf8").split("\n")) {
      if (/from "(vega|@resvg)/.test(line)) assert.match(line, /^import type /, `${file}: ${line}`);
      assert.doesNotMatch(line, /from "\.\/render\.ts"/, file);
    }
  }
});

test("panels of different kinds keep their own places for bars: each kind's bars fill their band", async () => {
  const bars = (runs: readonly string[]) => {
    const rows = [1, 2].flatMap((k) => runs.map((run) => ({ run, k, share: 0.5 })));
    return barsWithNull({ rows, x: "k", y: "share", series: "run", runs, width: 200 });
  };
  const svg = await renderSvg(alone(ownColors([bars(["m", "z"]), ownColors([bars(["a", "n", "x"])])])));
  const widths = [...svg.matchAll(/<path d="M[\d.]+,[\d.]+h([\d.]+)v/g)].map(([, width]) => Number(width));
  assert.equal(widths.length, 10);
  assertAllClose(
    widths,
    widths.map((_, i) => (i < 4 ? at(widths, 0) : at(widths, 4))),
  );
  assertAllClose([2 * at(widths, 0)], [3 * at(widths, 4)]);
});
