import assert from "node:assert/strict";
import { test } from "node:test";
import type { EmergenceResult } from "../src/analyses/emergence/compute.ts";
import { checkpointAt, heroSvg } from "../src/report/hero.ts";
import { laggards } from "../src/report/hero-figure.ts";
import { madeRun } from "./helpers/report.ts";

test("the first figure shows the last checkpoint by an epoch; a twin stopped a little later shows its last one at the run's end", () => {
  const kept = { epochs: [0, 1024, 8000, 12_214] } as unknown as EmergenceResult;
  assert.deepEqual(
    [0, 1000, 1024, 7900, 8000, 12_000, 12_184, 20_000].map((epoch) => kept.epochs[checkpointAt(kept, epoch)]),
    [0, 0, 1024, 1024, 8000, 8000, 12_214, 12_214],
  );
});

/** A run of tasks with their accuracies, and as many frequencies of each as there are clusters. */
function ofTasks(tasks: readonly (readonly [q: number, accuracy: number, frequencies: number])[]) {
  const curves = { q: tasks.map(([q]) => q), final: { validation_accuracy: tasks.map(([, accuracy]) => accuracy) } };
  const clusters = tasks.flatMap(([m, , frequencies]) => Array.from({ length: frequencies }, (_, k) => ({ m, k })));
  const result = (value: object) => ({ result: value as never, metrics: {} });
  return madeRun("a", { results: { curves: result(curves), neurons: result({ clusters }) } });
}

test("a task far below the others is named, with the frequencies that it lacks where it lacks some", () => {
  const good = [
    [19, 1, 2],
    [23, 0.99, 2],
    [29, 1, 3],
  ] as const;
  const after = [
    [37, 0.98, 3],
    [41, 1, 3],
    [43, 0.99, 4],
  ] as const;
  assert.equal(laggards(ofTasks([...good, ...after])), "");
  assert.equal(
    laggards(ofTasks([...good, [31, 0.695, 1], ...after])),
    " Left behind: q = 31 (70 %, with 1 frequency where the primes beside it have 3).",
  );
  assert.equal(laggards(ofTasks([...good, [31, 0.695, 3], ...after])), " Left behind: q = 31 (70 %).");
  const half = good.map(([q, , k]) => [q, 0.2, k] as const);
  assert.equal(laggards(ofTasks([...half, ...half, ...after, ...after, ...after])), "", "many need no list");
});

test("every row of the first figure is named, its letters are 9 px or more, and what a color means stands beside it", () => {
  const labels = [2, 3, 5, 7, 11];
  const emergence = {
    rows: "q",
    labels,
    tasks: labels,
    neurons: 4,
    epochs: [0],
    order: [0, 1, 2, 3],
    R2: [],
    above_half: [3],
    null: { R2: [0.1] },
    accuracy: [labels.map(() => 1)],
    chance: labels.map((q) => 1 / q),
  } as unknown as EmergenceResult;
  for (const width of [1240, 842, 360]) {
    const svg = heroSvg([{ label: "a", said: "", emergence, curves: undefined }], 0, width);
    for (const label of labels) assert.match(svg, new RegExp(`<text [^>]*text-anchor="end" font-size="9">${label}</text>`));
    for (const [, size] of svg.matchAll(/font-size="([\d.]+)"/g)) assert.ok(Number(size) >= 9, size);
    assert.match(svg, />prime q</);
    if (width > 600)
      assert.match(svg, />a: 3 of 4 neurons follow one prime \(weights of epoch 0\)<[\s\S]*>explained: half or less</);
  }
});
