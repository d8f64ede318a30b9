import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  checkParameters,
  createRunDirectory,
  encodeSafetensors,
  isRunDirectory,
  listCheckpoints,
  lockRun,
  openRunDirectory,
  readCheckpoint,
  readLastCheckpoint,
  readResume,
  runFiles,
  splitHash,
  tensorsOf,
  writeCheckpoint,
  writeFileAtomic,
  writeResume,
} from "../src/checkpoint/index.ts";
import { float32, int32, type NdArray } from "../src/core/index.ts";
import { initParameters, perParameter, type RunConfig } from "../src/model/index.ts";
import { fails } from "./helpers/fails.ts";
import { config, header, inFolder } from "./helpers/run-folder.ts";

const parameters = initParameters(config, 5);

/** What a lock of this process says. */
function lockTextOf(run: { readonly path: string }): string {
  const lock = lockRun(run);
  try {
    return readFileSync(join(run.path, "run.lock"), "utf8");
  } finally {
    lock.release();
  }
}

test("a run directory is made once, never overwritten, and opened again as it was", () =>
  inFolder((folder) => {
    const path = join(folder, "deep", "run");
    createRunDirectory(path, header);
    assert.deepEqual(openRunDirectory(path).header, header);
    assert.ok(isRunDirectory(path));
    assert.ok(!isRunDirectory(folder));
    fails(() => createRunDirectory(path, header), "usage", /run: must be new or empty/);
    writeFileSync(join(folder, "file"), "");
    fails(() => createRunDirectory(join(folder, "file"), header), "usage", /must be a folder for the run, is a file/);
    mkdirSync(join(folder, "empty"));
    createRunDirectory(join(folder, "empty"), header);
  }));

test("config.json is checked when a run is opened", () =>
  inFolder((folder) => {
    fails(() => openRunDirectory(join(folder, "none")), "io", /no such run directory/);
    fails(() => openRunDirectory(folder), "io", /must hold config.json/);
    const broken = (value: unknown, pattern: RegExp) => {
      writeFileSync(join(folder, "config.json"), typeof value === "string" ? value : JSON.stringify(value));
      fails(() => openRunDirectory(folder), "input", pattern);
    };
    broken("{", /config.json: must be valid JSON/);
    broken("[]", /config.json: must be an object/);
    broken({ ...header, config: { ...config, lr: "1" } }, /config.lr must be of kind number, got "1"/);
    broken({ ...header, config: { ...config, task: "toString" } }, /config.task must be one of nanda, miiii, basis, masked/);
    broken({ ...header, config: { ...config, p: 12 } }, /config.p must be a prime from 5 to 251, got 12/);
    broken({ ...header, config: { ...config, d_mlp: 0 } }, /config.d_mlp must be an integer of at least 1, got 0/);
    broken({ ...header, config: { ...config, epochs: undefined } }, /config.epochs must be of kind integer, got nothing/);
    broken({ ...header, config: { ...config, equals: false } }, /config.equals must be true in a run: models without '='/);
    broken({ ...header, runtime: 3 }, /runtime must be a string, got 3/);
    broken({ ...header, versions: { a: 1 } }, /versions must map names to strings/);
  }));

test("checkpoints are listed in order and read back bit for bit with config, epoch and digest", () =>
  inFolder((folder) => {
    const run = createRunDirectory(join(folder, "run"), header);
    for (const epoch of [1000, 0, 12345]) writeCheckpoint(run, epoch, parameters, { metadata: { extra: "yes" } });
    assert.deepEqual(
      listCheckpoints(run).map(({ epoch }) => epoch),
      [0, 1000, 12345],
    );
    assert.ok(existsSync(join(run.path, "step-000012345.safetensors")));
    const { checkpoint, warnings } = readLastCheckpoint(run);
    assert.deepEqual(warnings, []);
    assert.deepEqual(checkpoint.parameters, parameters);
    assert.deepEqual(checkpoint.config, config);
    assert.deepEqual(checkpoint.biases, []);
    assert.equal(checkpoint.epoch, 12345);
    assert.deepEqual(
      { ...checkpoint.metadata, config: "" },
      {
        format: "pt",
        miiii: "0.1.0",
        config: "",
        seed: "5",
        split_hash: "ab",
        epoch: "12345",
        runtime: "onnx",
        versions: '{"node":"20"}',
        extra: "yes",
      },
    );
    const other = createRunDirectory(join(folder, "other"), header);
    assert.equal(
      readCheckpoint(writeCheckpoint(other, 12345, parameters, { metadata: { extra: "yes" } })).sha256,
      checkpoint.sha256,
    );
  }));

test("a half-written last checkpoint is passed over with a warning; none at all is an error", () =>
  inFolder((folder) => {
    const run = createRunDirectory(join(folder, "run"), header);
    fails(() => readLastCheckpoint(run), "input", /run: must hold a checkpoint, has none/);
    const first = writeCheckpoint(run, 1, parameters);
    const last = writeCheckpoint(run, 2, parameters, { half: true });
    truncateSync(last, 2000);
    const { checkpoint, warnings } = readLastCheckpoint(run);
    assert.equal(checkpoint.epoch, 1);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /step-000000002\.safetensors: .*cut short.*; the checkpoint before it is used/);
    truncateSync(first, 5);
    fails(() => readLastCheckpoint(run), "input", /has 2, none of them readable: .*step-000000002/);
  }));

test("a checkpoint's tensors must be the model's, in name and shape", () => {
  const tensors = tensorsOf(parameters);
  const check = (change: (map: Map<string, NdArray>) => void) => () => {
    const copy = new Map(tensors);
    change(copy);
    return checkParameters(copy, config, "f");
  };
  assert.deepEqual(check(() => {})(), parameters);
  fails(
    check((map) => map.delete("blocks.0.attn.W_O")),
    "input",
    /^f: must hold every weight, lacks blocks.0.attn.W_O$/,
  );
  fails(
    check((map) => map.set("ln.w", float32([1], [1]))),
    "input",
    /has "ln.w"/,
  );
  fails(
    check((map) => map.set("embed.W_E", float32(new Float32Array(96), [8, 12]))),
    "input",
    /embed.W_E must have shape \[12, 8\] .*got \[8, 12\]/,
  );
  fails(
    check((map) => map.set("embed.W_E", int32(new Int32Array(96), [12, 8]))),
    "input",
    /embed.W_E must hold floats/,
  );
  fails(
    check((map) => map.set("blocks.0.mlp.b_in", float32([1], [1]))),
    "input",
    /b_in must have shape \[16\]/,
  );
  // One more class, for '=', is what imported models of addition have; it goes with a bias of the same width.
  const wide = check((map) => {
    map.set("unembed.W_U", float32(new Float32Array(96), [8, 12]));
    map.set("unembed.b_U", float32(new Float32Array(12), [12]));
  })();
  assert.deepEqual(wide["unembed.b_U"]?.shape, [12]);
  fails(
    check((map) => map.set("unembed.b_U", float32(new Float32Array(12), [12]))),
    "input",
    /b_U must have shape \[11\]/,
  );
});

test("a model file without config, or with a broken one, is refused", () =>
  inFolder((folder) => {
    const path = join(folder, "m.safetensors");
    const write = (metadata: Record<string, string>) => writeFileAtomic(path, encodeSafetensors(tensorsOf(parameters), metadata));
    write({});
    fails(() => readCheckpoint(path), "input", /metadata must hold the config/);
    write({ config: "{" });
    fails(() => readCheckpoint(path), "input", /metadata config: must be valid JSON/);
    write({ config: JSON.stringify(config), epoch: "1e3" });
    fails(() => readCheckpoint(path), "input", /metadata epoch must be a non-negative integer, got 1e3/);
    const { task, p, labels, shuffle_labels, d_model, n_heads, d_head, d_mlp } = config;
    const sizes = { task, p, labels, shuffle_labels, d_model, n_heads, d_head, d_mlp };
    write({ config: JSON.stringify(sizes) });
    const read = readCheckpoint(path);
    assert.deepEqual(read.config, sizes);
    assert.equal(read.epoch, undefined);
  }));

test("a run has one writer: its lock names the process, dead ones' are taken over, and it is noticed when it goes", () =>
  inFolder((folder) => {
    const run = createRunDirectory(folder, header);
    const path = join(folder, "run.lock");
    const lock = lockRun(run);
    fails(
      () => lockRun(run),
      "io",
      new RegExp(`must not be in training already, is by process ${process.pid} on .* since \\d{4}-`),
    );
    lock.refresh();
    lock.release();
    assert.ok(!existsSync(path));

    const holder = JSON.parse(lockTextOf(run));
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    for (const stale of [{ pid: dead }, { process_start: "1" }]) {
      writeFileSync(path, JSON.stringify({ ...holder, ...stale }));
      if (holder.process_start === null && !("pid" in stale)) continue;
      lockRun(run).release();
    }
    // Another machine's processes cannot be asked; its lock is fresh.
    writeFileSync(path, JSON.stringify({ ...holder, host: "elsewhere" }));
    fails(() => lockRun(run), "io", /on elsewhere since/);
    const long = new Date(Date.now() - 3_600_000);
    utimesSync(path, long, long);
    const own = lockRun(run);
    rmSync(path);
    fails(() => own.refresh(), "io", /must stay this process's own while it trains; its folder was emptied or taken over/);
    assert.deepEqual(readdirSync(folder), ["config.json"]);
  }));

test("a checkpoint of other settings than config.json's is not the run's", () =>
  inFolder((folder) => {
    const run = createRunDirectory(folder, header);
    writeCheckpoint(run, 1, parameters);
    const other = { path: folder, header: { ...header, config: { ...config, lr: 2e-3 } } };
    fails(() => readLastCheckpoint(other), "input", /step-000000001.safetensors: must belong to this run, its lr is 0.001/);
    readLastCheckpoint({ path: folder, header: { ...header, config: { ...config, epochs: 99 } } });
  }));

test("the resume state comes back bit for bit and only to its own run", () =>
  inFolder((folder) => {
    const run = createRunDirectory(join(folder, "a"), header);
    const scaled = (by: number) =>
      perParameter<NdArray>((name) =>
        float32(
          parameters[name].data.map((value) => value * by),
          parameters[name].shape,
        ),
      );
    const state = { epoch: 7, parameters, m: scaled(2), v: scaled(3), ema: scaled(5) };
    fails(() => readResume(run), "io", /resume.safetensors: no such file/);
    writeResume(run, state);
    assert.deepEqual(readResume(run).state, state);
    const { ema: _, ...without } = state;
    writeResume(run, without);
    assert.deepEqual(readResume(run).state, without);

    const bytes = readFileSync(runFiles.resume(run));
    const other = (change: { config: RunConfig } | { split_hash: string }) => {
      const made = createRunDirectory<RunConfig>(mkdtempSync(join(folder, "b-")), { ...header, ...change });
      writeFileSync(runFiles.resume(made), bytes);
      return made;
    };
    assert.equal(readResume(other({ config: { ...config, epochs: 20 } })).state.epoch, 7);
    fails(() => readResume(other({ config: { ...config, lr: 2e-3 } })), "input", /must belong to this run/);
    fails(() => readResume(other({ split_hash: "cd" })), "input", /must belong to this run/);
    const flipped = Uint8Array.from(bytes);
    flipped[bytes.length - 9] = (flipped[bytes.length - 9] ?? 0) ^ 1;
    writeFileSync(runFiles.resume(run), flipped);
    fails(() => readResume(run), "input", /resume.safetensors: its tensors must have the digest .*: the file is damaged/);
    writeFileSync(runFiles.resume(run), bytes);
    readResume(run);
    truncateSync(runFiles.resume(run), bytes.length - 1);
    fails(() => readResume(run), "input", /resume.safetensors: .*cut short/);
  }));

test("splitHash is the SHA-256 of little-endian int32", () => {
  // sha256 of the bytes 01 00 00 00 02 01 00 00, from coreutils' sha256sum.
  assert.equal(splitHash(Int32Array.from([1, 258])), "fb8bbe2ad3ab5292f19bc5d75bbab9b5fbddc5a78ce47ab41b2d3d59bca08596");
});
