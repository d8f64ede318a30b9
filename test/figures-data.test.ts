import assert from "node:assert/strict";
import { test } from "node:test";
import { ANALYSES } from "../src/analyses/index.ts";
import type { Labelled } from "../src/analyses/kit/define.ts";
import { readShipped } from "../src/api/shipped-results.ts";
import type { Json } from "../src/core/index.ts";
import { gridOf } from "../src/figures/grid.ts";
import { csvOf, matrixImage, type Panel, tableOf } from "../src/figures/index.ts";
import { panelLetter } from "../src/figures/letters.ts";
import { layersOf, leavesOf } from "../src/figures/walk.ts";
import { backgroundFigures } from "../src/report/background.ts";
import { presetConfig } from "../src/train/presets.ts";

const RUNS = { nanda: "nanda", "miiii-fast": "miiii-fast" } as const;

function entriesOf(id: string): Labelled<Json>[] {
  return Object.entries(RUNS).flatMap(([label, preset]) => {
    const result = readShipped(`${label}/${id}`);
    return result === undefined ? [] : [{ label, result, config: presetConfig(preset) }];
  });
}

test("every panel of every figure has its data in the table, the heat maps every cell, and what a cell is of is said", () => {
  for (const analysis of ANALYSES) {
    const entries = entriesOf(analysis.id);
    if (entries.length === 0) continue;
    const spec = analysis.figure(entries);
    const { columns, rows } = tableOf(spec, Object.keys(RUNS));
    const leaves = leavesOf(spec);
    const counts = new Map<unknown, number>();
    for (const { panel } of rows) counts.set(panel, (counts.get(panel) ?? 0) + 1);
    for (const [i, leaf] of leaves.entries()) {
      const letter = leaves.length > 1 ? panelLetter(i) : undefined;
      const layers = layersOf(leaf as Panel);
      const grids = layers.flatMap(({ data }) => gridOf(data) ?? []);
      const cells = grids.flatMap(({ matrices }) => matrices).reduce((sum, { matrix }) => sum + matrix.data.length, 0);
      // The brushed cells are a part of the grid beside them.
      const brushed = JSON.stringify(leaf.title ?? "").includes("brushed cells");
      assert.ok(
        brushed || (counts.get(letter) ?? 0) >= Math.max(1, cells),
        `${analysis.id} ${letter}: ${counts.get(letter)} rows`,
      );
    }
    if (entries.length > 1) assert.ok(columns.includes("run"), `${analysis.id}: whose a row is`);
    for (const vague of ["row", "column", "name"]) assert.ok(!columns.includes(vague), `${analysis.id}: what ${vague} is`);
  }
});

test("figures that show no run have their data: every number of the polar figure with its place", () => {
  for (const { id, spec } of backgroundFigures()) assert.ok(tableOf(spec).rows.length > 100, id);
  const [polar] = backgroundFigures(11);
  const { rows } = tableOf(polar?.spec ?? assert.fail("no polar figure"));
  assert.equal(rows.filter(({ panel }) => panel === "a").length, 120, "1 to 120");
  assert.deepEqual(
    rows.filter(({ panel }) => panel === "b").map(({ n }) => n),
    [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113],
  );
  for (const { n, x, y } of rows) {
    assert.ok(Math.abs(Math.hypot(Number(x), Number(y)) - Number(n)) < 1e-9, "radius n");
    assert.ok(
      Math.abs(Math.atan2(Number(y), Number(x)) - Math.atan2(Math.sin(Number(n)), Math.cos(Number(n)))) < 1e-9,
      "angle n",
    );
  }
});

test("of several matrices the table has all, or those that are drawn; ids stand for places", () => {
  const values = [0, 1].map((epoch) => ({ name: String(10 * epoch), values: [[epoch, 2]] }));
  const x = { title: "neuron", field: "neuron", ids: [7, 3] };
  const spec = matrixImage({ values, picker: "at", pickField: "epoch", also: { run: "a" }, x, y: { labels: [5], field: "q" } });
  const all = csvOf(tableOf(spec as never));
  assert.equal(all, "run,epoch,q,neuron,value\na,0,5,7,0\na,0,5,3,2\na,10,5,7,1\na,10,5,3,2\n");
  const grid = layersOf(spec).flatMap(({ data }) => gridOf(data) ?? [])[0] ?? assert.fail("no grid");
  const drawn = csvOf(tableOf(spec as never, [], new Map([[grid, new Set(["10"])]])));
  assert.equal(drawn, "run,epoch,q,neuron,value\na,10,5,7,1\na,10,5,3,2\n");
  assert.throws(() => matrixImage({ values: [[1, 2]], x: { labels: ["k=1", "k=1"] } }), /must differ/);
});
