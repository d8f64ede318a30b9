import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunHeader } from "../../src/checkpoint/index.ts";
import { layeredConfig, type RunConfig } from "../../src/model/index.ts";

/** A small run's settings. */
export const config: RunConfig = {
  ...layeredConfig([]),
  task: "nanda",
  p: 11,
  labels: "remainder",
  shuffle_labels: false,
  d_model: 8,
  n_heads: 2,
  d_head: 4,
  d_mlp: 16,
  preset: "test",
  seed: 5,
  init: "he",
  epochs: 10,
  lr: 1e-3,
  warmup: 10,
  beta1: 0.9,
  beta2: 0.98,
  eps: 1e-8,
  weight_decay: 1,
  grokfast_alpha: 0.98,
  grokfast_lambda: 0,
  dropout: 0,
  dropout_mask: "step",
  train_fraction: 0.3,
};
/** What config.json says of it. */
export const header: RunHeader = {
  miiii: "0.1.0",
  config,
  split_hash: "ab",
  runtime: "onnx",
  versions: { node: "20" },
  note: [1, 2],
};

/** Runs in a new folder of its own, which is gone afterwards. */
export function inFolder(run: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "miiii-test-"));
  try {
    run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
