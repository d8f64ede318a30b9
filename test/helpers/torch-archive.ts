import { crc32, deflateRawSync } from "node:zlib";

/** A file for {@link zipOf}; what is given beside name and data overrides what the headers would rightly say. */
export interface ZipFile {
  readonly name: string;
  readonly data: Uint8Array;
  readonly deflate?: boolean;
  readonly size?: number;
  readonly packed?: number;
  readonly crc?: number;
  readonly offset?: number;
  readonly flags?: number;
  readonly method?: number;
  readonly localName?: string;
}

/** A zip archive, written apart from the one under test so that it can be wrong. */
export function zipOf(files: readonly ZipFile[], count = files.length): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let place = 0;
  for (const file of files) {
    const content = file.deflate ? deflateRawSync(file.data) : Buffer.from(file.data);
    const header = (name: Buffer, start: number[], end: number[]) => {
      const buffer = Buffer.alloc(4 + start.length * 2 + 22 + end.length * 2);
      start.forEach((value, i) => {
        buffer.writeUInt16LE(value, 4 + 2 * i);
      });
      let at = 4 + start.length * 2;
      buffer.writeUInt16LE(file.flags ?? 0, at);
      buffer.writeUInt16LE(file.method ?? (file.deflate ? 8 : 0), at + 2);
      buffer.writeUInt32LE(file.crc ?? crc32(file.data), at + 8);
      buffer.writeUInt32LE(file.packed ?? content.length, at + 12);
      buffer.writeUInt32LE(file.size ?? file.data.length, at + 16);
      buffer.writeUInt16LE(name.length, at + 20);
      at += 22;
      end.forEach((value, i) => {
        buffer.writeUInt16LE(value, at + 2 * i);
      });
      return buffer;
    };
    const localName = Buffer.from(file.localName ?? file.name);
    const local = header(localName, [20], [0]);
    local.writeUInt32LE(0x04034b50, 0);
    const name = Buffer.from(file.name);
    const offset = file.offset ?? place;
    const record = header(name, [20, 20], [0, 0, 0, 0, 0, 0, offset & 0xffff, offset >>> 16]);
    record.writeUInt32LE(0x02014b50, 0);
    central.push(record, name);
    parts.push(local, localName, content);
    place += local.length + localName.length + content.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(place, 16);
  return Buffer.concat([...parts, directory, end]);
}

/** What {@link pickleOf} writes. */
export type Py =
  | null
  | boolean
  | number
  | string
  | { readonly global: string }
  | { readonly call: string; readonly args: readonly Py[]; readonly state?: Py }
  | { readonly tuple: readonly Py[] }
  | { readonly dict: readonly (readonly [Py, Py])[] }
  | { readonly reference: Py }
  /** A value that the memo keeps, and what recalls it: one object in two places. */
  | { readonly put: number; readonly value: Py }
  | { readonly get: number }
  | readonly Py[];

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([Buffer.from("X"), length, bytes]);
};

const globalOf = (path: string): Buffer => {
  const dot = path.lastIndexOf(".");
  return Buffer.from(`c${path.slice(0, dot)}\n${path.slice(dot + 1)}\n`);
};

function write(value: Py): Buffer {
  const all = (items: readonly Py[]) => Buffer.concat(items.map(write));
  if (value === null) return Buffer.from("N");
  if (typeof value === "boolean") return Buffer.from([value ? 0x88 : 0x89]);
  if (typeof value === "string") return text(value);
  if (typeof value === "number") {
    const buffer = Buffer.alloc(9);
    if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) {
      buffer.write("J");
      buffer.writeInt32LE(value, 1);
      return buffer.subarray(0, 5);
    }
    if (Number.isInteger(value)) {
      const long = Buffer.alloc(10);
      long.set([0x8a, 8]);
      long.writeBigInt64LE(BigInt(value), 2);
      return long;
    }
    buffer.write("G");
    buffer.writeDoubleBE(value, 1);
    return buffer;
  }
  if (Array.isArray(value)) return Buffer.concat([Buffer.from("]("), all(value), Buffer.from("e")]);
  const object = value as Exclude<Py, readonly Py[] | string | number | boolean | null>;
  if ("global" in object) return globalOf(object.global);
  if ("tuple" in object) return Buffer.concat([Buffer.from("("), all(object.tuple), Buffer.from("t")]);
  if ("dict" in object) return Buffer.concat([Buffer.from("}("), all(object.dict.flat() as Py[]), Buffer.from("u")]);
  if ("put" in object) return Buffer.concat([write(object.value), Buffer.from([0x71, object.put])]);
  if ("get" in object) return Buffer.from([0x68, object.get]);
  if ("reference" in object) return Buffer.concat([write(object.reference), Buffer.from("Q")]);
  const made = Buffer.concat([globalOf(object.call), write({ tuple: object.args }), Buffer.from("R")]);
  return object.state === undefined ? made : Buffer.concat([made, write(object.state), Buffer.from("b")]);
}

/** A pickle of protocol 2. */
export function pickleOf(value: Py): Buffer {
  return Buffer.concat([Buffer.from([0x80, 2]), write(value), Buffer.from(".")]);
}

/** A tensor as PyTorch pickles it. */
export function tensorOf(
  key: string,
  shape: readonly number[],
  {
    stride,
    offset = 0,
    count,
    storage = "torch.FloatStorage",
    metadata,
  }: {
    readonly stride?: readonly number[];
    readonly offset?: number;
    readonly count?: number;
    readonly storage?: string;
    readonly metadata?: Py;
  } = {},
): Py {
  const strides = stride ?? shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const elements = count ?? shape.reduce((a, b) => a * b, 1);
  const reference = { reference: { tuple: ["storage", { global: storage }, key, "cpu", elements] } };
  const hooks = { call: "collections.OrderedDict", args: [] };
  const args = [
    reference,
    offset,
    { tuple: shape },
    { tuple: strides },
    false,
    hooks,
    ...(metadata === undefined ? [] : [metadata]),
  ];
  return { call: "torch._utils._rebuild_tensor_v2", args };
}

/** A PyTorch archive of a value and its storages. */
export function torchArchive(value: Py, storages: Readonly<Record<string, Uint8Array>>, more: readonly ZipFile[] = []): Buffer {
  return zipOf([
    { name: "archive/data.pkl", data: pickleOf(value) },
    ...Object.entries(storages).map(([key, data]) => ({ name: `archive/data/${key}`, data })),
    { name: "archive/version", data: Buffer.from("3\n") },
    ...more,
  ]);
}

/** A PyTorch archive of float32 tensors by name; `wrap` puts the state dict inside something else. */
export function stateDictArchive(
  tensors: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>,
  wrap: (stateDict: Py) => Py = (stateDict) => stateDict,
): Buffer {
  const entries = Object.entries(tensors).map(([name, { shape }], i): readonly [Py, Py] => [name, tensorOf(String(i), shape)]);
  const storages = Object.values(tensors).map(({ data }, i) => [
    String(i),
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  ]);
  return torchArchive(wrap({ dict: entries }), Object.fromEntries(storages) as Record<string, Uint8Array>);
}
