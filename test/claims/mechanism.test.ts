import { test } from "node:test";
import { assertVerdicts } from "../helpers/judged.ts";

test("verdicts follow from the numbers by the stated rules", () => {
  assertVerdicts([
    ["nanda-key-frequencies", "nanda", "mechanism", { key_frequencies: 5, key_frequencies_above_null: 5 }, "reproduced"],
    ["nanda-key-frequencies", "nanda", "mechanism", { key_frequencies: 5, key_frequencies_above_null: 0 }, "not reproduced"],
    ["nanda-logits", "nanda", "mechanism", { logit_share: 0.95, logit_share_null: 0.01 }, "reproduced"],
    ["nanda-logits", "nanda", "mechanism", { logit_share: 0.1, logit_share_null: 0.01 }, "not reproduced"],
    ["nanda-restricted", "nanda", "mechanism", { loss: 1e-5, restricted_loss: 1e-6, restricted_loss_null: 4.8 }, "reproduced"],
    ["nanda-restricted", "nanda", "mechanism", { loss: 1e-5, restricted_loss: 4.7, restricted_loss_null: 4.8 }, "not reproduced"],
    ["nanda-excluded", "nanda", "mechanism", { loss: 1e-5, excluded_loss: 9, excluded_loss_null: 1e-5 }, "reproduced"],
    ["nanda-excluded", "nanda", "mechanism", { loss: 1e-5, excluded_loss: 1e-6, excluded_loss_null: 1e-5 }, "not reproduced"],
    ["nanda-w-l", "nanda", "mechanism", { W_L_gini: 0.7, W_L_gini_null: 0.13, W_L_participation_ratio: 10 }, "reproduced"],
    ["nanda-w-l", "nanda", "mechanism", { W_L_gini: 0.1, W_L_gini_null: 0.13, W_L_participation_ratio: 90 }, "not reproduced"],
  ]);
});
