import { existsSync } from "node:fs";
import { join } from "node:path";
import { activationsOf } from "../../src/activations/index.ts";
import type { ActivationName } from "../../src/analyses/index.ts";
import { biasShapes, openRunDirectory, readLastCheckpoint, type StoredModel, tensorsOf } from "../../src/checkpoint/index.ts";
import { float32, MiiiiError, type NdArray, randomStream, sizeOf } from "../../src/core/index.ts";
import { BIAS_NAMES, type BiasName, inFloat64, initParameters, type Parameters } from "../../src/model/index.ts";
import { onnxRuntime, type Runtime } from "../../src/runtimes/index.ts";
import { headsOf, logitsOf } from "../../src/tasks/index.ts";
import { presetConfig, train } from "../../src/train/index.ts";
import { ROOT } from "./environment.ts";

/** A model that is compared, and what to call it. */
export interface NamedModel extends StoredModel {
  readonly name: string;
}

/** The models that the checks share. */
export interface Models {
  readonly runtime: Runtime;
  /** A trained addition model: the shipped run, or a small one trained here. */
  readonly trained: NamedModel;
  /** Weights as drawn, with biases and a head for each prime below 31. */
  readonly drawn: NamedModel;
}

/** Random biases for a model, normal with the given standard deviation. */
export function drawBiases({ config }: StoredModel, std: number): { readonly [name in BiasName]: NdArray<"float32"> } {
  const shapes = biasShapes(config, logitsOf(headsOf(config)));
  const draw = (name: BiasName) => {
    const { normal } = randomStream(0, `peers/${name}`);
    return float32(
      Float32Array.from({ length: sizeOf(shapes[name]) }, () => std * normal()),
      shapes[name],
    );
  };
  return Object.fromEntries(BIAS_NAMES.map((name) => [name, draw(name)])) as { [name in BiasName]: NdArray<"float32"> };
}

function drawnModel(): NamedModel {
  const config = presetConfig("miiii-fast", { p: 31, d_model: 32 });
  const parameters = initParameters(config, config.seed);
  return {
    name: "drawn, p 31, 10 heads, biases",
    config,
    parameters: { ...parameters, ...drawBiases({ config, parameters }, 0.2) },
  };
}

async function trainedModel(runtime: Runtime): Promise<NamedModel> {
  const shipped = join(ROOT, "fixtures", "nanda");
  if (existsSync(shipped)) {
    const { checkpoint } = readLastCheckpoint(openRunDirectory(shipped));
    return { name: "nanda, p 113", config: checkpoint.config, parameters: checkpoint.parameters };
  }
  const config = presetConfig("nanda", { p: 13, d_model: 32, epochs: 500, train_fraction: 0.95 });
  let parameters: Parameters | undefined;
  for await (const event of train({ config, runtime, omega: false })) {
    if (event.type === "state") parameters = event.state.parameters;
  }
  if (parameters === undefined) throw new MiiiiError("runtime", "peers: training must end with a state, and did not");
  return { name: "nanda, p 13", config, parameters };
}

/** Loads or makes the models. */
export async function prepareModels(): Promise<Models> {
  const runtime = onnxRuntime({ threads: 1 });
  return { runtime, trained: await trainedModel(runtime), drawn: drawnModel() };
}

/** One activation over the grid, float64. */
export async function activation(runtime: Runtime, model: StoredModel, name: ActivationName): Promise<NdArray> {
  return (await activationsOf(runtime, model.config, model.parameters, [name]))[name] as NdArray;
}

/** A model's tensors in float64, by name. */
export function tensors64(parameters: Parameters): Map<string, NdArray> {
  return tensorsOf(inFloat64(parameters));
}
