import assert from "node:assert/strict";
import { test } from "node:test";
import { assertVerdicts, judge, runOf } from "../helpers/judged.ts";

const heads = (everywhere: number, byMean = 4) => ({
  heads: 4,
  heads_one_digit_everywhere: everywhere,
  smallest_to_digit: 0.95,
  heads_one_digit: byMean,
  heads_one_digit_null: 0,
});

test("verdicts follow from the numbers by the stated rules", () => {
  assertVerdicts([
    [
      "attention-nanda",
      "nanda",
      "attention",
      { heads: 4, heads_both_digits: 4, heads_periodic: 4, heads_one_digit_null: 0, share: 0.8, share_null: 0.1 },
      "reproduced",
    ],
    [
      "attention-nanda",
      "nanda",
      "attention",
      { heads: 4, heads_both_digits: 0, heads_periodic: 4, heads_one_digit_null: 0, share: 0.8, share_null: 0.1 },
      "partly",
    ],
    [
      "attention-nanda",
      "nanda",
      "attention",
      { heads: 4, heads_both_digits: 4, heads_periodic: 0, heads_one_digit_null: 0, share: 0.05, share_null: 0.1 },
      "not reproduced",
    ],
    [
      "attention-nanda",
      "nanda",
      "attention",
      { heads: 4, heads_both_digits: 1, heads_periodic: 0, heads_one_digit_null: 0, share: 0.05, share_null: 0.1 },
      "not reproduced",
    ],
    ["attention-miiii", "miiii", "attention", heads(4), "reproduced"],
    ["attention-miiii", "miiii", "attention", heads(2), "partly"],
    ["attention-miiii", "miiii", "attention", heads(0, 4), "not reproduced"],
  ]);
});

test("what a run on shuffled labels has too is shown beside the null", () => {
  const attention = [runOf("miiii", { attention: heads(4) }), runOf("basis", { attention: heads(0, 3) })];
  assert.match(judge("attention-miiii", attention).none, /on shuffled labels 0 of 4 on every input, 3 on average \(basis\)$/);
});
