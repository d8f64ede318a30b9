import assert from "node:assert/strict";
import { test } from "node:test";
import { assertVerdicts, judge, runOf, trained } from "../helpers/judged.ts";

/** Positions with this r, and with centred tokens another. */
const apart = (pearson: number, sound_pearson: number) => ({
  pearson,
  null_limit: 0.12,
  sound_pearson,
  sound_pearson_low: -0.12,
  sound_pearson_high: 0.12,
  distance: 1,
});

test("verdicts follow from the numbers by the stated rules", () => {
  assertVerdicts([
    ["positional-nanda", "nanda", "positional", { pearson: 0.95, null_limit: 0.17, distance: 0.1 }, "reproduced"],
    ["positional-nanda", "nanda", "positional", { pearson: 0.4, null_limit: 0.17, distance: 0.1 }, "partly"],
    ["positional-nanda", "nanda", "positional", { pearson: -0.71, null_limit: 0.17, distance: 0.1 }, "not reproduced"],
    ["positional-miiii", "miiii", "positional", apart(-0.64, -0.5), "reproduced"],
    ["positional-miiii", "miiii", "positional", apart(-0.64, -0.04), "partly"],
    ["positional-miiii", "miiii", "positional", apart(0.05, -0.5), "partly"],
    ["positional-miiii", "miiii", "positional", apart(0.5, -0.5), "not reproduced"],
    ["commutative-nanda", "nanda", "positional", { asymmetry: 0.02, asymmetry_null: 1.4 }, "reproduced"],
    ["commutative-nanda", "nanda", "positional", { asymmetry: 1.2, asymmetry_null: 1.4 }, "not reproduced"],
    ["ordered-miiii", "miiii", "positional", { asymmetry: 1.2, asymmetry_null: 1.4 }, "reproduced"],
    ["ordered-miiii", "miiii", "positional", { asymmetry: 0.02, asymmetry_null: 1.4 }, "not reproduced"],
  ]);
});

test("what a run on shuffled labels has too is shown beside the null", () => {
  const ours = runOf("miiii", { positional: apart(-0.64, -0.04) });
  const twin = runOf("basis", { positional: { pearson: -0.46 } });
  const small = runOf("basis", { positional: { pearson: 0.3 } }, {}, { p: 53 });
  const none = "|r| < 0.12; with centred tokens −0.12 to 0.12";
  assert.equal(judge("positional-miiii", [ours]).none, none);
  assert.equal(judge("positional-miiii", [ours, small]).none, none);
  assert.equal(judge("positional-miiii", [ours, small, twin]).none, `${none}; on shuffled labels r = −0.46 (${twin.label})`);
});

test("r of the positions is followed over the checkpoints of a run that has generalised", () => {
  const run = (values: readonly number[]) => {
    const base = trained("nanda", () => 100, 10_000);
    const progress = { epochs: [50, 2000, 10_000], W_pos_pearson: values };
    const positional = { metrics: { pearson: values.at(-1) ?? 0, null_limit: 0.17, distance: 0.1 }, result: {} as never };
    return { ...base, results: { ...base.results, positional, progress: { metrics: {}, result: progress as never } } };
  };
  // Before it has generalised r may be anything.
  assert.equal(judge("positional-nanda", [run([-0.9, 0.95, 0.95])]).verdict, "reproduced");
  assert.equal(judge("positional-nanda", [run([0.9, 0.5, 0.95])]).verdict, "partly");
  const wandering = judge("positional-nanda", [run([0.9, -0.89, 0.95])]);
  assert.equal(wandering.verdict, "not reproduced");
  assert.match(wandering.ours, /r = 0\.95 at the end, −0\.89 to 0\.95 over/);
});
