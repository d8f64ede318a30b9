import assert from "node:assert/strict";
import { test } from "node:test";
import type { Preset } from "../../src/train/presets.ts";
import { assertVerdicts, judge, runOf } from "../helpers/judged.ts";

test("verdicts follow from the numbers by the stated rules", () => {
  assertVerdicts([
    ["fourier-nanda", "nanda", "fourier", { key_frequencies: 5, key_share: 0.9, null_share: 0.03 }, "reproduced"],
    ["fourier-nanda", "nanda", "fourier", { key_frequencies: 0, key_share: 0, null_share: 0.03 }, "not reproduced"],
    ["fourier-shuffled", "basis", "fourier", { key_frequencies: 0, null_share: 0.03 }, "reproduced"],
    ["fourier-shuffled", "basis", "fourier", { key_frequencies: 20, null_share: 0.03 }, "not reproduced"],
  ]);
});

test("the composite task has more key frequencies than addition", () => {
  const fourier = (preset: Preset, key_frequencies: number) =>
    runOf(preset, { fourier: { key_frequencies, key_share: 0.5, null_share: 0.03 } });
  assert.equal(judge("fourier-miiii", [fourier("nanda", 5), fourier("miiii", 20)]).verdict, "reproduced");
  assert.equal(judge("fourier-miiii", [fourier("nanda", 5), fourier("miiii", 3)]).verdict, "not reproduced");
});

test("shuffled runs that have not learned their labels say nothing", () => {
  const none = { fourier: { key_frequencies: 0, null_share: 0.03 } };
  assert.match(
    judge("fourier-shuffled", [runOf("basis", { ...none, curves: { train_accuracy: 0.06 } })]).why ?? "",
    /only 6 % of its labels/,
  );
  assert.match(judge("fourier-shuffled", [runOf("basis", none)]).why ?? "", /curves was not run/);
  assert.match(
    judge("fourier-shuffled", [runOf("basis", { ...none, curves: { train_accuracy: 0.97 } })]).ours,
    /\(97 % of its labels memorised\)/,
  );
});

test("runs of another p say nothing", () => {
  const spectrum = (preset: Preset, p: number, count: number) =>
    runOf(preset, { fourier: { key_frequencies: count, key_share: 0.5, null_share: 0.03 } }, {}, { p });
  const apart = [spectrum("nanda", 53, 5), spectrum("miiii", 113, 20)];
  assert.match(judge("fourier-miiii", apart).why ?? "", /no run of nanda at p = 113/);
  assert.match(judge("fourier-nanda", [spectrum("nanda", 11, 5)]).why ?? "", /p = 11 has but 5 frequencies/);
});
