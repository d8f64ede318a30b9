import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { ANALYSES } from "../src/analyses/registry.ts";
import { trainRun } from "../src/api/train-run.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { presetConfig } from "../src/train/index.ts";
import { type CommandResult, runCommands, spawnCli, startCli } from "./helpers/cli.ts";
import { ROOT } from "./helpers/source.ts";

const folder = mkdtempSync(join(tmpdir(), "miiii-output-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const small = { p: 11, d_model: 16, n_heads: 2, init: "he", lr: 3e-3, epochs: 24, train_fraction: 0.5 } as const;
const schemas = join(ROOT, "docs/schema");

/** The validator of a documented schema; every schema is known to it, since `all.json` refers to the others. */
function validator(name: string): ValidateFunction {
  const ajv = new Ajv2020({ allErrors: true });
  for (const file of readdirSync(schemas)) ajv.addSchema(JSON.parse(readFileSync(join(schemas, file), "utf8")) as object);
  const validate = ajv.getSchema(name);
  assert.ok(validate !== undefined, `docs/schema/${name} is missing; npm run docs makes it`);
  return validate;
}

/** Fails unless the command succeeded and printed exactly one JSON value of the schema. */
function validated(result: CommandResult | undefined, schema: string): Record<string, unknown> {
  assert.equal(result?.code, 0, result?.stderr);
  const value = JSON.parse(result?.stdout ?? "") as Record<string, unknown>;
  const validate = validator(schema);
  const valid = validate(value);
  assert.ok(valid, `${schema}: ${JSON.stringify(validate.errors?.slice(0, 3))}`);
  return value;
}

interface Run {
  readonly label: string;
  readonly path: string;
  readonly sha256: string;
  readonly config: Parameters<NonNullable<(typeof ANALYSES)[number]["refuses"]>>[0];
  readonly metrics: Readonly<Record<string, number>>;
  readonly result: Readonly<Record<string, unknown>>;
}

before(async () => {
  const runtime = onnxRuntime({ threads: 1 });
  await trainRun(presetConfig("nanda", { ...small, seed: 1 }), join(folder, "a"), { runtime });
  await trainRun(presetConfig("nanda", { ...small, seed: 2 }), join(folder, "b"), { runtime });
  await trainRun(presetConfig("miiii", { ...small, dropout: 0 }), join(folder, "m"), { runtime });
});

test("every JSON output follows its documented schema", () => {
  const [all, inspect, evaluated, metrics, runtimes, svd] = runCommands(
    [
      ["analyze", "all", "first=a", "m", "--json"],
      ["inspect", "a", "--json"],
      ["inspect", "m", "--evaluate", "--json"],
      ["metrics", "m", "--json"],
      ["runtimes", "--json"],
      ["analyze", "svd", "a/step-000000024.safetensors", "--json", "--out", "svd.json", "--vectors", "3"],
    ],
    folder,
  );
  const everything = validated(all, "all.json") as { analysis: string; runs: Run[] };
  assert.equal(everything.analysis, "all");
  assert.deepEqual(
    everything.runs.map(({ label, path }) => [label, path]),
    [
      ["first", "a/step-000000024.safetensors"],
      ["m", "m/step-000000024.safetensors"],
    ],
  );
  for (const run of everything.runs) {
    const asked = ANALYSES.filter(({ refuses }) => refuses?.(run.config) === undefined).map(({ id }) => id);
    assert.deepEqual(Object.keys(run.result).sort(), asked.sort(), "an analysis is missing");
    assert.ok(asked.length >= ANALYSES.length - 1, "no more than one analysis is for other tasks");
    assert.match(run.sha256, /^[0-9a-f]{64}$/);
    assert.ok(Object.keys(run.metrics).every((name) => /^[a-z]+\./.test(name)));
  }
  validated(inspect, "inspect.json");
  const { runs } = validated(evaluated, "inspect.json") as { runs: Run[] };
  const heads = runs[0]?.result.heads as { q: number; accuracy: Record<string, number> }[];
  assert.deepEqual(
    heads.map(({ q }) => q),
    [2, 3, 5, 7],
  );
  const { accuracy } = heads[0] as { accuracy: Record<string, number> };
  assert.deepEqual(Object.keys(accuracy), ["train", "validation", "test", "all"]);
  validated(metrics, "metrics.json");
  validated(runtimes, "runtimes.json");
  validated(svd, "svd.json");
  assert.equal(readFileSync(join(folder, "svd.json"), "utf8"), svd?.stdout, "--out and --json hold the same");
});

test("a schema refuses what is not of it", () => {
  const validate = validator("svd.json");
  const value = JSON.parse(readFileSync(join(folder, "svd.json"), "utf8")) as { runs: { result: Record<string, unknown> }[] };
  assert.ok(validate(value));
  delete value.runs[0]?.result.singular_values;
  assert.equal(validate(value), false);
});

test("a group of seeds: each run, and every metric's mean and spread; other differences are refused", () => {
  const [json, text, mixed] = runCommands(
    [
      ["analyze", "positional", "both=a,b", "--json"],
      ["analyze", "positional", "both=a,b"],
      ["analyze", "positional", "both=a,m"],
    ],
    folder,
  );
  const { runs, groups } = validated(json, "positional.json") as {
    runs: Run[];
    groups: { label: string; members: string[]; metrics: Record<string, { mean: number; sd: number; n: number }> }[];
  };
  const [x, y] = runs.map(({ metrics }) => metrics.pearson ?? Number.NaN) as [number, number];
  const [group] = groups;
  assert.deepEqual(group?.members, ["both 1", "both 2"]);
  const spread = group.metrics.pearson;
  assert.equal(spread?.n, 2);
  assert.ok(Math.abs((spread?.mean ?? 0) - (x + y) / 2) < 1e-12);
  assert.ok(Math.abs((spread?.sd ?? 0) - Math.abs(x - y) / Math.SQRT2) < 1e-12);
  assert.match(text?.stdout ?? "", /both: 2 runs, mean ± standard deviation/);
  assert.equal(mixed?.code, 2);
  assert.match(mixed?.stderr ?? "", /group both: its runs must differ in the seed alone, \w+ is /);
});

test("metrics as CSV: one line a tick, a column for each head and norm", () => {
  const [csv] = runCommands([["metrics", "m", "--csv"]], folder);
  const lines = (csv?.stdout ?? "").trimEnd().split("\n");
  const rows = readFileSync(join(folder, "m/metrics.jsonl"), "utf8").trimEnd().split("\n");
  assert.equal(lines.length, rows.length + 1);
  const names = lines[0]?.split(",") ?? [];
  for (const name of ["epoch", "train_loss_q2", "validation_accuracy_q7", "weight_norm_embed.W_E"]) {
    assert.ok(names.includes(name), `no column ${name}`);
  }
  assert.ok(lines.every((line) => line.split(",").length === names.length));
  const last = JSON.parse(rows.at(-1) ?? "") as { train: { loss: number[] } };
  assert.equal(Number(lines.at(-1)?.split(",")[names.indexOf("train_loss_q3")]), last.train.loss[1]);
});

test("metrics of several runs as tidy CSV and Parquet: a line each value, each run's own label", async () => {
  const [tidy, one, quiet, two, none] = runCommands(
    [
      ["metrics", "first=a", "m", "--tidy", "--parquet", "tidy.parquet"],
      ["metrics", "m", "--tidy"],
      ["metrics", "m", "--parquet", "one.parquet"],
      ["metrics", "a", "m", "--json"],
      ["metrics"],
    ],
    folder,
  );
  const [head, ...lines] = (tidy?.stdout ?? "").trimEnd().split("\n");
  assert.equal(head, "run,task,p,seed,epoch,measure,weights,set,q,tensor,value");
  assert.deepEqual([...new Set(lines.map((line) => line.split(",")[0]))], ["first", "m"]);
  assert.deepEqual(
    (one?.stdout ?? "").trimEnd().split("\n").slice(1),
    lines.filter((line) => line.startsWith("m,")),
  );
  const last = JSON.parse(readFileSync(join(folder, "m/metrics.jsonl"), "utf8").trimEnd().split("\n").at(-1) ?? "");
  const config = JSON.parse(readFileSync(join(folder, "m/config.json"), "utf8")).config;
  const start = `m,${config.task},${config.p},${config.seed},${last.epoch}`;
  assert.ok(lines.includes(`${start},loss,trained,validation,3,,${last.validation.loss[1]}`));
  assert.ok(lines.includes(`${start},weight_norm,,,,embed.W_E,${last.weight_norms["embed.W_E"]}`));
  const { parquetReadObjects } = await import("hyparquet");
  const bytes = readFileSync(join(folder, "tidy.parquet"));
  const rows = await parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) });
  assert.equal(rows.length, lines.length);
  const text = (value: unknown) => (value === null || value === undefined ? "" : String(value));
  assert.equal(
    Object.values(rows.at(-1) ?? {})
      .map(text)
      .join(","),
    lines.at(-1),
  );
  assert.deepEqual([quiet?.code, quiet?.stdout], [0, ""]);
  assert.equal(two?.code, 2);
  assert.match(two?.stderr ?? "", /--json is of one run, got 2; --tidy takes several/);
  assert.match(none?.stderr ?? "", /a run must be given/);
});

test("figures in every format, and an analysis over time refuses a lone file", () => {
  const endings = ["svg", "png", "vl.json", "html"];
  const results = runCommands(
    [
      ...endings.map((ending) => ["analyze", "svd", "a", "m", "--figure", `f.${ending}`]),
      ["analyze", "curves", "a/step-000000024.safetensors"],
      ["report", "a", "m/step-000000024.safetensors", "--alone", "--out", "r.html"],
    ],
    folder,
  );
  for (const [i, ending] of endings.entries()) {
    assert.equal(results[i]?.code, 0, results[i]?.stderr);
    const start = readFileSync(join(folder, `f.${ending}`))
      .subarray(0, 15)
      .toString("latin1");
    assert.match(start, /^(<svg|\x89PNG|\{|<!doctype html>)/i);
  }
  const lone = results[endings.length];
  assert.equal(lone?.code, 2);
  assert.match(lone?.stderr ?? "", /curves: needs a training series: give a run directory, got the file a\/step-000000024/);
  const report = results[endings.length + 1];
  assert.equal(report?.code, 0, report?.stderr);
  assert.equal(report?.stdout, "r.html\n");
  assert.match(readFileSync(join(folder, "r.html"), "utf8"), /curves: needs a training series/);
});

test("export to each format, and back through import: the same losses", () => {
  const commands = [
    ...["e.npz", "e.safetensors", "e.onnx"].map((file) => ["export", "a", file]),
    ["import", "e.npz", "i.safetensors"],
    ...["a", "e.npz", "e.safetensors", "i.safetensors"].map((file) => ["inspect", file, "--evaluate", "--json"]),
    ["export", "a", "e.gguf"],
    ["import", "e.npz", "i.bin"],
  ];
  const results = runCommands(commands, folder);
  for (const [i, result] of results.slice(0, 8).entries())
    assert.equal(result.code, 0, `${commands[i]?.join(" ")}: ${result.stderr}`);
  assert.equal(results[1]?.stdout, "e.config.json\ne.safetensors\n");
  assert.match(results[3]?.stderr ?? "", /e\.npz: npz, layout transformerlens, task nanda at p = 11, 2 heads of 8/);
  const losses = results.slice(4, 8).map((result) => {
    const { runs } = validated(result, "inspect.json") as { runs: Run[] };
    return runs[0]?.metrics.cross_entropy_all;
  });
  assert.ok(losses[0] !== undefined && losses.every((loss) => loss === losses[0]), losses.join(", "));
  assert.deepEqual(
    results.slice(8).map(({ code, stdout }) => [code, stdout]),
    [
      [2, ""],
      [2, ""],
    ],
  );
});

/** A training without end, once its first epoch is done; what it prints to stderr, and how it ends. */
async function begun(out: string) {
  const settings = ["--p", "11", "--d-model", "16", "--n-heads", "2", "--threads", "1", "--epochs", "1000000"];
  const child = startCli(["train", "--preset", "nanda", ...settings, "--out", out], folder);
  let stderr = "";
  child.stderr?.on("data", (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
  const logged = join(folder, out, "step-000000001.safetensors");
  while (!existsSync(logged) && child.exitCode === null) await new Promise((go) => setTimeout(go, 50));
  return { child, ended, stderr: () => stderr };
}

for (const signal of ["SIGINT", "SIGHUP"] as const) {
  test(`${signal} saves the run, among dense statistics too, and exits 130; it can be resumed`, async () => {
    const out = `c-${signal}`;
    const { child, ended, stderr } = await begun(out);
    child.kill(signal);
    assert.equal(await ended, 130, stderr());
    const epoch = Number(/interrupted and saved at epoch (\d+); resume: miiii train --resume c-\w+\n$/.exec(stderr())?.[1]);
    assert.ok(epoch >= 1, stderr());
    assert.ok(existsSync(join(folder, out, `step-${String(epoch).padStart(9, "0")}.safetensors`)));
    assert.ok(!existsSync(join(folder, out, "run.lock")));
    const [more] = runCommands([["train", "--resume", out, "--epochs", String(epoch + 2)]], folder);
    assert.equal(more?.code, 0, more?.stderr);
  });
}

test("a reader of stderr that goes away does not end the training, nor its exit code", async () => {
  const { child, ended } = await begun("deaf");
  child.stderr?.destroy();
  await new Promise((go) => setTimeout(go, 300));
  assert.equal(child.exitCode, null);
  const [second] = runCommands([["train", "--resume", "deaf"]], folder);
  assert.equal(second?.code, 1);
  assert.match(second?.stderr ?? "", /deaf: must not be in training already, is by process \d+ on .*; stop that first/);
  child.kill("SIGTERM");
  assert.equal(await ended, 130);
});

test("train: prints its folder, never overwrites, goes on with more epochs", () => {
  const settings = ["--p", "11", "--d-model", "16", "--n-heads", "2", "--no-omega", "--threads", "1"];
  const first = spawnCli(["train", "--preset", "nanda", ...settings, "--epochs", "4", "--out", "t"], folder);
  assert.deepEqual([first.code, first.stdout], [0, "t\n"], first.stderr);
  assert.match(first.stderr, /epoch 4\/4/);
  assert.ok(!existsSync(join(folder, "t/omega.jsonl")));
  const [again, more, done] = runCommands(
    [
      ["train", "--preset", "nanda", ...settings, "--epochs", "4", "--out", "t"],
      ["train", "--resume", "t", "--epochs", "6", "--no-omega"],
      ["train", "--resume", "t"],
    ],
    folder,
  );
  assert.equal(again?.code, 2);
  assert.match(again?.stderr ?? "", /never overwritten/);
  assert.equal(more?.code, 0, more?.stderr);
  assert.ok(existsSync(join(folder, "t/step-000000006.safetensors")));
  assert.equal(done?.code, 2);
  assert.match(done?.stderr ?? "", /has 6 epochs already/);
});
