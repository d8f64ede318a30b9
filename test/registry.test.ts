import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { ANALYSES } from "../src/analyses/index.ts";
import { ACTIVATION_NAMES, type AnalysisInput, completeOptions, type Need } from "../src/analyses/kit/define.ts";

const FOLDER = new URL("../src/analyses/", import.meta.url);
const ids = ANALYSES.map(({ id }) => id);

/** Folders whose index defines an analysis. */
const defined = readdirSync(FOLDER).filter((name) => {
  const index = new URL(`${name}/index.ts`, FOLDER);
  return existsSync(index) && /^export const \w+ = defineAnalysis/m.test(readFileSync(index, "utf8"));
});

test("every folder that defines an analysis is in the registry once, under its own name", () => {
  assert.deepEqual([...ids].sort(), defined.sort());
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.length >= 11);
});

test("the analyses of the paper and of Nanda et al. come in the order of the report", () => {
  const expected = "positional svd fourier fft primes attention mechanism circuits omega curves norms";
  assert.deepEqual(
    ids.filter((id) => expected.split(" ").includes(id)),
    expected.split(" "),
  );
});

for (const analysis of ANALYSES) {
  test(`${analysis.id} is told in full: title, definition, null, citation, what it needs, and a test of its own`, () => {
    const { id, title, description, definition, citation, needs, options } = analysis;
    assert.match(id, /^[a-z]+$/);
    assert.ok(title.length > 5 && citation.length > 10);
    assert.ok(description.length > 20 && !description.includes("\n"), "the description is one line");
    assert.ok(definition.length > 200 && analysis.null.length > 50);
    const known: readonly Need[] = [...ACTIVATION_NAMES, "series", "models", "forward", "matmul"];
    for (const need of needs) assert.ok(known.includes(need), `${need} is no need`);
    for (const [name, spec] of Object.entries(options)) {
      assert.match(name, /^[a-z][a-z_]*$/);
      assert.equal(completeOptions({ id, options }, {})[name], spec.default);
      const wrong = spec.type === "boolean" ? [1] : [true, spec.min - 1, spec.max + 1, spec.min + 0.5, Number.NaN];
      for (const value of wrong) {
        const refusal = new RegExp(`^MiiiiError: ${id}: ${name} must be .*, got ${value}$`);
        assert.throws(() => completeOptions({ id, options }, { [name]: value }), refusal);
        // Wherever it is run: an analysis looks at its options before its input.
        assert.throws(() => analysis.run({} as AnalysisInput, { [name]: value }), refusal);
      }
      assert.ok(spec.description.length > 5);
    }
    assert.ok(existsSync(new URL(`analyses/${id}.test.ts`, import.meta.url)), `test/analyses/${id}.test.ts`);
  });
}
