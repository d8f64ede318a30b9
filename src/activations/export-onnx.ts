import type { NdArray } from "../core/index.ts";
import {
  BIAS_NAMES,
  hasEquals,
  lastPosition,
  type ModelConfig,
  PARAMETER_NAMES,
  type Parameters,
  unembed,
} from "../model/index.ts";
import { encodeTokenModel } from "../runtimes/index.ts";
import type { TaskConfig } from "../tasks/index.ts";

/**
 * A model as an ONNX file (opset 18, float32): `tokens` (int64 [batch, 3]: x0, x1, '=', or [batch, 2] for a model without '=')
 * in, `logits` [batch, classes] out, output heads in order of q; an extra '=' class, where the model has one, is the last column.
 */
export function exportOnnx(config: TaskConfig & ModelConfig, parameters: Parameters): Uint8Array {
  const weights: Record<string, NdArray> = {};
  for (const name of [...PARAMETER_NAMES, ...BIAS_NAMES]) {
    const array = parameters[name];
    if (array !== undefined) weights[name] = array;
  }
  return encodeTokenModel({
    dtype: "float32",
    weights,
    positions: hasEquals(config) ? 3 : 2,
    offset1: config.p,
    // A batch of −1 leaves the length free in every reshape.
    logits: (ops, given, rows0, rows1) =>
      unembed(ops, lastPosition(ops, given, rows0, rows1, { ...config, batch: -1 }).resid_post, given),
  });
}
