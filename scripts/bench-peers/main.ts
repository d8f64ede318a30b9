/**
 * `npm run bench:peers`: one epoch of training by this project, PyTorch and JAX on the same device, in turn. All must agree on
 * the losses of the first epochs without dropout, else there is no table. See docs/performance.md.
 *
 * Options: `--python PATH`: an interpreter that has the frameworks, instead of the virtual environment; `--no-install`: the
 * environment as it is; `--runtimes onnx,webgpu` (default: all that work); `--preset nanda|miiii` (default: both);
 * `--sizes full|small`; `--only WORD`: peers whose name contains it (again for more); `--seconds` a block; `--rounds`;
 * `--threads`; `--json FILE`: all numbers as well.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { exportNpz } from "../../src/checkpoint/index.ts";
import { type Json, messageOf } from "../../src/core/index.ts";
import { initParameters, type RunConfig } from "../../src/model/index.ts";
import { headsOf, headWeights, makeSplit } from "../../src/tasks/index.ts";
import { type StepFlops, stepFlops } from "../lib/products.ts";
import { hasCuda, inspectPython, preparePython } from "../lib/python.ts";
import { chosenRuntimes } from "../lib/runtimes.ts";
import { benchConfigs } from "../lib/steps.ts";
import { columns, median, runsIn } from "../lib/timing.ts";
import { ourCompetitor } from "./ours.ts";
import { type Competitor, type Description, nameOf, startPeer, type Variant } from "./peer.ts";

const PACKAGES = ["numpy", "torch", "jax"] as const;
/** Epochs without dropout over which losses are compared, and by how much they may differ, relatively. */
const CHECKED = 4;
const TOLERANCE = { highest: 1e-4, tf32: 1e-2 } as const;
/**
 * Which variants run where. A CUDA graph and TF32 need CUDA; without it a jitted epoch stands beside the scan, which XLA may run
 * with fewer threads.
 */
const VARIANTS: readonly (Variant & { readonly on: "cpu" | "cuda" | "both" })[] = [
  { script: "torch_peer", variant: "eager", positions: "all", precision: "highest", on: "both" },
  { script: "torch_peer", variant: "compile", positions: "all", precision: "highest", on: "both" },
  { script: "torch_peer", variant: "compile", positions: "last", precision: "highest", on: "cpu" },
  { script: "torch_peer", variant: "graph", positions: "all", precision: "highest", on: "cuda" },
  { script: "torch_peer", variant: "graph", positions: "last", precision: "highest", on: "cuda" },
  { script: "torch_peer", variant: "graph", positions: "all", precision: "tf32", on: "cuda" },
  { script: "torch_peer", variant: "graph", positions: "last", precision: "tf32", on: "cuda" },
  { script: "jax_peer", variant: "step", positions: "all", precision: "highest", on: "cpu" },
  { script: "jax_peer", variant: "scan", positions: "all", precision: "highest", on: "both" },
  { script: "jax_peer", variant: "step", positions: "last", precision: "highest", on: "cpu" },
  { script: "jax_peer", variant: "scan", positions: "last", precision: "highest", on: "both" },
  { script: "jax_peer", variant: "scan", positions: "all", precision: "tf32", on: "cuda" },
  { script: "jax_peer", variant: "scan", positions: "last", precision: "tf32", on: "cuda" },
];

interface Result {
  readonly size: string;
  readonly name: string;
  readonly ours: boolean;
  readonly precision: string;
  readonly epochsPerBlock: number;
  /** Milliseconds an epoch, of each block. */
  readonly blocks: readonly number[];
  readonly msPerEpoch: number;
  readonly startSeconds: number;
  /** Largest relative difference of a loss from this project's. */
  readonly lossDifference: number;
}

const say = (line: string) => process.stderr.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    ...{ python: { type: "string" }, "no-install": { type: "boolean" }, runtimes: { type: "string" } },
    ...{ preset: { type: "string" }, sizes: { type: "string", default: "full" }, only: { type: "string", multiple: true } },
    ...{ seconds: { type: "string", default: "2" }, rounds: { type: "string", default: "5" } },
    ...{ threads: { type: "string" }, json: { type: "string" } },
  },
});
const threads = values.threads === undefined ? availableParallelism() : Number(values.threads);
const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];

function worstDifference(found: readonly number[][], expected: readonly number[][]): number {
  const gaps = expected.flatMap((heads, epoch) =>
    heads.map((loss, head) => Math.abs((found[epoch]?.[head] ?? Number.NaN) - loss) / Math.abs(loss)),
  );
  return gaps.reduce((worst, gap) => (gap <= worst ? worst : gap), 0);
}

/** Starts the peers that suit the device; why others do not run goes to stderr. */
async function startPeers(python: string, folder: string, question: { readonly [name: string]: Json }) {
  const started: { competitor: Competitor; description: Description }[] = [];
  const here = hasCuda(python) ? "cuda" : "cpu";
  for (const { on, ...variant } of VARIANTS) {
    const name = nameOf(variant);
    if ((on !== "both" && on !== here) || (values.only?.every((word) => !name.includes(word)) ?? false)) continue;
    try {
      const peer = await startPeer(python, variant, mkdtempSync(join(folder, "cache-")), question);
      if (variant.precision === "tf32" && !peer.description.cuda) {
        await peer.competitor.close();
        throw new Error("computes on the CPU");
      }
      started.push(peer);
    } catch (error) {
      say(`  ${name}: does not run here: ${messageOf(error)}`);
    }
  }
  return started;
}

/** All competitors on one size. */
async function measure(size: string, config: RunConfig, python: string, folder: string): Promise<Result[]> {
  const heads = headsOf(config);
  const weights = join(folder, `${size}.npz`);
  exportNpz(weights, { config, parameters: initParameters(config, config.seed) });
  const { train: samples } = makeSplit(config.p, config.train_fraction, config.seed);
  const question: { readonly [name: string]: Json } = {
    ...{ config: { ...config }, heads: heads.map(({ classes }) => classes), weights, threads, samples: Array.from(samples) },
    headWeights: Array.from(headWeights(heads).data),
  };
  say(`${size}: B = ${samples.length}, starting the competitors`);
  const ours: Competitor[] = [];
  for (const found of await chosenRuntimes(values.runtimes, threads)) ours.push(await ourCompetitor(found, config));
  const peers = await startPeers(python, folder, question);
  for (const { version, device } of new Map(peers.map((peer) => [peer.description.version, peer.description])).values()) {
    say(`  ${version}, ${device}`);
  }
  const all = [...ours, ...peers.map(({ competitor }) => competitor)];
  try {
    const entries: { competitor: Competitor; difference: number; epochs: number; blocks: number[] }[] = [];
    let expected: number[][] | undefined;
    for (const competitor of all) {
      let losses: number[][];
      let probe: number;
      try {
        losses = await competitor.losses(CHECKED);
        await competitor.block(CHECKED);
        probe = await competitor.block(CHECKED);
      } catch (error) {
        if (ours.includes(competitor)) throw error;
        say(`  ${competitor.name}: does not run here: ${messageOf(error)}`);
        continue;
      }
      expected ??= losses;
      const difference = worstDifference(losses, expected);
      say(
        `  ${competitor.name}: ready after ${competitor.startSeconds().toFixed(1)} s, losses within ${difference.toExponential(1)}`,
      );
      if (!(difference <= TOLERANCE[competitor.precision])) {
        throw new Error(
          `${size}: ${competitor.name} computes another loss: apart by ${difference}, so there is nothing to compare`,
        );
      }
      const epochs = runsIn(seconds, (probe * 1000) / CHECKED, 2);
      await competitor.block(epochs); // a scan of another length is compiled anew
      entries.push({ competitor, difference, epochs, blocks: [] });
    }
    for (let round = 0; round < rounds; round++) {
      for (const { competitor, epochs, blocks } of entries) blocks.push(((await competitor.block(epochs)) * 1000) / epochs);
    }
    return entries.map(({ competitor, difference, epochs, blocks }) => ({
      ...{ size, name: competitor.name, ours: ours.includes(competitor), precision: competitor.precision },
      ...{ epochsPerBlock: epochs, blocks, msPerEpoch: median(blocks) },
      ...{ startSeconds: competitor.startSeconds(), lossDifference: difference },
    }));
  } finally {
    for (const competitor of all) await competitor.close();
  }
}

function table(results: readonly Result[], flops: StepFlops): string {
  const best = Math.min(...results.filter(({ ours }) => ours).map(({ msPerEpoch }) => msPerEpoch));
  return columns([
    ["", "ms/epoch", "least–most", "GFLOP/s", "time to ours", "start, s", "loss differs by"],
    ...results.map((row) => [
      row.name,
      row.msPerEpoch.toPrecision(4),
      `${Math.min(...row.blocks).toPrecision(4)}–${Math.max(...row.blocks).toPrecision(4)}`,
      (flops.tables / row.msPerEpoch / 1e6).toFixed(0),
      (row.msPerEpoch / best).toFixed(2),
      row.startSeconds.toFixed(1),
      row.lossDifference === 0 ? "0" : row.lossDifference.toExponential(1),
    ]),
  ]);
}

const HERE = fileURLToPath(new URL(".", import.meta.url));
const requirements = [join(HERE, "..", "peers", "requirements.txt"), join(HERE, "requirements.txt")];
const python =
  values.python === undefined
    ? preparePython(requirements, PACKAGES, values["no-install"] !== true, say)
    : inspectPython(values.python, PACKAGES);
const configs = benchConfigs(values.sizes === "small");
const sizes = Object.entries(configs).filter(([name]) => values.preset === undefined || name === values.preset);
const absent = PACKAGES.filter((name) => python.versions[name] === undefined);
if (python.path === undefined || absent.includes("numpy") || absent.length > 1 || sizes.length === 0) {
  say(
    sizes.length === 0
      ? `--preset: must be nanda or miiii, got ${values.preset}`
      : `${python.python}: lacks ${absent.join(", ")}`,
  );
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "miiii-bench-peers-"));
const results: Result[] = [];
try {
  const versions = Object.entries(python.versions).map(([name, version]) => `${name} ${version}`);
  console.log(
    `${cpus()[0]?.model.trim()}, ${threads} threads, Node ${process.version}; ${python.python}, ${versions.join(", ")}`,
  );
  for (const [size, config] of sizes) {
    const found = await measure(size, config, python.path, folder);
    results.push(...found);
    const batch = makeSplit(config.p, config.train_fraction, config.seed).train.length;
    const flops = stepFlops(config, batch);
    const giga = (count: number) => `${(count / 1e9).toFixed(1)} GFLOP`;
    console.log(`\n${size}: p = ${config.p}, d = ${config.d_model}, ${headsOf(config).length} heads, B = ${batch}`);
    console.log(
      `rates by one count, ${giga(flops.tables)} an epoch (last position, tables); three positions take ${giga(flops.threePositions)}\n`,
    );
    console.log(table(found, flops));
  }
  if (values.json !== undefined) {
    writeFileSync(
      values.json,
      `${JSON.stringify({ python: python.python, versions: python.versions, threads, results }, null, 2)}\n`,
    );
  }
} catch (error) {
  say(messageOf(error));
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
