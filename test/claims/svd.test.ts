import assert from "node:assert/strict";
import { test } from "node:test";
import type { Preset } from "../../src/train/presets.ts";
import { assertVerdicts, judge, runOf } from "../helpers/judged.ts";

test("verdicts follow from the numbers by the stated rules", () => {
  assertVerdicts([
    ["vectors-nanda", "nanda", "svd", { periodic_vectors: 10 }, "reproduced"],
    ["vectors-nanda", "nanda", "svd", { periodic_vectors: 0 }, "not reproduced"],
    ["vectors-miiii", "miiii", "svd", { periodic_vectors: 10 }, "reproduced"],
    ["vectors-miiii", "miiii", "svd", { periodic_vectors: 3 }, "partly"],
    ["vectors-miiii", "miiii", "svd", { periodic_vectors: 0 }, "not reproduced"],
  ]);
});

test("the two models are held against each other by their singular values", () => {
  const svd = (preset: Preset, at50: number, at90: number) =>
    runOf(preset, {
      svd: {
        paper_index50: at50,
        paper_index90: at90,
        paper_index50_null: 39,
        paper_index90_null: 89,
        sound_index50: 1,
        sound_index90: 2,
      },
    });
  assert.equal(judge("svd-nanda", [svd("nanda", 6, 44)]).verdict, "reproduced");
  assert.equal(judge("svd-nanda", [svd("nanda", 6, 20)]).verdict, "partly");
  assert.equal(judge("svd-miiii", [svd("miiii", 10, 20)]).verdict, "not reproduced");
  assert.equal(judge("svd-diffuse", [svd("nanda", 6, 44), svd("miiii", 35, 73)]).verdict, "reproduced");
  assert.equal(judge("svd-diffuse", [svd("nanda", 35, 73), svd("miiii", 6, 44)]).verdict, "not reproduced");
  assert.match(judge("svd-diffuse", [svd("miiii", 35, 73)]).why ?? "", /no run of nanda/);
});

test("runs of another p say nothing", () => {
  const svd = {
    paper_index50: 5,
    paper_index90: 49,
    paper_index50_null: 8,
    paper_index90_null: 50,
    sound_index50: 4,
    sound_index90: 40,
  };
  assert.match(judge("svd-nanda", [runOf("nanda", { svd }, {}, { p: 59 })]).why ?? "", /p = 59 are not those of p = 113/);
});
