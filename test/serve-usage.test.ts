import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runCommands, startCli } from "./helpers/cli.ts";

test("what cannot be served is refused before anything is", () => {
  const refusals = [
    [1, /^miiii: nand: must be a checkpoint file, a run directory or a shipped run .*did you mean nanda\?/, "explore", "nand"],
    [2, /--port: must be from 1 to 65535, got 70000/, "explore", "nanda", "--port", "70000"],
    [2, /--port: must be an integer, got 1\.5/, "watch", "nanda", "--port", "1.5"],
    [2, /--open and --no-open exclude each other/, "explore", "nanda", "--open", "--no-open"],
    [2, /label nanda: must be given once/, "explore", "nanda", "nanda"],
    [
      2,
      /watch: needs the folder of one run, got fixtures\/nanda\/step-000010000\.safetensors/,
      "watch",
      "fixtures/nanda/step-000010000.safetensors",
    ],
    [1, /fixtures: must hold config\.json to be a run directory/, "watch", "fixtures"],
    [2, /watch: an argument is missing/, "watch"],
  ] as const;
  const results = runCommands(refusals.map(([, , ...args]) => args));
  for (const [i, [code, pattern, ...args]] of refusals.entries()) {
    assert.equal(results[i]?.code, code, `miiii ${args.join(" ")} said ${results[i]?.stderr}`);
    assert.match(results[i]?.stderr ?? "", pattern);
    assert.equal(results[i]?.stdout, "");
  }
});

test("train --watch serves the run, goes on when training has ended, and ends with it on Ctrl-C", async () => {
  const folder = mkdtempSync(join(tmpdir(), "miiii-train-watch-"));
  const path = join(folder, "run");
  const settings = ["--preset", "miiii", "--p", "13", "--d-model", "16", "--n-heads", "2", "--epochs", "30", "--no-omega"];
  const child = startCli(["train", ...settings, "--runtime", "onnx", "--out", path, "--watch"], folder, "pipe");
  let [out, said] = ["", ""];
  child.stdout?.on("data", (part) => {
    out += part;
  });
  const served = new Promise<string>((resolve) => {
    child.stderr?.on("data", (part) => {
      said += part;
      const address = /http:\/\/127\.0\.0\.1:\d+\/[\w-]{24}\//.exec(said)?.[0];
      if (address !== undefined && said.includes("training has ended; its page is served until Ctrl-C")) resolve(address);
    });
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const address = await Promise.race([served, ended.then(() => "")]);
  assert.notEqual(address, "", said);
  assert.equal(out, "run\n", "stdout holds the folder alone");
  const { runs } = (await (await fetch(`${address}runs`)).json()) as { runs: { checkpoints: number[] }[] };
  assert.equal(runs[0]?.checkpoints.at(-1), 30);
  child.kill("SIGTERM");
  await ended;
  // Asked to end, it takes its page along.
  for (let gone = false; !gone; )
    gone = await fetch(address).then(
      () => false,
      () => true,
    );
  rmSync(folder, { recursive: true });
});
