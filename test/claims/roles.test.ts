import assert from "node:assert/strict";
import { test } from "node:test";
import { roleOf } from "../../src/claims/index.ts";
import type { Preset } from "../../src/train/presets.ts";
import { runOf } from "../helpers/judged.ts";

test("roles follow from settings", () => {
  const presets: Preset[] = ["nanda", "miiii", "miiii-fast", "basis", "masked", "no-grokfast", "no-dropout"];
  assert.deepEqual(
    presets.map((preset) => roleOf(runOf(preset, {}))),
    ["nanda", "miiii", "miiii", "basis", "masked", "no-grokfast", "no-dropout"],
  );
  assert.equal(roleOf(runOf("nanda", {}, {}, { shuffle_labels: true })), "nanda-shuffled");
  assert.equal(roleOf(runOf("miiii", {}, {}, { shuffle_labels: true })), "basis");
  assert.equal(roleOf(runOf("miiii", {}, {}, { labels: "divisibility" })), undefined);
  for (const change of [{ grokfast_lambda: 0 }, { dropout: 0 }]) {
    assert.equal(roleOf(runOf("masked", {}, {}, change)), undefined);
    assert.equal(roleOf(runOf(change.dropout === 0 ? "no-grokfast" : "no-dropout", {}, {}, change)), undefined);
  }
});
