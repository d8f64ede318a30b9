import assert from "node:assert/strict";
import { test } from "node:test";
import {
  barsWithNull,
  concatPanels,
  FOCUS,
  figure,
  flowFigure,
  focusPanels,
  gridImage,
  legendColumns,
  linesWithBand,
  matrixImage,
  NULL_COLOR,
  type Panel,
  runStyles,
  unbroken,
} from "../src/figures/index.ts";
import { layersOf, leavesOf } from "../src/figures/walk.ts";

const LABELS = ["one", "two"];
const STYLES = runStyles(LABELS.map((label, seed) => ({ label, config: { task: "nanda", p: 11, seed } })));
const grid = { data: Float64Array.from({ length: 121 }, (_, i) => i), columns: 11 };
const lines = (options: Partial<Parameters<typeof linesWithBand>[0]> = {}) =>
  linesWithBand({
    rows: LABELS.flatMap((run) => [0, 1].map((x) => ({ run, x, y: x }))),
    x: "x",
    y: "y",
    series: "run",
    runs: LABELS,
    ...options,
  });

/** The runs for which each panel steps back while another is in focus; nothing for a panel that does not. */
function runsOfPanels(panel: Panel): (string | undefined)[] {
  const spec = focusPanels(figure(panel, { description: "d" }), STYLES);
  const found: (string | undefined)[] = [];
  const walk = (part: unknown): void => {
    if (typeof part !== "object" || part === null) return;
    if (Array.isArray(part)) part.forEach(walk);
    else if ("layer" in part) found.push(new RegExp(`${FOCUS} !== \\\\"(\\w+)\\\\"`).exec(JSON.stringify(part))?.[1]);
    else
      for (const key of ["concat", "hconcat", "vconcat"] as const) if (key in part) walk((part as Record<string, unknown>)[key]);
  };
  walk(spec);
  return found;
}

test("a panel of one run steps back while another is in focus: by its own title, its row's, or the panel before it", () => {
  const image = (title: string) => gridImage({ title, values: grid });
  const panels = [
    concatPanels([image("one: activation"), image("its spectrum")], { scales: "mixed" }),
    concatPanels([image("head 0"), image("head 1")], { scales: "mixed", title: "two" }),
    lines(),
    image("of no run"),
  ];
  assert.deepEqual(runsOfPanels(concatPanels(panels, { scales: "mixed", columns: 1 })), [
    "one",
    "one",
    "two",
    "two",
    undefined,
    undefined,
  ]);
});

test("a panel that shows runs by color is left to its colors", () => {
  assert.deepEqual(runsOfPanels(concatPanels([lines(), lines()], { scales: "mixed" })), [undefined, undefined]);
});

test("no figure is drawn wider than its page, whatever stands beside a panel: names of rows, of nulls, and legends", () => {
  const rows = matrixImage({
    values: [
      [1, 2, 3],
      [4, 5, 6],
    ],
    y: { labels: ["a matrix of a long name", "another"] },
    valueTitle: "a legend of a long title",
    width: 280,
    height: 120,
  });
  const noted = lines({ nulls: [{ high: 0.5, label: "one frequency a digit" }], width: 250 });
  // At 5.5 pixels a character: Vega in Node measures no text.
  const needs = [
    5.5 * ("a matrix of a long name".length + "a legend of a long title".length),
    5.5 * "one frequency a digit".length,
  ];
  for (const [i, panel] of [rows, noted].entries()) {
    const spec = figure(concatPanels([panel, panel, panel], { scales: "mixed" }), { description: "d" });
    for (const page of [1240, 900]) {
      const laid = flowFigure(spec, page) as { concat?: { width: number }[]; vconcat?: { width: number }[]; columns?: number };
      const panels = laid.concat?.slice(0, laid.columns) ?? laid.vconcat?.slice(0, 1) ?? assert.fail("no panels");
      const row = panels.reduce((sum, { width }) => sum + width + (needs[i] ?? 0), 0);
      assert.ok(row <= page, `${row} on ${page}`);
    }
  }
});

test("grids alone in their rows grow into the room that is left, and shrink two to a row on a narrow page", () => {
  const images = [0, 1, 2, 3].map((head) =>
    gridImage({ title: `head ${head}`, values: grid, width: 130, height: 130, legend: false }),
  );
  const at = (page: number) => {
    const spec = flowFigure(figure(concatPanels(images, { scales: "mixed" }), { description: "d" }), page);
    return spec as { columns?: number; concat?: { width: number; height: number }[] };
  };
  const wide = at(1240);
  assert.equal(wide.columns, 4);
  assert.ok(
    wide.concat?.every(({ width, height }) => width > 160 && width === height),
    JSON.stringify(wide.concat?.map(({ width }) => width)),
  );
  const narrow = at(350);
  assert.equal(narrow.columns, 2);
  assert.ok(narrow.concat?.every(({ width, height }) => width >= 90 && width < 130 && width === height));
});

test("a row of four that does not fit breaks into two and two, one of three into two and one", () => {
  const columnsOf = (count: number, width: number) => {
    const row = concatPanels(
      Array.from({ length: count }, () => gridImage({ values: grid, width: 220, height: 220 })),
      { scales: "mixed" },
    );
    const laidOut = flowFigure(figure(row, { description: "d" }), width);
    return "columns" in laidOut ? laidOut.columns : 1;
  };
  assert.equal(columnsOf(4, 2000), 4);
  assert.equal(columnsOf(4, 800), 2);
  assert.equal(columnsOf(3, 660), 2);
  assert.equal(columnsOf(4, 300), 1);
});

test("a narrower panel breaks its title anew, and its legend has fewer columns", () => {
  const title = "a title that is too long for one line of a narrow panel";
  const panel = lines({ title, width: 480 });
  const wide = JSON.stringify(flowFigure(figure(panel, { description: "d" }), 600));
  assert.ok(wide.includes(JSON.stringify(title)));
  const narrow = JSON.stringify(flowFigure(figure(panel, { description: "d" }), 260));
  assert.ok(!narrow.includes(JSON.stringify(title)) && narrow.includes('"a title that is'), narrow);
  assert.equal(legendColumns(["a long name of a run", "another long name"], 400), 2);
  assert.equal(legendColumns(["a long name of a run", "another long name"], 200), 1);
});

test("nulls are grey: a bar's own as a stroke across it, lines among measures told apart by dashes", () => {
  const bars = barsWithNull({
    rows: [
      { run: "one", k: 1, share: 0.5, random: 0.2 },
      { run: "one", k: 2, share: 0.1, random: null },
    ],
    x: "k",
    y: "share",
    series: "run",
    runs: ["one"],
    ownNull: "random",
  });
  const strokes = "layer" in bars ? bars.layer.at(-1) : undefined;
  assert.deepEqual(strokes !== undefined && "mark" in strokes && strokes.mark, {
    type: "tick",
    color: NULL_COLOR,
    thickness: 2,
    tooltip: null,
  });
  const text = JSON.stringify(lines({ greys: ["two"] }));
  assert.match(text, new RegExp(`"range":\\["#[0-9a-f]{6}","${NULL_COLOR}"\\]`));
  assert.match(
    text,
    /"strokeDash":\{"field":"run","type":"nominal","scale":\{"domain":\["one","two"\],"range":\[\[1,0\],\[5,3\]\]/,
  );
});

test("measures of a run are in its color, told apart by dashes or rows; their nulls are grey", () => {
  const measures = ["one", "two", "three"];
  const rows = measures.flatMap((run, i) => [1, 2].map((k) => ({ run, k, share: i / 4, loss: i + k })));
  const runs = { of: "nanda", series: "measure", runs: measures, greys: ["three"] };
  const told = rows.map(({ run, ...row }) => ({ ...row, measure: run }));
  const lined = layersOf(linesWithBand({ rows: told, x: "k", y: "loss", ...runs }));
  const encodings = lined.map((layer) => ("encoding" in layer ? layer.encoding : undefined));
  assert.deepEqual(
    encodings.map((encoding) => JSON.stringify(encoding?.color).slice(0, 40)),
    [`{"value":"${NULL_COLOR}"}`, '{"field":"run","type":"nominal","scale":'],
  );
  const dashes = encodings.map((encoding) => /"scale":(\{.*?\})/.exec(JSON.stringify(encoding?.strokeDash))?.[1]);
  assert.deepEqual(dashes, ['{"domain":["three"],"range":[[5,3]]}', '{"domain":["one","two"],"range":[[1,0],[7,3]]}']);
  const barred = leavesOf(barsWithNull({ rows: told, x: "k", y: "share", title: "t", subtitle: "s", ...runs }));
  assert.equal(barred.length, measures.length, "a row each, however few");
  const colors = barred.map((panel) => JSON.stringify(panel).match(/"color":(\{"value":"[^"]*"|\{"field":"[^"]*")/)?.[1]);
  assert.deepEqual(colors, ['{"field":"run"', '{"field":"run"', `{"value":"${NULL_COLOR}"`]);
  assert.equal(JSON.stringify(barred).match(/"subtitle"/g)?.length, 1, "a subtitle is said once");
  const many = Array.from({ length: 6 }, (_, i) => `m${i}`);
  const each = many.map((measure) => ({ measure, k: 1, loss: 1 }));
  assert.throws(
    () => linesWithBand({ rows: each, x: "k", y: "loss", series: "measure", runs: many, of: "a" }),
    /at most 5 measures and 2 nulls of a run are told apart, got 6 and 0/,
  );
});

test("no line ends between a number and what belongs to it; other spaces stay", () => {
  const cases = {
    "right on 97 % of inputs": "right on 97_% of inputs",
    "q = 31 (70 %), R² = 0.9, r = -0.66 (null ± 0.12)": "q_=_31 (70_%), R²_=_0.9, r_=_-0.66 (null_±_0.12)",
    "r = −0.79 (null ±0.17; null 0.13)": "r_=_−0.79 (null_±0.17; null_0.13)",
    "φ = 2 and ψ = φ0 + φ1; accuracy = 1": "φ_=_2 and ψ = φ0 + φ1; accuracy = 1",
    "": "",
  };
  for (const [text, expected] of Object.entries(cases)) {
    const kept = unbroken(text);
    assert.equal(kept.replaceAll("\u00a0", "_"), expected);
    assert.equal(unbroken(kept), kept);
  }
});
