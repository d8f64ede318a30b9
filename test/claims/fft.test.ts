import assert from "node:assert/strict";
import { test } from "node:test";
import { assertVerdicts, judge, runOf } from "../helpers/judged.ts";

test("verdicts follow from the numbers by the stated rules", () => {
  assertVerdicts([
    [
      "neurons-miiii",
      "miiii",
      "fft",
      { active_sound: 14, active_sound_null: 0.03, active_nominal: 60, active_nominal_noise: 239 },
      "reproduced",
    ],
    [
      "neurons-miiii",
      "miiii",
      "fft",
      { active_sound: 0.03, active_sound_null: 0.03, active_nominal: 239, active_nominal_noise: 239 },
      "not reproduced",
    ],
    ["neurons-shuffled", "basis", "fft", { active_sound: 0.05, active_sound_null: 0.03 }, "reproduced"],
    ["neurons-shuffled", "basis", "fft", { active_sound: 14, active_sound_null: 0.03 }, "not reproduced"],
    ["nanda-neurons", "nanda", "fft", { explained_share: 0.846, share_null: 0.08, clusters: 5 }, "reproduced"],
    ["nanda-neurons", "nanda", "fft", { explained_share: 0, share_null: 0.08, clusters: 0 }, "not reproduced"],
    [
      "neurons-nanda",
      "nanda",
      "fft",
      { active_sound: 3, active_sound_null: 0.03, active_nominal: 60, active_nominal_noise: 239 },
      "reproduced",
    ],
    [
      "neurons-nanda",
      "nanda",
      "fft",
      { active_sound: 1, active_sound_null: 0.03, active_nominal: 60, active_nominal_noise: 239 },
      "partly",
    ],
    [
      "neurons-nanda",
      "nanda",
      "fft",
      { active_sound: 0.03, active_sound_null: 0.03, active_nominal: 60, active_nominal_noise: 239 },
      "not reproduced",
    ],
  ]);
});

test("shuffled runs that have not learned their labels say nothing", () => {
  const none = { fft: { active_sound: 0, active_sound_null: 0.03 } };
  assert.match(
    judge("neurons-shuffled", [runOf("basis", { ...none, curves: { train_accuracy: 0.06 } })]).why ?? "",
    /only 6 % of its labels/,
  );
  assert.match(judge("neurons-shuffled", [runOf("basis", none)]).why ?? "", /curves was not run/);
  assert.match(
    judge("neurons-shuffled", [runOf("basis", { ...none, curves: { train_accuracy: 0.97 } })]).ours,
    /\(97 % of its labels memorised\)/,
  );
});
