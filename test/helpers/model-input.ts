import { activationsOf } from "../../src/activations/index.ts";
import type { ActivationName, AnalysisInput } from "../../src/analyses/kit/define.ts";
import { initParameters, type ModelConfig, type Parameters } from "../../src/model/index.ts";
import { onnxRuntime } from "../../src/runtimes/index.ts";
import { makeDataset, type TaskConfig } from "../../src/tasks/index.ts";

const runtime = onnxRuntime({ threads: 1 });

/** The input of an analysis that looks at the given model. */
export async function inputOfModel(
  config: TaskConfig & ModelConfig,
  parameters: Parameters,
  names: readonly ActivationName[],
): Promise<AnalysisInput> {
  const { heads, targets } = makeDataset(config, 0);
  const activations = await activationsOf(runtime, config, parameters, names);
  return { config, heads, parameters, targets, activations, seed: 5 };
}

/** A model before training. */
export function untrained(settings: Pick<TaskConfig, "task" | "p"> & { readonly d_mlp?: number }, seed: number) {
  const { task, p, d_mlp = 32 } = settings;
  const config = { task, p, labels: "remainder", shuffle_labels: false, d_model: 16, n_heads: 2, d_head: 8, d_mlp } as const;
  return { config, parameters: initParameters({ ...config, init: "he" }, seed) };
}
