import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseReferences } from "../../src/api/references.ts";
import { trainRun } from "../../src/api/train-run.ts";
import { onnxRuntime } from "../../src/runtimes/index.ts";
import type { PageKind } from "../../src/serve/page.ts";
import { type LocalServer, serveLocal } from "../../src/serve/server.ts";
import { presetConfig } from "../../src/train/presets.ts";

/** A run that is trained in a second: six tasks, n mod q for q < 13. */
export const SMALL = presetConfig("miiii", { p: 13, d_model: 16, n_heads: 2, d_mlp: 32, epochs: 40, init: "he" });

/** Trains it into a folder. */
export async function trainSmall(folder: string, name: string, change: Partial<typeof SMALL> = {}): Promise<string> {
  const path = join(folder, name);
  await trainRun({ ...SMALL, ...change }, path, { runtime: onnxRuntime({ threads: 1 }), omega: false });
  return path;
}

/** Epochs of the checkpoints in a run's folder. */
export function keptEpochs(path: string): number[] {
  return readdirSync(path)
    .flatMap((name) => {
      const digits = /^step-(\d+)\.safetensors$/.exec(name)?.[1];
      return digits === undefined ? [] : [Number(digits)];
    })
    .sort((a, b) => a - b);
}

const EMPTY_PAGE = { html: "<!DOCTYPE html><title>page</title>", policy: "default-src 'none'" };

/** Serves runs; with a page of that kind, or without. */
export async function served(paths: readonly string[], kind?: PageKind): Promise<LocalServer> {
  const page =
    kind === undefined ? EMPTY_PAGE : await (await import("../../src/serve/page.ts")).servedPage(kind, "Test <b>runs</b>");
  return serveLocal({ page, references: parseReferences(paths), foreign: {}, seed: 0, useCache: false });
}

/** What is computed at an address of the server: the last line's result; throws what went wrong there. */
export async function computed<T>({ address }: LocalServer, query: string): Promise<T> {
  const text = await (await fetch(`${address}compute/${query}`)).text();
  const last = JSON.parse(text.trimEnd().split("\n").at(-1) ?? "") as { result?: T; error?: string };
  if (last.result === undefined) throw new Error(last.error ?? text);
  return last.result;
}
