import type { Ops } from "../../ops/index.ts";
import type { Arrays } from "../runtime.ts";
import { encodeModel } from "./proto.ts";
import { OnnxRecorder, type Recorded } from "./recorder.ts";

/** A model that reads two tokens of a sequence, as a function of its weights and the rows of its look-up tables. */
export interface TokenModel {
  readonly dtype: "float32" | "float64";
  readonly weights: Arrays;
  /** Length of its sequences: 3 with '=', 2 without. */
  readonly positions: 2 | 3;
  /** Row of the second token's table where token 0 stands. */
  readonly offset1: number;
  readonly logits: <T>(ops: Ops<T>, weights: Readonly<Record<string, T>>, rows0: T, rows1: T) => T;
}

/**
 * An ONNX file with the weights inside: `tokens` (int64 [batch, positions]: x0, x1 and, of three, '=') in, `logits` [batch,
 * classes] out; the batch is free. A third token is always '=' and is not looked at.
 */
export function encodeTokenModel(model: TokenModel): Uint8Array {
  const recorder = new OnnxRecorder(model.dtype);
  const tokens: Recorded = { name: "tokens", type: "int64" };
  const weights = Object.fromEntries(Object.entries(model.weights).map(([name, array]) => [name, recorder.constant(array)]));
  const rows0 = recorder.indexColumn(tokens, 0, 0);
  const rows1 = recorder.indexColumn(tokens, 1, model.offset1);
  const logits = model.logits(recorder, weights, rows0, rows1);
  const graph = recorder.graph({ tokens: { dtype: "int64", shape: ["batch", model.positions] } }, { logits });
  const plain = (names: readonly string[]) => names.map((name) => (name === "out:logits" ? "logits" : name));
  return encodeModel({
    ...graph,
    nodes: graph.nodes.map((node) => ({ ...node, input: plain(node.input), output: plain(node.output) })),
    outputs: { logits: model.dtype },
  });
}
