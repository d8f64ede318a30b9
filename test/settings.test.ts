import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { shippedReferences } from "../src/api/references.ts";
import { parseRunConfig } from "../src/checkpoint/index.ts";
import { CONFIG_FIELDS, isAllowed, layeredConfig, requirementOf, type Setting, settingOf } from "../src/model/index.ts";
import { checkConfig, PRESETS, presetConfig } from "../src/train/index.ts";

const preset = presetConfig("miiii");

/** A value on either side of each bound of a setting, and one of another kind. */
function refusedBy(setting: Setting): readonly unknown[] {
  switch (setting.kind) {
    case "integer":
    case "number": {
      const { least, above, most, below } = setting;
      const step = setting.kind === "integer" ? 1 : 1e-9;
      const outside = [
        ...(least === undefined ? [] : [least - step]),
        ...(above === undefined ? [] : [above]),
        ...(most === undefined ? [] : [most + step]),
        ...(below === undefined ? [] : [below]),
      ];
      assert.ok(outside.length > 0, "a number must have a bound");
      return [...outside, Number.NaN, Number.POSITIVE_INFINITY, "1", ...(setting.kind === "integer" ? [7.5] : [])];
    }
    case "boolean":
      return [0, "true"];
    case "string":
      return [1];
    case "choice":
      return ["toString", 1];
    case "primes":
      return [2, [4], [3, 3], ["3"]];
    case "names":
      return ["W_U", ["toString"]];
    default:
      return setting satisfies never;
  }
}

test("every setting refuses what is outside its range or of another kind, in a run to train as in a stored one, and says what it must be", () => {
  for (const field of CONFIG_FIELDS) {
    const setting = settingOf(field);
    assert.ok(setting.help.length > 5, field);
    assert.ok(isAllowed(setting, setting.value), `${field}: its own value`);
    for (const value of Object.values(setting.presets ?? {})) assert.ok(isAllowed(setting, value), `${field}: ${value}`);
    for (const bad of refusedBy(setting)) {
      const message = { message: new RegExp(`^${field}: must be `) };
      assert.throws(() => checkConfig({ ...preset, [field]: bad }), { code: "usage", ...message }, `${field}: ${bad}`);
      assert.throws(() => parseRunConfig({ ...preset, [field]: bad }, "f"), { code: "input" }, `${field}: ${bad}`);
    }
  }
  assert.equal(requirementOf(settingOf("seed")), "an integer from 0 to 2^32 − 1");
  assert.equal(requirementOf(settingOf("dropout")), "in [0, 1)");
  assert.equal(requirementOf(settingOf("train_fraction")), "between 0 and 1");
  assert.equal(requirementOf(settingOf("p")), "a prime from 5 to 251");
});

test("the table's layers are the presets as published", () => {
  assert.deepEqual(presetConfig("nanda"), layeredConfig([]));
  assert.deepEqual(preset, { ...layeredConfig(["miiii"]), preset: "miiii" });
  for (const name of PRESETS) {
    const config = presetConfig(name);
    assert.equal(config.preset, name);
    for (const field of CONFIG_FIELDS) assert.ok(field in config, `${name}: ${field}`);
  }
});

test("configs of runs trained before a setting existed load, with the value that they had", () => {
  const runs = shippedReferences();
  assert.ok(runs.length >= 5);
  for (const { label: name, path } of runs) {
    const { config } = JSON.parse(readFileSync(join(path, "config.json"), "utf8"));
    const read = parseRunConfig(config, name);
    for (const field of CONFIG_FIELDS)
      assert.deepEqual(read[field], config[field] ?? settingOf(field).value, `${name}: ${field}`);
  }
});
