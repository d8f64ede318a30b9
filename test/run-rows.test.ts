import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  appendJsonLine,
  createRunDirectory,
  readHistory,
  readJsonLines,
  readMetrics,
  readOmega,
  runFiles,
  truncateJsonLines,
} from "../src/checkpoint/index.ts";
import type { MetricsRow } from "../src/model/index.ts";
import { fails } from "./helpers/fails.ts";
import { header, inFolder } from "./helpers/run-folder.ts";

const scores = { loss: [0.5], accuracy: [0.25] };
const tick = (epoch: number): MetricsRow => ({
  epoch,
  train: scores,
  validation: scores,
  objective: 0.5,
  weight_norms: { "embed.W_E": epoch / 3 },
});

test("rows are appended, read, cut for resuming; a half-written last line is dropped and said so", () =>
  inFolder((folder) => {
    const run = createRunDirectory(folder, header);
    const path = runFiles.metrics(run);
    assert.deepEqual(readMetrics(run), { rows: [], warnings: [] });
    assert.deepEqual(readOmega(run), { rows: [], warnings: [] });
    for (const epoch of [0, 1, 2, 4]) appendJsonLine(path, tick(epoch));
    assert.deepEqual(readMetrics(run).rows.at(-1), tick(4));

    writeFileSync(path, '{"epoch":5,"lo', { flag: "a" });
    const half = readMetrics(run);
    assert.equal(half.rows.length, 4);
    assert.deepEqual(half.warnings, [`${path}: the last line is half-written and left out`]);
    appendJsonLine(path, tick(6));
    assert.deepEqual(
      readJsonLines(path).rows.map(({ epoch }) => epoch),
      [0, 1, 2, 4, 6],
    );

    writeFileSync(path, "\0\0\0\n", { flag: "a" });
    assert.equal(readMetrics(run).warnings.length, 1);
    assert.equal(truncateJsonLines(path, 2), 2);
    assert.deepEqual(readJsonLines(path), { rows: [0, 1, 2].map(tick), warnings: [] });
    assert.equal(truncateJsonLines(join(folder, "none"), 2), 0);
  }));

test("two processes' rows in one file are read up to where they cross, and said so; resuming cuts the rest away", () =>
  inFolder((folder) => {
    const path = join(folder, "m.jsonl");
    for (const epoch of [1, 2, 3, 2, 3, 4]) writeFileSync(path, `{"epoch":${epoch}}\n`, { flag: "a" });
    const { rows, warnings } = readJsonLines(path);
    assert.deepEqual(
      rows.map(({ epoch }) => epoch),
      [1, 2, 3],
    );
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /line 4: epochs must ascend, got 2 after 3 .*; this and the 2 lines after it are left out/);
    // A row that comes twice crosses as well.
    writeFileSync(join(folder, "twice.jsonl"), '{"epoch":1}\n{"epoch":1}\n');
    assert.deepEqual(readJsonLines(join(folder, "twice.jsonl")).rows, [{ epoch: 1 }]);
    truncateJsonLines(path, 9);
    assert.equal(readFileSync(path, "utf8"), '{"epoch":1}\n{"epoch":2}\n{"epoch":3}\n');
    const options = { unordered: true } as const;
    for (const epoch of [3, 1]) appendJsonLine(path, { epoch });
    assert.equal(readJsonLines(path, options).rows.length, 5);
  }));

test("rows that are wrong elsewhere are errors by line", () =>
  inFolder((folder) => {
    const path = join(folder, "m.jsonl");
    const broken = (text: string, pattern: RegExp) => {
      writeFileSync(path, text);
      fails(() => readJsonLines(path), "input", pattern);
    };
    broken('{"epoch":0}\nx\n{"epoch":2}\n', /line 2: must be valid JSON/);
    broken('{"epoch":0}\nx\n{"epo', /line 2: must be valid JSON/);
    broken('{"epoch":-1}\n{"epoch":2}\n', /line 1: must be an object with an epoch from 0 to 1000000000, got -1/);
    broken('{"epoch":9007199254740991}\n', /line 1: .* got 9007199254740991/);
    broken("[]\n", /line 1: must be an object with an epoch, got \[\]/);
    fails(
      () => appendJsonLine(path, { epoch: 1, loss: Number.NaN } as { epoch: number }),
      "numeric",
      /epoch 1.loss: must be finite, got NaN/,
    );
    fails(() => appendJsonLine(folder, { epoch: 1 }), "io", /cannot be written: EISDIR/);
  }));

test("rows of metrics, frequencies and history are checked field by field", () =>
  inFolder((folder) => {
    const write = (name: string, value: object) => writeFileSync(join(folder, name), `${JSON.stringify(value)}\n`);
    const metrics = (change: object, pattern: RegExp) => {
      write("metrics.jsonl", { ...tick(3), ...change });
      fails(() => readMetrics({ path: folder }), "input", pattern);
    };
    metrics({ train: undefined }, /metrics.jsonl: line 1: train must hold loss and accuracy, got nothing/);
    metrics({ validation: { ...scores, accuracy: [1, 1] } }, /line 1: validation.accuracy: must hold 1 numbers, got 2/);
    metrics({ validation: { ...scores, loss: ["1"] } }, /line 1: validation.loss\[0\]: must be a number, got "1"/);
    metrics({ objective: null }, /line 1: objective: must be a number, got null/);
    metrics({ weight_norms: [1] }, /line 1: weight_norms: must map tensors to numbers, got \[1\]/);
    metrics({ gradient_norms: { "embed.W_E": "x" } }, /line 1: gradient_norms.embed.W_E: must be a number, got "x"/);

    const bins = [0, 1];
    const statistics = { epoch: 1, sound_mean: 1, nominal_mean: 2, sound_by_omega0: bins, sound_by_omega1: bins };
    const whole = { ...statistics, nominal_by_omega0: bins, nominal_by_omega1: bins, paper_bins: [bins] };
    write("omega.jsonl", whole);
    assert.deepEqual(readOmega({ path: folder }).rows, [whole]);
    const omega = (change: object, pattern: RegExp) => {
      write("omega.jsonl", { ...whole, ...change });
      fails(() => readOmega({ path: folder }), "input", pattern);
    };
    omega({ sound_by_omega1: [1] }, /omega.jsonl: line 1: sound_by_omega1: must hold 2 numbers, got 1/);
    omega({ paper_bins: [bins, bins, bins, bins] }, /line 1: paper_bins must be at most three lists/);
    omega({ paper_bins: [[1]] }, /line 1: paper_bins\[0\]: must hold 2 numbers, got 1/);

    const stretch = { epoch: 5, from_epoch: 0, wall_seconds: 1, runtime: "onnx", device: "d", versions: {}, interrupted: false };
    write("history.jsonl", { ...stretch, device: 3 });
    fails(() => readHistory({ path: folder }), "input", /history.jsonl: line 1: device must be a string, got 3/);
  }));
