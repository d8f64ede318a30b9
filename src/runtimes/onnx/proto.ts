import protobuf from "protobufjs/light.js";
import type { NdArray } from "../../core/index.ts";

/** The part of the ONNX schema (IR version 9) that a graph of dense operations needs; field numbers are those of `onnx.proto`. */
const SCHEMA = {
  nested: {
    Attribute: {
      fields: {
        name: { type: "string", id: 1 },
        f: { type: "float", id: 2 },
        i: { type: "int64", id: 3 },
        ints: { rule: "repeated", type: "int64", id: 8, options: { packed: false } },
        type: { type: "int32", id: 20 },
      },
    },
    Node: {
      fields: {
        input: { rule: "repeated", type: "string", id: 1 },
        output: { rule: "repeated", type: "string", id: 2 },
        name: { type: "string", id: 3 },
        opType: { type: "string", id: 4 },
        attribute: { rule: "repeated", type: "Attribute", id: 5 },
      },
    },
    Tensor: {
      fields: {
        dims: { rule: "repeated", type: "int64", id: 1, options: { packed: false } },
        dataType: { type: "int32", id: 2 },
        name: { type: "string", id: 8 },
        rawData: { type: "bytes", id: 9 },
      },
    },
    Dimension: { fields: { dimValue: { type: "int64", id: 1 }, dimParam: { type: "string", id: 2 } } },
    Shape: { fields: { dim: { rule: "repeated", type: "Dimension", id: 1 } } },
    TensorType: { fields: { elemType: { type: "int32", id: 1 }, shape: { type: "Shape", id: 2 } } },
    Type: { fields: { tensorType: { type: "TensorType", id: 1 } } },
    ValueInfo: { fields: { name: { type: "string", id: 1 }, type: { type: "Type", id: 2 } } },
    Graph: {
      fields: {
        node: { rule: "repeated", type: "Node", id: 1 },
        name: { type: "string", id: 2 },
        initializer: { rule: "repeated", type: "Tensor", id: 5 },
        input: { rule: "repeated", type: "ValueInfo", id: 11 },
        output: { rule: "repeated", type: "ValueInfo", id: 12 },
      },
    },
    OperatorSet: { fields: { domain: { type: "string", id: 1 }, version: { type: "int64", id: 2 } } },
    Model: {
      fields: {
        irVersion: { type: "int64", id: 1 },
        producerName: { type: "string", id: 2 },
        graph: { type: "Graph", id: 7 },
        opsetImport: { rule: "repeated", type: "OperatorSet", id: 8 },
      },
    },
  },
};

const FLOAT = 1;
const INT = 2;
const INTS = 7;

/** ONNX's numbers for element types. */
const ELEMENT_TYPES = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 } as const;

/** An element type of a graph's tensors; int64 occurs in shapes and axes alone, bool in comparisons. */
export type OnnxType = keyof typeof ELEMENT_TYPES;

/** An attribute of a node; numbers are integers unless wrapped as `{ float }`. */
export type AttributeValue = number | readonly number[] | { readonly float: number };

/** A node of a graph. */
export interface OnnxNode {
  readonly opType: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** A constant of a graph. */
export interface Initializer {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
  readonly data: NdArray["data"] | BigInt64Array;
}

/** Type and shape of a graph's input; a name stands for a length that is free. */
export interface OnnxInput {
  readonly dtype: OnnxType;
  readonly shape: readonly (number | string)[];
}

/** A graph before it is encoded. */
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Initializer[];
  readonly inputs: Readonly<Record<string, OnnxInput>>;
  /** Outputs by name with their element type; shapes are inferred. */
  readonly outputs: Readonly<Record<string, OnnxType>>;
}

function attribute(name: string, value: AttributeValue): object {
  if (typeof value === "number") return { name, i: value, type: INT };
  if ("float" in value) return { name, f: value.float, type: FLOAT };
  return { name, ints: value, type: INTS };
}

/** An ONNX model file (opset 18). */
export function encodeModel(graph: OnnxGraph): Uint8Array {
  const type = (elemType: OnnxType, shape?: OnnxInput["shape"]) => ({
    tensorType: {
      elemType: ELEMENT_TYPES[elemType],
      ...(shape ? { shape: { dim: shape.map((n) => (typeof n === "number" ? { dimValue: n } : { dimParam: n })) } } : {}),
    },
  });
  const message = {
    irVersion: 9,
    producerName: "miiii",
    opsetImport: [{ domain: "", version: 18 }],
    graph: {
      name: "miiii",
      node: graph.nodes.map((node, i) => ({
        ...node,
        name: `${node.opType}_${i}`,
        attribute: Object.entries(node.attributes).map(([name, value]) => attribute(name, value)),
      })),
      initializer: graph.initializers.map(({ name, type: t, shape, data }) => ({
        name,
        dims: shape,
        dataType: ELEMENT_TYPES[t],
        rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      })),
      input: Object.entries(graph.inputs).map(([name, spec]) => ({ name, type: type(spec.dtype, spec.shape) })),
      output: Object.entries(graph.outputs).map(([name, t]) => ({ name, type: type(t) })),
    },
  };
  const Model = protobuf.Root.fromJSON(SCHEMA).lookupType("Model");
  return Model.encode(Model.create(message)).finish();
}
