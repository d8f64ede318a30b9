import assert from "node:assert/strict";
import { test } from "node:test";
import { figure, linesWithBand, luminance, NULL_COLOR, RUN_COLORS, runStyles, styleRuns } from "../src/figures/index.ts";

const contrast = (a: number, b: number) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);

const run = (label: string, task: string, p: number, more: object = {}) => ({ label, config: { task, p, ...more } });
const RUNS = [
  run("nanda", "nanda", 113),
  run("nanda-shuffled", "nanda", 113, { shuffle_labels: true }),
  run("miiii-p53", "miiii", 53),
  run("miiii-fast", "miiii", 113),
  run("miiii-p53-1", "miiii", 53, { seed: 1 }),
  run("basis-fast", "basis", 113),
  run("masked-fast", "masked", 113),
  run("no-dropout", "miiii", 113, { dropout: 0 }),
  run("no-grokfast", "miiii", 113, { grokfast_lambda: 0 }),
  run("mine", "other", 23),
];

test("every run, series and null has a contrast of 3 on a white page and on a dark one, and no two runs look alike", () => {
  const styles = runStyles(RUNS);
  const colors = [...styles.values()].map(({ color }) => color);
  for (const color of [...colors, ...RUN_COLORS, NULL_COLOR])
    for (const page of ["#ffffff", "#14181c"]) assert.ok(contrast(luminance(color), luminance(page)) >= 3, `${color} on ${page}`);
  assert.equal(new Set(colors).size, RUNS.length);
  assert.ok(!colors.includes(NULL_COLOR));
});

test("a recipe has one color, the largest p its own, others a shade and a dash of it, whatever the order", () => {
  const styles = runStyles(RUNS);
  assert.deepEqual(styles.get("miiii-fast")?.dash, []);
  assert.ok((styles.get("miiii-p53")?.dash.length ?? 0) > 0);
  assert.notDeepEqual(styles.get("miiii-p53")?.dash, styles.get("miiii-p53-1")?.dash);
  const again = runStyles([...RUNS].reverse());
  for (const label of ["nanda", "miiii-fast", "basis-fast"]) assert.equal(again.get(label)?.color, styles.get(label)?.color);
});

test("lines take their run's color and dash", () => {
  const runs = ["miiii-fast", "miiii-p53"];
  const rows = runs.flatMap((label) => [0, 1].map((x) => ({ run: label, x, y: x })));
  const spec = figure(linesWithBand({ rows, x: "x", y: "y", series: "run", runs }), { description: "d" });
  const styles = runStyles(RUNS);
  const text = JSON.stringify(styleRuns(spec, styles));
  assert.ok(text.includes(JSON.stringify(runs.map((label) => styles.get(label)?.color))));
  assert.ok(text.includes(`"range":[[1,0],${JSON.stringify(styles.get("miiii-p53")?.dash)}]`), text);
});
