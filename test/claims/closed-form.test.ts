import assert from "node:assert/strict";
import { test } from "node:test";
import { judge, runOf } from "../helpers/judged.ts";

test("one frequency k/q a neuron, beyond what the 113-grid shows", () => {
  const run = (R2: number, digit_grid_R2 = 0.71, R2_null = 0.11) =>
    runOf(
      "miiii",
      { neurons: { R2, digit_grid_R2, R2_null, crossed_R2: 0.05, above_half: 1021 } },
      { neurons: { neurons: 1024, dead: 0, clusters: [] } },
    );
  assert.equal(judge("single-frequency", [run(0.92)]).verdict, "reproduced");
  assert.equal(judge("single-frequency", [run(0.92, 0.95)]).verdict, "partly");
  assert.equal(judge("single-frequency", [run(0.6)]).verdict, "partly");
  assert.equal(judge("single-frequency", [run(0.6, 0.71, 0.7)]).verdict, "not reproduced");
  assert.match(judge("single-frequency", [run(0.92)]).ours, /^miiii: 92 % .* in 1021 of 1024/);
});

test("the read-out's phase is the sum of both phases", () => {
  const run = (phase_error: number, output_matches: number) =>
    runOf(
      "miiii",
      { neurons: { phase_error, phase_error_null: Math.PI / 2, output_matches, output_matches_expected: 60 } },
      { neurons: { neurons: 1024, dead: 24, clusters: [] } },
    );
  assert.equal(judge("phase-sums", [run(0.03, 1000)]).verdict, "reproduced");
  assert.equal(judge("phase-sums", [run(0.03, 700)]).verdict, "partly");
  assert.equal(judge("phase-sums", [run(0.5, 1000)]).verdict, "partly");
  assert.equal(judge("phase-sums", [run(1.5, 1000)]).verdict, "not reproduced");
  assert.equal(judge("phase-sums", [run(0.03, 100)]).verdict, "not reproduced");
});
