import assert from "node:assert/strict";
import { test } from "node:test";
import { settingsApart } from "../../src/claims/index.ts";
import { paperSettings, sameSettings } from "../../src/claims/settings.ts";
import type { RunConfig } from "../../src/model/index.ts";
import { presetConfig } from "../../src/train/presets.ts";

test("the papers' settings are the presets', and every departure from them is told, but for what an ablation changes", () => {
  for (const preset of ["nanda", "miiii"] as const) {
    const config = presetConfig(preset);
    const paper = Object.entries(paperSettings(config.task));
    assert.ok(paper.length >= 12);
    for (const [field, value] of paper) assert.equal(config[field as keyof RunConfig], value, `${preset}: ${field}`);
  }
  for (const preset of ["nanda", "miiii", "basis", "masked", "no-grokfast", "no-dropout"] as const)
    assert.equal(settingsApart(presetConfig(preset)), undefined, preset);
  assert.equal(
    settingsApart(presetConfig("miiii-fast")),
    "80 % of the data, init he, lr 0.001, weight decay 0.5, dropout 0.2, a dropout mask for each sample, learning rate falling to 0 at the end, dropout ending there, in 4 steps, 7500 epochs",
  );
  assert.equal(
    settingsApart(presetConfig("miiii", { dropout: 0.5, grokfast_lambda: 5, n_heads: 1, d_mlp: 64, epochs: 100 })),
    "n_heads = 1, λ = 5, dropout 0.5, d_mlp = 64, 100 epochs",
  );
  assert.equal(
    settingsApart(presetConfig("nanda", { train_fraction: 0.9, weight_decay: 0, d_model: 512, lr: 0.1, grokfast_lambda: 2 })),
    "90 % of the data, d_model = 512, lr 0.1, weight decay 0, λ = 2",
  );
  const masked = presetConfig("masked", { seed: 3, epochs: 5 });
  assert.ok(sameSettings(masked, presetConfig("miiii")));
  for (const change of [{ dropout: 0.2 }, { n_heads: 2 }, { d_mlp: 8 }, { grokfast_lambda: 1 }, { lr: 1 }, { warmup: 5 }])
    assert.ok(!sameSettings(masked, presetConfig("miiii", change)), JSON.stringify(change));
  assert.ok(sameSettings(presetConfig("no-grokfast"), presetConfig("miiii")));
  assert.ok(!sameSettings(presetConfig("no-grokfast"), presetConfig("miiii", { dropout: 0.2 })));
});
