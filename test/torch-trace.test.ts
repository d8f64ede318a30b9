import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseRunConfig } from "../src/checkpoint/index.ts";
import { at, float32, inPrecision, type NdArray } from "../src/core/index.ts";
import {
  PARAMETER_NAMES,
  type PerParameter,
  type Precision,
  parameterShapes,
  perParameter,
  stepProgram,
  tableRows,
  targetColumns,
} from "../src/model/index.ts";
import { onnxRuntime, type Program } from "../src/runtimes/index.ts";
import { makeDataset } from "../src/tasks/index.ts";
import { feedsOf } from "../src/train/feeds.ts";
import { initialState, tensorsOfState } from "../src/train/state.ts";
import { assertAllClose } from "./helpers/assert.ts";

/**
 * What `npm run trace` wrote: twenty steps of PyTorch's autograd and AdamW, with Grokfast in front, in float64 to nine digits.
 */
interface Trace {
  readonly config: unknown;
  readonly train: readonly number[];
  /** [steps][heads], and [steps][parameters]. */
  readonly loss: readonly (readonly number[])[];
  readonly gradient_norms: readonly (readonly number[])[];
  readonly filtered_gradient_norms: readonly (readonly number[])[];
  readonly initial: PerParameter<readonly number[]>;
  readonly first_gradient: PerParameter<readonly number[]>;
  readonly after: { readonly [group in "weights" | "m" | "v" | "ema"]: PerParameter<readonly number[]> };
}

const file = join(import.meta.dirname, "data", "torch-trace.json");
const trace = JSON.parse(readFileSync(file, "utf8")) as Trace;

/** The program of the trace's step, holding its initial weights. */
async function begun(precision: Precision) {
  const config = { ...parseRunConfig(trace.config, file), precision };
  const dataset = makeDataset(config, config.seed);
  const samples = Int32Array.from(trace.train);
  const batch = { ...tableRows(samples, dataset), columns: targetColumns(dataset.targets, dataset.heads, samples) };
  const program: Program = await onnxRuntime({ threads: 1 }).compile(stepProgram(config, batch));
  const shapes = parameterShapes(config);
  // Nine digits tell a float32 exactly, once it is one again.
  const parameters = perParameter((name) => inPrecision(float32(trace.initial[name], shapes[name]), precision));
  program.setState(tensorsOfState({ ...initialState(config), parameters }));
  return { config, program };
}

// The trace has nine digits. float32 adds up its rounding over twenty steps, of which AdamW's division makes the most.
const TOLERANCES = { float64: { rtol: 1e-7, atol: 1e-9 }, float32: { rtol: 2e-4, atol: 2e-6 } } as const;

for (const precision of ["float64", "float32"] as const) {
  test(`twenty steps are PyTorch's, in losses, gradients, moments and weights: ${precision}`, async () => {
    const { config, program } = await begun(precision);
    const tolerance = TOLERANCES[precision];
    const norms = (squares: NdArray | undefined) => Array.from(squares?.data ?? [], Math.sqrt);
    for (let step = 1; step <= trace.loss.length; step++) {
      const [outputs] = await program.run([feedsOf(config, step)]);
      assertAllClose(outputs?.loss?.data ?? [], at(trace.loss, step - 1), tolerance);
      assertAllClose(norms(outputs?.gradient_squares), at(trace.gradient_norms, step - 1), tolerance);
      assertAllClose(norms(outputs?.filtered_squares), at(trace.filtered_gradient_norms, step - 1), tolerance);
      if (step > 1) continue;
      const first = await program.getState();
      for (const name of PARAMETER_NAMES) {
        // After one step Grokfast's average is (1 − α) times the gradient.
        const gradient = Array.from(first[`ema/${name}`]?.data ?? [], (value) => value / (1 - config.grokfast_alpha));
        assertAllClose(gradient, trace.first_gradient[name], tolerance);
      }
    }
    const state = await program.getState();
    for (const [group, prefix] of [
      ["weights", ""],
      ["m", "m/"],
      ["v", "v/"],
      ["ema", "ema/"],
    ] as const)
      for (const name of PARAMETER_NAMES) assertAllClose(state[prefix + name]?.data ?? [], trace.after[group][name], tolerance);
    await program.dispose();
  });
}
