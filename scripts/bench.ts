/**
 * `npm run bench`: how fast this machine runs the step, the transforms and the commands. Competitors run in turn in one process; what is
 * printed are medians and ratios of medians. Nothing here is asserted.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { float32, float64, type NdArray, randomStream, sizeOf } from "../src/core/index.ts";
import { fft2 } from "../src/math/index.ts";
import {
  initParameters,
  PARAMETER_NAMES,
  type RunConfig,
  stepProgram,
  tableRows,
  targetColumns,
  zeroParameters,
} from "../src/model/index.ts";
import type { ProgramSource } from "../src/ops/index.ts";
import { type Arrays, onnxRuntime } from "../src/runtimes/index.ts";
import { headsOf, logitsOf, makeDataset, makeSplit } from "../src/tasks/index.ts";
import { presetConfig } from "../src/train/index.ts";

const threads = availableParallelism();
const runtime = onnxRuntime({ threads });

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Runs the competitors in turn, `rounds` times after one warm-up; median milliseconds of each. */
async function inTurn(competitors: readonly (() => Promise<unknown>)[], rounds: number): Promise<number[]> {
  const times = competitors.map((): number[] => []);
  for (let round = -1; round < rounds; round++) {
    for (const [i, run] of competitors.entries()) {
      const start = performance.now();
      await run();
      if (round >= 0) times[i]?.push(performance.now() - start);
    }
  }
  return times.map(median);
}

/** The step's matrix products: [rows, inner, columns], transposed as in the step, each with the operands in buffers of its own. */
function productsOf(
  config: RunConfig,
  batch: number,
): { m: number; k: number; n: number; transposeA: boolean; transposeB: boolean }[] {
  const { p, d_model: d, n_heads, d_head, d_mlp } = config;
  const inner = n_heads * d_head;
  const heads = headsOf(config);
  const classes = logitsOf(heads);
  const table = 2 * p + 1;
  const nn = (m: number, k: number, n: number) => ({ m, k, n, transposeA: false, transposeB: false });
  const tn = (m: number, k: number, n: number) => ({ m, k, n, transposeA: true, transposeB: false });
  const nt = (m: number, k: number, n: number) => ({ m, k, n, transposeA: false, transposeB: true });
  return [
    ...[nn(1, d, inner), nn(table, d, inner), nn(table, d, inner), nn(batch, inner, d)],
    ...[nn(batch, d, d_mlp), nn(batch, d_mlp, d), nn(batch, d, classes), nt(batch, classes, heads.length)],
    ...[
      tn(d, batch, classes),
      nt(batch, classes, d),
      tn(d_mlp, batch, d),
      nt(batch, d, d_mlp),
      tn(d, batch, d_mlp),
      nt(batch, d_mlp, d),
    ],
    ...[
      tn(inner, batch, d),
      nt(batch, d, inner),
      nn(p, batch, inner),
      nn(p, batch, inner),
      nn(p, batch, n_heads),
      nn(p, batch, n_heads),
    ],
    ...[nt(table, inner, d), nt(table, inner, d), nt(1, inner, d), tn(d, 1, inner), tn(d, table, inner), tn(d, table, inner)],
  ];
}

function randomArray(shape: readonly number[], seed: number): NdArray<"float32"> {
  const random = randomStream(seed, "bench");
  return float32(Float32Array.from({ length: sizeOf(shape) }, random.normal), shape);
}

async function benchStep(name: string, config: RunConfig): Promise<void> {
  const dataset = makeDataset(config, 0);
  const { train } = makeSplit(config.p, config.train_fraction, 0);
  const batch = { ...tableRows(train, dataset), columns: targetColumns(dataset.targets, dataset.heads, train) };
  const step = await runtime.compile(stepProgram(config, batch));
  const zeros = zeroParameters(config);
  const state: Record<string, NdArray> = { ...initParameters(config, 0) };
  for (const parameter of PARAMETER_NAMES)
    for (const prefix of ["m/", "v/", "ema/"]) state[prefix + parameter] = zeros[parameter];
  step.setState(state);
  const one = (value: number) => float32([value], [1]);
  const feeds: Arrays = {
    ...{ lr: one(1e-4), correct1: one(10), correct2: one(50) },
    step: { dtype: "int32", shape: [1], data: Int32Array.of(1) },
  };

  const products = productsOf(config, train.length);
  const inputs: Record<string, ProgramSource["inputs"][string]> = {};
  const operands: Record<string, NdArray> = {};
  products.forEach(({ m, k, n, transposeA, transposeB }, i) => {
    for (const [operand, shape] of [
      ["a", transposeA ? [k, m] : [m, k]],
      ["b", transposeB ? [n, k] : [k, n]],
    ] as const) {
      inputs[`${operand}${i}`] = { dtype: "float32", shape };
      operands[`${operand}${i}`] = randomArray(shape, i);
    }
  });
  const bare = await runtime.compile({
    dtype: "float32",
    inputs,
    build: (ops, given) =>
      Object.fromEntries(
        products.map(({ transposeA, transposeB }, i) => {
          const [a, b] = [given[`a${i}`], given[`b${i}`]];
          if (a === undefined || b === undefined) throw new Error("bench: operand missing");
          return [`c${i}`, ops.matmul(a, b, { transposeA, transposeB })];
        }),
      ),
  });
  const [whole = 0, alone = 0] = await inTurn([() => step.run([feeds]), () => bare.run([operands])], 15);
  const flops = products.reduce((sum, { m, k, n }) => sum + 2 * m * k * n, 0);
  const rate = (ms: number) => `${(flops / ms / 1e6).toFixed(0)} GFLOP/s`;
  console.log(
    `step ${name}, B = ${train.length}: ${whole.toFixed(1)} ms (${rate(whole)}); its matrix products alone: ${alone.toFixed(1)} ms ` +
      `(${rate(alone)}); ratio ${(whole / alone).toFixed(2)}`,
  );
  await step.dispose();
  await bare.dispose();
}

async function benchTransforms(): Promise<void> {
  const random = randomStream(0, "bench");
  const grid = float64(Float64Array.from({ length: 113 * 113 }, random.normal), [113, 113]).data;
  const [ms = 0] = await inTurn([async () => Array.from({ length: 1024 }, () => fft2(grid, 113))], 3);
  console.log(`2D FFT of 1,024 neurons at 113×113, float64, one thread: ${(ms / 1000).toFixed(2)} s`);
}

/** Median wall time of a built command from start to exit, in seconds, and its peak memory in MB. */
function command(args: readonly string[], rounds: number): void {
  const main = new URL("../dist/cli/main.js", import.meta.url).pathname;
  const folder = mkdtempSync(join(tmpdir(), "miiii-bench-"));
  // The kernel's own high-water mark: resourceUsage() would report this process's, which a child inherits at its start.
  const peak =
    "import{readFileSync}from'node:fs';process.on('exit',()=>console.error('peak',/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status','utf8'))?.[1]))";
  const times: number[] = [];
  let memory = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      const start = performance.now();
      const run = spawnSync(
        process.execPath,
        [
          "--import",
          `data:text/javascript,${encodeURIComponent(peak)}`,
          main,
          ...args.map((arg) => arg.replace("{tmp}", folder)),
        ],
        {
          encoding: "utf8",
        },
      );
      if (run.status !== 0) {
        console.log(`miiii ${args.join(" ")}: failed: ${run.stderr.trim().split("\n").at(-1)}`);
        return;
      }
      times.push((performance.now() - start) / 1000);
      memory = Math.max(memory, Number(/peak (\d+)/.exec(run.stderr)?.[1] ?? 0) / 1024);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`miiii ${args.join(" ")}: ${median(times).toFixed(2)} s, peak ${memory.toFixed(0)} MB`);
}

console.log(`${cpus()[0]?.model.trim()}, ${threads} threads, Node ${process.version}, ${runtime.version}`);
await benchStep("d 128, 113 logits (nanda)", presetConfig("nanda"));
await benchStep("d 256, 1,480 logits (miiii at 30 %)", presetConfig("miiii", { train_fraction: 0.3 }));
await benchStep("d 256, 1,480 logits (miiii)", presetConfig("miiii"));
await benchTransforms();
command(["--help"], 5);
for (const id of ["positional", "svd", "fourier", "fft", "attention", "curves"]) command(["analyze", id, "nanda"], 3);
command(["report", "--out", "{tmp}/index.html"], 1);
