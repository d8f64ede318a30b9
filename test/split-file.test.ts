import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadModel } from "../src/api/models.ts";
import { parseReferences } from "../src/api/references.ts";
import { readSplit, splitText } from "../src/api/split-file.ts";
import { type StoredConfig, writeModel } from "../src/checkpoint/index.ts";
import { at } from "../src/core/index.ts";
import { construct } from "../src/model/index.ts";
import { makeDataset, makeSplit } from "../src/tasks/index.ts";
import { runCommands } from "./helpers/cli.ts";

const folder = mkdtempSync(join(tmpdir(), "miiii-split-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const written = construct({ task: "miiii", p: 11 });

/** A model file that knows its split, and labels' seed, as runs do; by `bare` one that does not. */
function file(name: string, more: Partial<StoredConfig>): string {
  const path = join(folder, `${name}.safetensors`);
  writeModel(path, { config: { ...written.config, ...more }, parameters: written.parameters }, { miiii: "x" });
  return path;
}
const load = (path: string, split?: ReturnType<typeof readSplit>) => {
  const [reference] = parseReferences([path]);
  assert.ok(reference);
  return loadModel(reference, split === undefined ? {} : { split });
};

test("a split is written by export, and read by --split as the same three sets of another model", async () => {
  const path = file("run", { seed: 4, train_fraction: 0.4 });
  const out = join(folder, "run.split.json");
  const [exported] = runCommands([["export", path, out]]);
  assert.deepEqual([exported?.code, exported?.stdout.trim()], [0, out]);
  const split = makeSplit(11, 0.4, 4);
  const given = readSplit(out);
  assert.deepEqual(given, { train: split.train, validation: split.validation, test: split.test });
  assert.deepEqual((await load(file("bare", {}), given)).split, split);
  // Labels that follow from the task are not written.
  assert.deepEqual(Object.keys(JSON.parse(readFileSync(out, "utf8")) as object), ["p", "task", "train", "validation", "test"]);
});

test("shuffled labels are written, sample by sample in grid order", async () => {
  for (const more of [{ shuffle_labels: true }, { task: "basis" }] as const) {
    const model = await load(file("shuffled", { ...more, seed: 9, train_fraction: 0.5 }));
    const text = JSON.parse(splitText(model)) as { tasks: number[]; targets: number[][]; train: number[] };
    assert.deepEqual([text.tasks, text.targets.length, text.train.length], [[2, 3, 5, 7], 121, 60]);
    const { targets } = makeDataset(model.checkpoint.config, 9);
    assert.deepEqual(text.targets.flat(), [...targets.data]);
    const straight = makeDataset(written.config, 9).targets.data;
    assert.ok(text.targets.flat().some((target, i) => target !== at(straight, i)));
  }
});

test("a list alone, or training samples alone, leave the rest to test", async () => {
  for (const value of [[5, 3], { train: [3, 5] }]) {
    const path = join(folder, "list.json");
    writeFileSync(path, JSON.stringify(value));
    const { split } = await load(file("bare", {}), readSplit(path));
    assert.deepEqual([split?.train, split?.validation.length, split?.test.length], [Int32Array.from([3, 5]), 0, 119]);
  }
});

test("what a split file may not say is named", async () => {
  const says = (value: unknown) => {
    const path = join(folder, "bad.split.json");
    writeFileSync(path, JSON.stringify(value));
    return () => readSplit(path);
  };
  assert.throws(says({ test: [1] }), /must hold the training samples/);
  assert.throws(says({ train: [] }), /must hold the training samples/);
  assert.throws(says({ train: [1], validation: "x" }), /must hold the training samples/);
  assert.throws(says({ train: [1], validation: [2, -1] }), /validation\[1\] must be an index of a sample/);
  assert.throws(says({ train: [1, 1] }), /train must name each sample once/);
  assert.throws(says({ train: [1, 2], test: [2] }), /in one of train, validation and test alone/);
  await assert.rejects(
    load(file("bare", {}), says({ train: [1], test: [121] })()),
    /must be some of 0\.\.120 at p = 11, got 121/,
  );
  const bare = await load(file("bare", {}));
  assert.throws(() => splitText(bare), /its training samples are not known, so there is no split to write/);
});
