/**
 * `npm run bench`: how fast this machine runs the step, the transforms and the commands. Competitors run in turn in one process;
 * what is printed are medians and ratios of medians. Nothing here is asserted.
 *
 * Options: `--only commands|step|analyses`; `--rounds` of each command (3); `--command TEXT`: those whose name holds it;
 * `--write`: each row of commands into the table of docs/performance.md as it is measured; other rows of this machine stay. Needs
 * `npm run build`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { ANALYSES } from "../src/analyses/index.ts";
import type { AnalyzeOptions } from "../src/api/analyze.ts";
import { loadModel } from "../src/api/models.ts";
import { shippedReferences } from "../src/api/references.ts";
import { float64, randomStream } from "../src/core/index.ts";
import { fft2 } from "../src/math/index.ts";
import type { RunConfig } from "../src/model/index.ts";
import { onnxRuntime } from "../src/runtimes/index.ts";
import { presetConfig } from "../src/train/index.ts";
import { measureRows, TABLE_HEAD, withRow } from "./lib/commands.ts";
import { productsProgram, stepFlops } from "./lib/products.ts";
import { benchStep } from "./lib/steps.ts";
import { inTurn, median } from "./lib/timing.ts";

// As compiled: threads load no TypeScript.
const compiled = new URL("../dist/api/analyze.js", import.meta.url).href;
const { analyzeModel } = (await import(compiled)) as typeof import("../src/api/analyze.ts");

const threads = availableParallelism();
const runtime = onnxRuntime({ threads });

async function benchSize(name: string, config: RunConfig): Promise<void> {
  const step = await benchStep(runtime, config);
  const batch = step.samples.length;
  const { source, state } = productsProgram(config, batch);
  const bare = await runtime.compile(source);
  bare.setState(state);
  const [whole = 0, alone = 0] = await inTurn([() => step.run(1), () => bare.run([{}])], 15);
  const rate = (ms: number) => `${(stepFlops(config, batch).tables / ms / 1e6).toFixed(0)} GFLOP/s`;
  console.log(
    `step ${name}, B = ${batch}: ${whole.toFixed(1)} ms (${rate(whole)}); its matrix products alone: ${alone.toFixed(1)} ms ` +
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

/**
 * Analyses of a shipped run, its activations with them, in this process: all of them in the threads that `miiii` takes, the first
 * time and the median of three more; then one after the other in one thread, each by itself. What looks at a run over time, or
 * runs the model again, is left out unless named.
 */
async function benchAnalyses(run: string, only?: readonly string[]): Promise<void> {
  const reference = shippedReferences().find(({ label }) => label === run);
  if (reference === undefined) return;
  const model = await loadModel(reference);
  const chosen = ANALYSES.filter(({ id, needs }) =>
    only === undefined ? !needs.includes("series") && !needs.includes("forward") : only.includes(id),
  );
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const timed = async (how: Pick<AnalyzeOptions, "threads" | "onStart">) => {
    const start = performance.now();
    await analyzeModel(chosen, model, { runtime, seed: 0, ...how });
    return performance.now() - start;
  };
  if (only === undefined) {
    const times = [await timed({}), await timed({}), await timed({}), await timed({})];
    console.log(`analyses of ${run}, in threads: ${seconds(times[0] ?? 0)}, then ${seconds(median(times.slice(1)))}`);
  }
  const parts: [name: string, begin: number][] = [["activations", performance.now()]];
  const whole = await timed({ threads: 0, onStart: (id) => parts.push([id, performance.now()]) });
  parts.push(["", performance.now()]);
  const each = parts.slice(0, -1).map(([name, begin], i) => `${name} ${seconds((parts[i + 1]?.[1] ?? 0) - begin)}`);
  console.log(`${only?.join(", ") ?? "analyses"} of ${run}, in one thread: ${seconds(whole)} (${each.join(", ")})`);
}

const { values } = parseArgs({
  options: {
    ...{ only: { type: "string" }, rounds: { type: "string", default: "3" }, command: { type: "string" } },
    ...{ write: { type: "boolean", default: false } },
  },
});
const wanted = (part: string) => values.only === undefined || values.only === part;
const machine = `${cpus()[0]?.model.trim()}, ${threads} threads, Node ${process.version}, ${runtime.version}`;

const PERFORMANCE = new URL("../docs/performance.md", import.meta.url);
console.log(machine);
if (wanted("step")) {
  await benchSize("d 128, 113 logits (nanda)", presetConfig("nanda"));
  await benchSize("d 256, 1,480 logits (miiii at 30 %)", presetConfig("miiii", { train_fraction: 0.3 }));
  await benchSize("d 256, 1,480 logits (miiii)", presetConfig("miiii"));
  await benchTransforms();
}
if (wanted("analyses")) {
  await benchAnalyses("miiii-fast");
  await benchAnalyses("miiii-fast", ["patch"]);
  await benchAnalyses("miiii-fast", ["circuits"]);
}
if (wanted("commands")) {
  for (const line of TABLE_HEAD) console.log(line);
  await measureRows(Number(values.rounds), values.command, (row, failure) => {
    console.log(row);
    if (failure !== undefined) {
      console.error(failure);
      process.exitCode = 1;
      return;
    }
    // A row at a time: who stops it keeps what was measured.
    if (values.write) writeFileSync(PERFORMANCE, withRow(readFileSync(PERFORMANCE, "utf8"), machine, row));
  });
}
