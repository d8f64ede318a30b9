import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  appendJsonLine,
  checkParameters,
  createRunDirectory,
  encodeSafetensors,
  isRunDirectory,
  listCheckpoints,
  lockRun,
  openRunDirectory,
  type RunHeader,
  readCheckpoint,
  readFileBytes,
  readHistory,
  readJsonLines,
  readLastCheckpoint,
  readMetrics,
  readOmega,
  readResume,
  runFiles,
  splitHash,
  sweepTemporaries,
  temporaryBeside,
  tensorsOf,
  truncateJsonLines,
  writeCheckpoint,
  writeFileAtomic,
  writeResume,
} from "../src/checkpoint/index.ts";
import { float32, int32, MiiiiError, type NdArray } from "../src/core/index.ts";
import { initParameters, layeredConfig, type MetricsRow, perParameter, type RunConfig } from "../src/model/index.ts";

const config: RunConfig = {
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
const header: RunHeader = { miiii: "0.1.0", config, split_hash: "ab", runtime: "onnx", versions: { node: "20" }, note: [1, 2] };
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

function inFolder(run: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "miiii-test-"));
  try {
    run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const fails = (run: () => unknown, code: string, pattern: RegExp) =>
  assert.throws(run, (error: Error & { code?: string }) => {
    assert.ok(error instanceof MiiiiError, String(error.stack));
    assert.match(error.message, pattern);
    assert.equal(error.code, code);
    assert.ok(!error.message.includes("\n"));
    return true;
  });

test("writeFileAtomic replaces a file whole and leaves nothing else behind, failing or not", () =>
  inFolder((folder) => {
    const path = join(folder, "a.bin");
    writeFileAtomic(path, new Uint8Array([1, 2, 3]));
    writeFileAtomic(path, new Uint8Array([4]));
    assert.deepEqual([...readFileBytes(path)], [4]);
    mkdirSync(join(folder, "taken", "full"), { recursive: true });
    fails(() => writeFileAtomic(join(folder, "taken"), new Uint8Array([1])), "io", /taken: cannot be written: E[A-Z]+/);
    fails(() => writeFileAtomic(join(folder, "none", "a"), new Uint8Array([1])), "io", /none\/a: cannot be written: ENOENT/);
    assert.deepEqual(readdirSync(folder).sort(), ["a.bin", "taken"]);
  }));

test(
  "writeFileAtomic says so where the folder may not be written to",
  { skip: process.getuid?.() === 0 && "root may write anywhere" },
  () =>
    inFolder((folder) => {
      chmodSync(folder, 0o500);
      fails(
        () => writeFileAtomic(join(folder, "a"), new Uint8Array([1])),
        "io",
        /a: cannot be written: EACCES: permission denied$/,
      );
      chmodSync(folder, 0o700);
    }),
);

test(
  "writeFileAtomic writes through devices, and a full one is an io error",
  { skip: !existsSync("/dev/full") && "no /dev/full here" },
  () =>
    inFolder((folder) => {
      for (const name of ["full", "null"]) symlinkSync(`/dev/${name}`, join(folder, name));
      fails(
        () => writeFileAtomic(join(folder, "full"), new Uint8Array([1])),
        "io",
        /full: cannot be written: ENOSPC: no space left on device$/,
      );
      writeFileAtomic(join(folder, "null"), new Uint8Array([1]));
      assert.ok(statSync("/dev/null").isCharacterDevice() && lstatSync(join(folder, "null")).isSymbolicLink());
      assert.deepEqual(readdirSync(folder).sort(), ["full", "null"]);
    }),
);

test("writeFileAtomic keeps symbolic links and modes, and takes no name that is there", () =>
  inFolder((folder) => {
    const [target, link] = [join(folder, "target"), join(folder, "link")];
    writeFileSync(target, "old");
    // The usual umask would take the group's right to write.
    chmodSync(target, 0o664);
    symlinkSync("target", link);
    writeFileAtomic(link, new TextEncoder().encode("new"));
    assert.ok(lstatSync(link).isSymbolicLink());
    assert.equal(readFileSync(target, "utf8"), "new");
    assert.equal(statSync(target).mode & 0o777, 0o664);
    assert.notEqual(temporaryBeside(target), temporaryBeside(target));
  }));

test("what dead processes left half-written is swept, what the living write is not", () =>
  inFolder((folder) => {
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    const names = [`.a.${dead}.0123456789ab.tmp`, `.a.${dead}.tmp`, `.a.1.0123456789ab.tmp`, "a.tmp", ".hidden"];
    for (const name of names) writeFileSync(join(folder, name), "");
    sweepTemporaries(folder);
    assert.deepEqual(readdirSync(folder).sort(), [".a.1.0123456789ab.tmp", ".hidden", "a.tmp"]);
  }));

test("readFileBytes tells a missing file from a folder", () =>
  inFolder((folder) => {
    fails(() => readFileBytes(join(folder, "a")), "io", /a: no such file$/);
    fails(() => readFileBytes(folder), "io", /must be a file, is a directory$/);
    writeFileSync(join(folder, "f"), "");
    fails(() => readFileBytes(join(folder, "f", "a")), "io", /a: (no such file|cannot be read: ENOTDIR)/);
  }));

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

const scores = { loss: [0.5], accuracy: [0.25] };
const tick = (epoch: number): MetricsRow => ({
  epoch,
  train: scores,
  validation: scores,
  objective: 0.5,
  weight_norms: { "embed.W_E": epoch / 3 },
});

test("rows are appended, read, cut for resuming; a half-written last line is dropped and said so", () =>
  inFolder((folder) => {
    const run = createRunDirectory(folder, header);
    const path = runFiles.metrics(run);
    assert.deepEqual(readMetrics(run), { rows: [], warnings: [] });
    assert.deepEqual(readOmega(run), { rows: [], warnings: [] });
    for (const epoch of [0, 1, 2, 4]) appendJsonLine(path, tick(epoch));
    assert.deepEqual(readMetrics(run).rows.at(-1), tick(4));

    writeFileSync(path, '{"epoch":5,"lo', { flag: "a" });
    const half = readMetrics(run);
    assert.equal(half.rows.length, 4);
    assert.deepEqual(half.warnings, [`${path}: the last line is half-written and left out`]);
    appendJsonLine(path, tick(6));
    assert.deepEqual(
      readJsonLines(path).rows.map(({ epoch }) => epoch),
      [0, 1, 2, 4, 6],
    );

    writeFileSync(path, "\0\0\0\n", { flag: "a" });
    assert.equal(readMetrics(run).warnings.length, 1);
    assert.equal(truncateJsonLines(path, 2), 2);
    assert.deepEqual(readJsonLines(path), { rows: [0, 1, 2].map(tick), warnings: [] });
    assert.equal(truncateJsonLines(join(folder, "none"), 2), 0);
  }));

test("two processes' rows in one file are read up to where they cross, and said so; resuming cuts the rest away", () =>
  inFolder((folder) => {
    const path = join(folder, "m.jsonl");
    for (const epoch of [1, 2, 3, 2, 3, 4]) writeFileSync(path, `{"epoch":${epoch}}\n`, { flag: "a" });
    const { rows, warnings } = readJsonLines(path);
    assert.deepEqual(
      rows.map(({ epoch }) => epoch),
      [1, 2, 3],
    );
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /line 4: epochs must ascend, got 2 after 3 .*; this and the 2 lines after it are left out/);
    // A row that comes twice crosses as well.
    writeFileSync(join(folder, "twice.jsonl"), '{"epoch":1}\n{"epoch":1}\n');
    assert.deepEqual(readJsonLines(join(folder, "twice.jsonl")).rows, [{ epoch: 1 }]);
    truncateJsonLines(path, 9);
    assert.equal(readFileSync(path, "utf8"), '{"epoch":1}\n{"epoch":2}\n{"epoch":3}\n');
    const options = { unordered: true } as const;
    for (const epoch of [3, 1]) appendJsonLine(path, { epoch });
    assert.equal(readJsonLines(path, options).rows.length, 5);
  }));

test("rows that are wrong elsewhere are errors by line", () =>
  inFolder((folder) => {
    const path = join(folder, "m.jsonl");
    const broken = (text: string, pattern: RegExp) => {
      writeFileSync(path, text);
      fails(() => readJsonLines(path), "input", pattern);
    };
    broken('{"epoch":0}\nx\n{"epoch":2}\n', /line 2: must be valid JSON/);
    broken('{"epoch":0}\nx\n{"epo', /line 2: must be valid JSON/);
    broken('{"epoch":-1}\n{"epoch":2}\n', /line 1: must be an object with an epoch from 0 to 1000000000, got -1/);
    broken('{"epoch":9007199254740991}\n', /line 1: .* got 9007199254740991/);
    broken("[]\n", /line 1: must be an object with an epoch, got \[\]/);
    fails(
      () => appendJsonLine(path, { epoch: 1, loss: Number.NaN } as { epoch: number }),
      "numeric",
      /epoch 1.loss: must be finite, got NaN/,
    );
    fails(() => appendJsonLine(folder, { epoch: 1 }), "io", /cannot be written: EISDIR/);
  }));

test("rows of metrics, frequencies and history are checked field by field", () =>
  inFolder((folder) => {
    const write = (name: string, value: object) => writeFileSync(join(folder, name), `${JSON.stringify(value)}\n`);
    const metrics = (change: object, pattern: RegExp) => {
      write("metrics.jsonl", { ...tick(3), ...change });
      fails(() => readMetrics({ path: folder }), "input", pattern);
    };
    metrics({ train: undefined }, /metrics.jsonl: line 1: train must hold loss and accuracy, got nothing/);
    metrics({ validation: { ...scores, accuracy: [1, 1] } }, /line 1: validation.accuracy: must hold 1 numbers, got 2/);
    metrics({ validation: { ...scores, loss: ["1"] } }, /line 1: validation.loss\[0\]: must be a number, got "1"/);
    metrics({ objective: null }, /line 1: objective: must be a number, got null/);
    metrics({ weight_norms: [1] }, /line 1: weight_norms: must map tensors to numbers, got \[1\]/);
    metrics({ gradient_norms: { "embed.W_E": "x" } }, /line 1: gradient_norms.embed.W_E: must be a number, got "x"/);

    const bins = [0, 1];
    const statistics = { epoch: 1, sound_mean: 1, nominal_mean: 2, sound_by_omega0: bins, sound_by_omega1: bins };
    const whole = { ...statistics, nominal_by_omega0: bins, nominal_by_omega1: bins, paper_bins: [bins] };
    write("omega.jsonl", whole);
    assert.deepEqual(readOmega({ path: folder }).rows, [whole]);
    const omega = (change: object, pattern: RegExp) => {
      write("omega.jsonl", { ...whole, ...change });
      fails(() => readOmega({ path: folder }), "input", pattern);
    };
    omega({ sound_by_omega1: [1] }, /omega.jsonl: line 1: sound_by_omega1: must hold 2 numbers, got 1/);
    omega({ paper_bins: [bins, bins, bins, bins] }, /line 1: paper_bins must be at most three lists/);
    omega({ paper_bins: [[1]] }, /line 1: paper_bins\[0\]: must hold 2 numbers, got 1/);

    const stretch = { epoch: 5, from_epoch: 0, wall_seconds: 1, runtime: "onnx", device: "d", versions: {}, interrupted: false };
    write("history.jsonl", { ...stretch, device: 3 });
    fails(() => readHistory({ path: folder }), "input", /history.jsonl: line 1: device must be a string, got 3/);
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
