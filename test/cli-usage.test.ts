import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { trainCommand } from "../src/api/provenance.ts";
import { configOverrides, dashed } from "../src/cli/config-options.ts";
import { editDistance, nearest } from "../src/core/nearest.ts";
import { CONFIG_FIELDS } from "../src/model/index.ts";
import { presetConfig } from "../src/train/presets.ts";
import { runCommands, spawnCli, TSX } from "./helpers/cli.ts";
import { ROOT } from "./helpers/source.ts";

const folder = mkdtempSync(join(tmpdir(), "miiii-cli-"));
after(() => rmSync(folder, { recursive: true, force: true }));

type Refusal = readonly [code: number, pattern: RegExp, ...args: string[]];

/** Fails unless each command ended with its code, printed nothing on stdout and one line on stderr that its pattern matches. */
function refuses(...refusals: readonly Refusal[]): void {
  const results = runCommands(refusals.map(([, , ...args]) => args));
  for (const [i, [code, pattern, ...args]] of refusals.entries()) {
    const result = results[i];
    assert.ok(result !== undefined);
    const said = `miiii ${args.join(" ")} said ${result.stderr}`;
    assert.equal(result.code, code, said);
    assert.equal(result.stdout, "", said);
    assert.match(result.stderr, /^miiii: [^\n]+\n$/, said);
    assert.match(result.stderr, pattern, said);
  }
}

test("edit distance: insertions, deletions, replacements, swaps", () => {
  assert.equal(editDistance("svd", "svd"), 0);
  assert.equal(editDistance("sdv", "svd"), 1);
  assert.equal(editDistance("", "fft"), 3);
  assert.equal(editDistance("fourrier", "fourier"), 1);
  assert.equal(editDistance("kitten", "sitting"), 3);
  assert.equal(nearest("forier", ["fft", "fourier", "norms"]), "fourier");
  assert.equal(nearest("attn", ["fft", "attention", "norms"]), undefined);
  assert.equal(nearest("atten", ["fft", "attention", "norms"]), "attention");
  assert.equal(nearest("zzzzzz", ["fft", "fourier"]), undefined);
});

test("a process of its own: help on stdout, usage errors exit 2 on stderr, a stack only with --debug", () => {
  const help = spawnCli(["--help"]);
  assert.equal(help.code, 0);
  for (const command of ["train", "analyze", "report", "inspect", "metrics", "runtimes", "import", "export", "completion"]) {
    assert.match(help.stdout, new RegExp(`miiii ${command}`));
  }
  const wrong = spawnCli(["tran"]);
  assert.deepEqual(wrong, { code: 2, stdout: "", stderr: 'miiii: unknown command "tran"; did you mean train?\n' });
  const debug = spawnCli(["inspect", join(folder, "nothing"), "--debug"]);
  assert.equal(debug.code, 1);
  assert.match(debug.stderr, /\n {4}at /);
});

test("unknown names get the nearest", () => {
  refuses(
    [2, /a command must be given: train, sweep, analyze/],
    [2, /unknown analysis "forier"; did you mean fourier\?/, "analyze", "forier", "x"],
    [2, /unknown option "--grokfast-lamda"; did you mean --grokfast-lambda\?/, "train", "--grokfast-lamda", "1"],
    [2, /unknown option "--jsn"; did you mean --json\?/, "analyze", "svd", "x", "--jsn"],
    [2, /unknown --preset "nnda"; did you mean nanda\?/, "train", "--preset", "nnda"],
    [2, /unexpected argument "extra"/, "train", "extra"],
  );
});

test("words of other tools, and ours in another order, lead to what is meant", () => {
  const preset = ["train", "--preset", "nanda"];
  const file = join(folder, "sweep.yaml");
  writeFileSync(file, "study: x\n");
  refuses(
    [2, /unknown command "evaluate"; did you mean miiii inspect CHECKPOINT --evaluate\?/, "evaluate", "x"],
    [2, /unknown command "help"; did you mean miiii --help\?/, "help"],
    [2, /unknown option "--gpu"; did you mean --runtime\?/, ...preset, "--gpu"],
    [2, /unknown option "--task"; did you mean --preset\?/, ...preset, "--task", "add"],
    [2, /unknown option "--batch-size": each step is on all training samples/, ...preset, "--batch-size", "32"],
    [2, /unknown option "-v"; did you mean --version\?/, "-v"],
    [2, /--mask-primes: must be primes between commas, such as 2,3,5, got "2 3"/, ...preset, "--mask-primes", "2 3"],
    [2, /the analysis comes first; did you mean miiii analyze fourier nanda\?/, "analyze", "nanda", "fourier"],
    [2, /stand between commas; did you mean miiii analyze fourier,svd nanda\?/, "analyze", "fourier", "svd", "nanda"],
    [2, /--figure-width: is of a drawing, and --figure names none/, "analyze", "svd", "nanda", "--figure-width", "900"],
    [1, /https:\/\/x\.org\/m\.pth: must be on this machine: download it/, "inspect", "https://x.org/m.pth"],
    [1, /list: .*missing: must be a folder of runs, does not exist/, "list", join(folder, "missing")],
    [2, /import: needs the file to write, .*: miiii import FILE OUT/, "import", "x.pth"],
    [2, /the folder for a series without an ending, got out\.txt/, "import", "x.pth", "out.txt"],
    [2, /construct: --out must be given; see miiii construct --help/, "construct"],
    [2, /sweep\.yaml: space: must be given: what to search/, "sweep", "run", file],
  );
});

test("wrong values and contradictions are refused", () => {
  const shipped = join(ROOT, "fixtures/nanda");
  const preset = ["train", "--preset", "nanda", "--out", join(folder, "never")];
  refuses(
    [2, /--lr: must be a number, got "fast"/, ...preset, "--lr", "fast"],
    [2, /--epochs: must be an integer, got 1\.5/, ...preset, "--epochs", "1.5"],
    [2, /--lr: must be given once, got 1 and 2/, ...preset, "--lr", "1", "--lr", "2"],
    [2, /--out: must be given once/, ...preset, "--out", "b"],
    [2, /--seed: a value must follow/, ...preset, "--seed"],
    [2, /p: must be a prime from 5 to 251, got 12/, ...preset, "--p", "12"],
    [2, /dropout: must be in \[0, 1\), got 1/, ...preset, "--dropout", "1"],
    [2, /--threads: must be at least 1, got 0/, ...preset, "--threads", "0"],
    [2, /preset nanda: has no fast variant/, ...preset, "--fast"],
    [2, /--preset, --config or --resume must be given/, "train"],
    [2, /--resume .* excludes --preset, --lr/, "train", "--resume", folder, "--preset", "nanda", "--lr", "1"],
    [2, /--csv, --tidy or --json, got --csv and --json/, "metrics", folder, "--csv", "--json"],
    [2, /--figure draws one analysis/, "analyze", "all", folder, "--figure", "x.svg"],
    [2, /must end in .html, .svg, .png, .pdf or .vl.json, got x\.gif/, "analyze", "svd", folder, "--figure", "x.gif"],
    [2, /different files/, "analyze", "svd", folder, "--figure", "x.svg", "--out", "x.svg"],
    [2, /a checkpoint must be given/, "analyze", "svd"],
    [2, /an argument is missing/, "inspect"],
    [2, /--shuffle-labels: must be true or false, got "maybe"/, ...preset, "--shuffle-labels=maybe"],
    [2, /--json: must be true or false, got "1"/, "analyze", "svd", folder, "--json=1"],
    [2, /--out: must not be empty/, "train", "--preset", "nanda", "--out", ""],
    [2, /--resume: must not be empty/, "train", "--resume", ""],
    [2, /checkpoint: must not be empty/, "inspect", ""],
    [2, /epochs: must be an integer of at least 0, got 1e\+99/, ...preset, "--epochs", "1e99"],
    [
      2,
      /d_model: must be a multiple of n_heads = 3 where d_head is not given, got 32/,
      ...preset,
      "--d-model",
      "32",
      "--n-heads",
      "3",
    ],
    [2, /d_model = 1000000000, .*: must be at most 268435456 weights/, ...preset, "--d-model", "1000000000"],
    [2, /circuits: samples must be an integer from 1 to 63001, got 0/, "report", folder, "--samples", "0"],
    [2, /svd: draws must be an integer from 39 to 1000, got 5/, "analyze", "svd", folder, "--draws", "5"],
    [2, /svd: vectors must be an integer from 1 to 40, got 0/, "analyze", "svd", folder, "--vectors", "0"],
    [2, /fft: examples must be an integer from 0 to 12, got 99/, "analyze", "fft", folder, "--examples", "99"],
    [2, /--draws: must be an integer, got 12\.5/, "analyze", "fourier", folder, "--draws", "12.5"],
    [2, /--seed: must be an integer from 0 to 2\^32 − 1, got -1/, "analyze", "svd", folder, "--seed", "-1"],
    [2, /--seed: must be an integer from 0 to 2\^32 − 1, got 1e\+30/, "report", folder, "--seed", "1e30"],
    [2, /the page must be named \*\.html, got x\.pdf/, "report", folder, "--out", "x.pdf"],
    [
      2,
      /nanda: must hold resume\.safetensors to be resumed, has checkpoints alone/,
      "train",
      "--resume",
      shipped,
      "--epochs",
      "20000",
    ],
  );
  assert.ok(!readdirSync(folder).includes("never"));
});

test("files that are not there, or not what they must be, are named in one line", () => {
  const missing = join(folder, "missing");
  refuses(
    [1, /missing: must be a checkpoint file, a run directory or a shipped run/, "analyze", "svd", missing],
    [1, /missing: no such run directory/, "train", "--resume", missing],
  );
  const empty = join(folder, "empty");
  mkdirSync(empty);
  refuses([1, /empty: must hold config\.json/, "inspect", empty]);
  const text = join(folder, "text.safetensors");
  writeFileSync(text, "no safetensors at all");
  refuses(
    [1, /text\.safetensors: is text, not a model; it begins "no safetensors at all"/, "inspect", text],
    [2, /a group of runs must have a label/, "analyze", "svd", `${missing},${empty}`],
    [1, /split\.json: no such file/, "analyze", "svd", text, "--split", join(folder, "split.json")],
  );
});

test("an output that cannot be written is found before the work", () => {
  // The checkpoint does not exist: were it looked at first, the message would be about it.
  refuses(
    [
      1,
      /no\/x\.json: cannot be written: the folder .*no must exist/,
      "analyze",
      "svd",
      "gone",
      "--out",
      join(folder, "no/x.json"),
    ],
    [1, /must be a file to write to, is a folder/, "analyze", "svd", "gone", "--out", folder],
  );
  const svg = join(folder, "no/x.svg");
  refuses(
    [1, /the folder .*no must exist/, "analyze", "svd", "gone", "--figure", svg],
    [1, /the folder .*no must exist/, "report", "gone", "--out", join(folder, "no/x.html")],
  );
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith(".")),
    [],
  );
});

test("a folder where none can be made, a full disk behind stdout: one line, and an end", {
  skip: process.platform !== "linux",
}, () => {
  refuses([
    1,
    /\/proc\/miiii\/run: cannot be made: ENOENT/,
    "train",
    "--preset",
    "nanda",
    "--p",
    "5",
    "--threads",
    "1",
    "--out",
    "/proc/miiii/run",
  ]);
  const { status, stderr } = spawnSync(
    "sh",
    ["-c", `"$0" --import "$1" "$2" inspect nanda > /dev/full`, process.execPath, TSX, join(ROOT, "src/cli/main.ts")],
    {
      encoding: "utf8",
    },
  );
  assert.equal(status, 1);
  assert.equal(stderr, "miiii: stdout: no space left on the device\n");
});

test("the command in a report trains the same configuration", () => {
  const config = presetConfig("basis", { p: 59, seed: 3, dropout_mask: "step", shuffle_labels: true }, true);
  assert.equal(trainCommand(config), "miiii train --preset basis --fast --p 59 --seed 3 --shuffle-labels --dropout-mask step");
  assert.equal(trainCommand(presetConfig("miiii-fast")), "miiii train --preset miiii-fast");
  assert.equal(trainCommand({}), undefined);
});

test("tensors may be named in short", () => {
  assert.deepEqual(configOverrides({ "no-decay": "W_E, unembed.W_U" }).no_decay, ["embed.W_E", "unembed.W_U"]);
  assert.deepEqual(configOverrides({ "no-decay": "none" }).no_decay, []);
  assert.throws(() => presetConfig("nanda", configOverrides({ "no-decay": "W_X" })), /no_decay: must be .*, got W_X/);
});

test("every setting is an option of train", () => {
  const { stdout } = spawnCli(["train", "--help"]);
  for (const field of CONFIG_FIELDS) {
    if (field === "task") continue;
    assert.match(stdout, new RegExp(`(^|\\s)--?${dashed(field)}\\s`), field);
  }
});

test("completion: commands, options, presets, analyses; scripts for both shells", () => {
  const complete = (...words: string[]) =>
    spawnCli(["completion", "--words", ...words])
      .stdout.trim()
      .split("\n");
  assert.deepEqual(complete("tr"), ["train"]);
  assert.ok(complete("analyze", "f").includes("fourier"));
  assert.deepEqual(complete("train", "--preset", "no-"), ["no-grokfast", "no-dropout"]);
  assert.deepEqual(complete("train", "--grokfast-l"), ["--grokfast-lambda"]);
  const [bash, zsh] = runCommands([
    ["completion", "bash"],
    ["completion", "zsh"],
  ]);
  assert.match(bash?.stdout ?? "", /complete -o default -F _miiii miiii/);
  assert.match(zsh?.stdout ?? "", /compdef _miiii miiii/);
});

test("list: shipped runs, runs of a folder and presets; other tools' names of options lead to ours", () => {
  const [list, json, unknown, several] = runCommands(
    [["list"], ["list", "--json"], ["train", "--preset", "nanda", "--learning-rate", "1"], ["analyze", "svd,fourier", "nanda"]],
    folder,
  );
  assert.equal(list?.code, 0, list?.stderr);
  assert.match(list?.stdout ?? "", /nanda +nanda +113 +0 +10000\/10000 +1\.000 +1\.000 +1\/1/);
  assert.match(list?.stdout ?? "", /no-dropout {4}miiii without dropout/);
  const { shipped } = JSON.parse(json?.stdout ?? "{}") as { shipped: { name: string; tasks: number }[] };
  assert.equal(shipped.find(({ name }) => name === "miiii-fast")?.tasks, 29);
  assert.deepEqual([unknown?.code, unknown?.stderr], [2, 'miiii: unknown option "--learning-rate"; did you mean --lr?\n']);
  assert.match(several?.stdout ?? "", /Singular values[\s\S]*stable rank[\s\S]*Fourier[\s\S]*key frequencies/);
});

test("a run's own config.json trains the same again", () => {
  const settings = ["--p", "11", "--d-model", "16", "--n-heads", "2", "--no-omega", "--threads", "1", "--epochs", "3"];
  const results = runCommands(
    [
      ["train", "--preset", "nanda", ...settings, "--lr", "0.002", "--out", "first"],
      ["train", "--config", "first/config.json", "--no-omega", "--threads", "1", "--out", "second"],
      ["train", "--config", "first/config.json", "--preset", "nanda"],
    ],
    folder,
  );
  assert.deepEqual(
    results.map(({ code }) => code),
    [0, 0, 2],
    results.map(({ stderr }) => stderr).join(""),
  );
  assert.match(results[0]?.stderr ?? "", /after 3 epochs: validation accuracy 0\.\d{3}; next: miiii analyze curves first, /);
  const bytes = (name: string, file: string) => readFileSync(join(folder, name, file));
  for (const file of ["config.json", "metrics.jsonl", "resume.safetensors"])
    assert.ok(bytes("first", file).equals(bytes("second", file)), file);
});
