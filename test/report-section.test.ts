import assert from "node:assert/strict";
import { test } from "node:test";
import { algorithm } from "../src/analyses/algorithm/index.ts";
import { ANALYSES } from "../src/analyses/index.ts";
import { analysisSection } from "../src/report/section.ts";
import { presetConfig } from "../src/train/index.ts";
import { readGolden } from "./helpers/golden.ts";

test("a section's numbers say beside ideal's name that it is no evidence, and of the circuit nothing of the kind", async () => {
  const analysis = ANALYSES.find(({ id }) => id === "algorithm") ?? assert.fail();
  const results = { algorithm: { result: {}, metrics: { circuit: 1, ideal: 1 } } };
  const config = presetConfig("miiii", { p: 13 });
  const run = { label: "one", config, results, missing: {}, path: "one", sha256: "", provenance: {} };
  const draw = () => assert.fail("no run is selected, so there is nothing to draw");
  const { html } = await analysisSection(analysis, [run], [], { draw, styles: new Map(), number: 1 });
  assert.match(html, /<th scope="row"><code>ideal<\/code> \(not evidence: it solves the task by itself\)<\/th>/);
  assert.match(html, /<th scope="row"><code>circuit<\/code><\/th>/);
});

test("every remark is of a metric that there is", () => {
  const metrics = Object.keys({ ...readGolden("miiii-fast").algorithm, ...readGolden("nanda-shuffled").algorithm });
  assert.deepEqual(
    Object.keys(algorithm.remarks ?? {}).filter((name) => !metrics.includes(name)),
    [],
  );
});
