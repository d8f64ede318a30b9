import { PyDict, PyObject, PyTuple, type PyValue } from "./pickle-values.ts";

/** How deep a module may nest in a model that was saved whole. */
export const DEEPEST_MODULE = 12;

/** The entries of a dict that have names. */
export function named(dict: PyDict): [string, PyValue][] {
  return [...dict.entries].flatMap(([key, value]) =>
    typeof key === "string" || typeof key === "number"
      ? [[String(key), value] as [string, PyValue]]
      : key instanceof Uint8Array && key.length <= 200
        ? [[new TextDecoder("latin1").decode(key), value] as [string, PyValue]]
        : [],
  );
}

/** The attributes of an object that was saved whole. */
export function attributesOf(value: PyValue): PyDict | undefined {
  if (!(value instanceof PyObject)) return undefined;
  if (value.state instanceof PyDict) return value.state;
  // Classes with slots: a pair of dicts.
  const [first, second] = value.state instanceof PyTuple ? value.state.items : [];
  return first instanceof PyDict ? first : second instanceof PyDict ? second : undefined;
}

/** The parts of a module that was saved whole. */
export interface Module {
  /** Its class, such as `torch.nn.modules.linear.Linear`. */
  readonly path: string;
  readonly attributes: PyDict;
  readonly parameters: PyDict;
  readonly buffers: PyDict;
  readonly modules: PyDict;
}

/** An object as a module of PyTorch; undefined for one that is none. */
export function moduleOf(value: PyValue): Module | undefined {
  const attributes = attributesOf(value);
  if (!(value instanceof PyObject) || attributes === undefined) return undefined;
  const [parameters, buffers, modules] = ["_parameters", "_buffers", "_modules"].map((key) => attributes.entries.get(key));
  if (!(parameters instanceof PyDict) || !(modules instanceof PyDict)) return undefined;
  return {
    path: value.global.path,
    attributes,
    parameters,
    buffers: buffers instanceof PyDict ? buffers : new PyDict(),
    modules,
  };
}
