/**
 * `npm run bench:train`: how fast each runtime of this machine trains, beside how fast it does the step's matrix products alone.
 * Blocks of epochs of all competitors in turn, medians. See docs/performance.md.
 *
 * Options: `--runtimes onnx,webgpu` (default: all that work; `tfjs-webgpu`, TensorFlow.js's own, where named),
 * `--preset nanda|miiii` (default: both), `--p`, `--sizes full|small`, `--seconds` a block, `--epochs` a block (instead),
 * `--rounds`, `--threads`, `--peak` TFLOP/s: the device's float32 arithmetic, `--json FILE`: all numbers as well.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { RunConfig } from "../src/model/index.ts";
import type { Runtime } from "../src/runtimes/index.ts";
import { productsProgram, stepFlops } from "./lib/products.ts";
import { chosenRuntimes, type Found } from "./lib/runtimes.ts";
import { benchConfigs, benchStep, runMany } from "./lib/steps.ts";
import { columns, inTurn, runsIn, timed } from "./lib/timing.ts";

/** The paper's number of epochs, and the time in which a large GPU is to train them. */
const EPOCHS = 65_536;
const AIM = 60;

interface Measured {
  readonly size: string;
  readonly runtime: string;
  readonly batch: number;
  readonly epochs: number;
  readonly compileSeconds: number;
  readonly msPerEpoch: number;
  readonly gflops: number;
  readonly productsMs: number;
  readonly productsGflops: number;
}

const { values } = parseArgs({
  options: {
    ...{ runtimes: { type: "string" }, preset: { type: "string" }, p: { type: "string" }, threads: { type: "string" } },
    ...{ sizes: { type: "string", default: "full" }, seconds: { type: "string", default: "2" }, epochs: { type: "string" } },
    ...{ rounds: { type: "string", default: "7" }, peak: { type: "string" }, json: { type: "string" } },
  },
});
const [seconds, rounds, peak] = [Number(values.seconds), Number(values.rounds), Number(values.peak)];

/** How many runs make a block. */
async function blockOf(run: (count: number) => Promise<unknown>): Promise<number> {
  if (values.epochs !== undefined) return Number(values.epochs);
  // One run alone says little of a device that many are left to, and many may take minutes where a single one is slow.
  for (let count = 1; ; count *= 4) {
    const ms = await timed(() => run(count));
    if (ms > 100 || count >= 1024) return runsIn(seconds, ms / count);
  }
}

async function measure(size: string, config: RunConfig, found: readonly Found[]): Promise<Measured[]> {
  const entries = [];
  for (const { name, runtime } of found) {
    const start = performance.now();
    const step = await benchStep(runtime, config);
    await step.run(1);
    const compileSeconds = (performance.now() - start) / 1000;
    const batch = step.samples.length;
    const { source, state } = productsProgram(config, batch);
    const bare = await runtime.compile(source);
    bare.setState(state);
    const products = (runs: number) => runMany(bare, runtime as Runtime, () => ({}), runs);
    await products(1);
    const epochs = await blockOf((count) => step.run(count));
    const runs = await blockOf(products);
    entries.push({ name, step, bare, batch, epochs, runs, products, compileSeconds });
  }
  const times = await inTurn(
    entries.flatMap(({ step, products, epochs, runs }) => [() => step.run(epochs), () => products(runs)]),
    rounds,
  );
  const measured = entries.map(({ name, batch, epochs, runs, compileSeconds }, i): Measured => {
    const msPerEpoch = (times[2 * i] ?? Number.NaN) / epochs;
    const productsMs = (times[2 * i + 1] ?? Number.NaN) / runs;
    const flops = stepFlops(config, batch).tables;
    const rate = (ms: number) => flops / ms / 1e6;
    return {
      ...{ size, runtime: name, batch, epochs, compileSeconds, msPerEpoch, gflops: rate(msPerEpoch) },
      ...{ productsMs, productsGflops: rate(productsMs) },
    };
  });
  for (const { step, bare } of entries) {
    await step.dispose();
    await bare.dispose();
  }
  return measured;
}

function duration(totalSeconds: number): string {
  if (totalSeconds < 120) return `${totalSeconds.toFixed(1)} s`;
  return totalSeconds < 7200 ? `${(totalSeconds / 60).toFixed(1)} min` : `${(totalSeconds / 3600).toFixed(1)} h`;
}

/** GFLOP/s in whole numbers, small ones to two digits. */
const rateText = (gflops: number) => (gflops < 10 ? gflops.toPrecision(2) : gflops.toFixed(0));

function table(measured: readonly Measured[]): string {
  const head = [
    "step",
    "runtime",
    "ms/epoch",
    "GFLOP/s",
    "products: ms",
    "GFLOP/s",
    "of products",
    `${EPOCHS} epochs`,
    `within ${AIM} s`,
  ];
  if (peak > 0) head.push(`of ${peak} TFLOP/s`);
  return columns([
    head,
    ...measured.map((row) => {
      const projected = (row.msPerEpoch * EPOCHS) / 1000;
      return [
        `${row.size}, B = ${row.batch}`,
        row.runtime,
        row.msPerEpoch.toPrecision(4),
        rateText(row.gflops),
        row.productsMs.toPrecision(4),
        rateText(row.productsGflops),
        `${((100 * row.productsMs) / row.msPerEpoch).toFixed(0)} %`,
        duration(projected),
        `${((100 * AIM) / projected).toPrecision(3)} %`,
        ...(peak > 0 ? [`${(row.gflops / peak / 10).toFixed(1)} %`] : []),
      ];
    }),
  ]);
}

const configs = benchConfigs(values.sizes === "small", values.p === undefined ? {} : { p: Number(values.p) });
const sizes = Object.entries(configs).filter(([name]) => values.preset === undefined || name === values.preset);
if (sizes.length === 0 || !(seconds > 0) || !(rounds >= 1) || !["full", "small"].includes(values.sizes)) {
  console.error(
    "usage: bench-train [--preset nanda|miiii] [--sizes full|small] [--seconds s] [--rounds n] [--runtimes a,b] [--json FILE]",
  );
  process.exit(2);
}
const found = await chosenRuntimes(values.runtimes, values.threads === undefined ? undefined : Number(values.threads));
for (const { name, runtime } of found) console.error(`${name}: ${runtime.version}, ${runtime.device}`);
const measured: Measured[] = [];
for (const [name, config] of sizes) measured.push(...(await measure(name, config, found)));
console.log(table(measured));
if (values.json !== undefined) {
  const runtimes = found.map(({ name, runtime }) => ({ name, version: runtime.version, device: runtime.device }));
  writeFileSync(values.json, `${JSON.stringify({ node: process.version, runtimes, measured }, null, 2)}\n`);
}
