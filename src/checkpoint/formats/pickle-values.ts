import { quoted } from "../../core/index.ts";

/** A class or function of Python by name; only ever a name. */
export class PyGlobal {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }

  /** `module.name`. */
  get path(): string {
    return `${this.module}.${this.name}`;
  }
}

/** A tuple. */
export class PyTuple {
  readonly items: readonly PyValue[];

  constructor(items: readonly PyValue[]) {
    this.items = items;
  }
}

/** A list, or a set. */
export class PyList {
  readonly items: PyValue[];

  constructor(items: PyValue[] = []) {
    this.items = items;
  }
}

/** A dict. Integers, floats and booleans of one value share a key, as in Python only the first of each kind does here. */
export class PyDict {
  readonly entries = new Map<PyValue, PyValue>();
}

/** What a program would have made by calling a global: nothing is called, the arguments are only kept. */
export class PyObject {
  readonly global: PyGlobal;
  readonly args: PyValue;
  /** Items that were to be set on it. */
  readonly dict = new PyDict();
  /** Elements that were to be appended. */
  readonly list = new PyList();
  /** What was to become its attributes. */
  state: PyValue = null;

  constructor(global: PyGlobal, args: PyValue) {
    this.global = global;
    this.args = args;
  }
}

/** A reference to something stored beside the pickle, such as a tensor's storage. */
export class PyReference {
  readonly id: PyValue;

  constructor(id: PyValue) {
    this.id = id;
  }
}

/** A tensor as a view on a storage, not read yet; see `torch.ts`. */
export class PyTensor {
  readonly storage: PyValue;
  readonly offset: PyValue;
  readonly size: PyValue;
  readonly stride: PyValue;
  /** Whether its elements are the storage's with the other sign: PyTorch's lazy negation. */
  readonly negative: boolean;

  constructor(storage: PyValue, offset: PyValue, size: PyValue, stride: PyValue, negative = false) {
    this.storage = storage;
    this.offset = offset;
    this.size = size;
    this.stride = stride;
    this.negative = negative;
  }
}

/** What a pickle may hold. */
export type PyValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PyGlobal
  | PyTuple
  | PyList
  | PyDict
  | PyObject
  | PyReference
  | PyTensor;

/** A value in a few words, for messages. */
export function describe(value: PyValue | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "None";
  if (typeof value === "string") return quoted(value);
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value).slice(0, 40);
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof PyGlobal) return `the name ${quoted(value.path)}`;
  if (value instanceof PyTuple) return `a tuple of ${value.items.length}`;
  if (value instanceof PyList) return `a list of ${value.items.length}`;
  if (value instanceof PyDict) return `a dict of ${value.entries.size}`;
  if (value instanceof PyObject) return `an object of ${quoted(value.global.path)}`;
  if (value instanceof PyReference) return "a stored object";
  if (value instanceof PyTensor) return "a tensor";
  return value satisfies never;
}
