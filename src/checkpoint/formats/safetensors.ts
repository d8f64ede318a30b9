import { type DType, ensure, ensureFinite, MiiiiError, type NdArray, quoted, sizeOf } from "../../core/index.ts";
import { bytesOf } from "../bytes.ts";
import { encodeHalf } from "./half.ts";
import type { LazyTensor, Unreadable } from "./lazy.ts";
import { decodeStored, isIntegral, MAX_AXES, STORED_BYTES, type Stored } from "./stored.ts";
import { isObject, parseJsonBytes, shownValue } from "./strict-json.ts";

const STORED_AS = { float64: "F64", float32: "F32", int32: "I32" } as const satisfies Record<DType, Stored>;

/** The reference implementation's limit on the header. */
const MAX_HEADER = 100_000_000;

/** A decoded file. */
export interface SafetensorsFile {
  /** In order of their place in the file. */
  readonly tensors: Map<string, NdArray>;
  readonly metadata: Record<string, string>;
}

/**
 * A safetensors file. The same input gives the same bytes: tensors lie in order of element size (largest first, so that each is
 * aligned), then name; metadata in order of key; the header is padded with spaces to a multiple of 8 bytes.
 *
 * @param options.half - store float32 as F16.
 * @throws where an entry is not finite, or too large for a half.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, NdArray>,
  metadata: Readonly<Record<string, string>>,
  options: { readonly half?: boolean } = {},
): Uint8Array {
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  const entries = [...tensors].map(([name, array]) => {
    const where = `safetensors: tensor ${quoted(name)}`;
    ensure(name !== "__metadata__", "input", () => `${where}: the name is reserved`);
    ensureFinite(array, where);
    const half = options.half === true && array.dtype === "float32";
    const dtype: Stored = half ? "F16" : STORED_AS[array.dtype];
    const bytes = half ? encodeHalf(array.data, where) : bytesOf(array, where);
    return { name, dtype, shape: array.shape, bytes };
  });
  entries.sort((a, b) => STORED_BYTES[b.dtype] - STORED_BYTES[a.dtype] || compare(a.name, b.name));

  let offset = 0;
  const header: [string, unknown][] = [];
  const sortedMetadata = Object.entries(metadata).sort(([a], [b]) => compare(a, b));
  if (sortedMetadata.length > 0) header.push(["__metadata__", Object.fromEntries(sortedMetadata)]);
  for (const { name, dtype, shape, bytes } of entries) {
    header.push([name, { dtype, shape, data_offsets: [offset, offset + bytes.length] }]);
    offset += bytes.length;
  }
  const text = new TextEncoder().encode(
    `{${header.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`,
  );
  const start = 8 + Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(start + offset).fill(0x20, 0, start);
  new DataView(file.buffer).setBigUint64(0, BigInt(start - 8), true);
  file.set(text, 8);
  let place = start;
  for (const { bytes } of entries) {
    file.set(bytes, place);
    place += bytes.length;
  }
  return file;
}

interface Entry {
  readonly name: string;
  readonly where: string;
  /** Undefined for a type that is not known, whose bytes are not looked at. */
  readonly dtype: Stored | undefined;
  readonly kind: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parseEntry(name: string, value: unknown, where: string, dataLength: number): Entry {
  const here = `${where}: tensor ${quoted(name)}`;
  ensure(
    isObject(value),
    "input",
    () => `${here}: must be an object with dtype, shape and data_offsets, got ${shownValue(value)}`,
  );
  const { dtype, shape, data_offsets: offsets } = value;
  ensure(typeof dtype === "string", "input", () => `${here}: dtype must be a name, got ${shownValue(dtype)}`);
  const known = Object.keys(STORED_BYTES).find((key) => key === dtype) as Stored | undefined;
  ensure(
    Array.isArray(shape) && shape.length <= MAX_AXES && shape.every(isSize),
    "input",
    () => `${here}: shape must be at most ${MAX_AXES} non-negative integers, got ${shownValue(shape)}`,
  );
  ensure(
    Array.isArray(offsets) && offsets.length === 2 && offsets.every(isSize),
    "input",
    () => `${here}: data_offsets must be two non-negative integers, got ${shownValue(offsets)}`,
  );
  const [begin, end] = offsets as [number, number];
  ensure(
    begin <= end && end <= dataLength,
    "input",
    () =>
      `${here}: data_offsets must lie in order within the ${dataLength} bytes of data, got ${shownValue(offsets)} (is the file cut short?)`,
  );
  if (known !== undefined) {
    const bytes = sizeOf(shape) * STORED_BYTES[known];
    ensure(
      bytes === end - begin,
      "input",
      () => `${here}: shape ${shownValue(shape)} of ${known} must fill its byte range, needs ${bytes} bytes, got ${end - begin}`,
    );
  }
  return { name, where: here, dtype: known, kind: dtype, shape, begin, end };
}

function checkLayout(entries: readonly Entry[], where: string, dataLength: number): void {
  let place = 0;
  for (const entry of entries) {
    ensure(
      entry.begin >= place,
      "input",
      () => `${entry.where}: must not overlap another, begins at ${entry.begin}, data is taken up to ${place}`,
    );
    ensure(
      entry.begin === place,
      "input",
      () => `${entry.where}: must follow the one before without a hole, begins at ${entry.begin}, not ${place}`,
    );
    place = entry.end;
  }
  ensure(
    place === dataLength,
    "input",
    () => `${where}: tensors must fill the data, ${dataLength - place} of ${dataLength} bytes are left over`,
  );
}

interface Parsed {
  readonly entries: readonly Entry[];
  readonly metadata: Record<string, string>;
  readonly start: number;
}

/** The header, every size in it checked against the bytes there are. */
function parseFile(bytes: Uint8Array, where: string): Parsed {
  ensure(bytes.length >= 8, "input", () => `${where}: a safetensors file must have 8 bytes or more, got ${bytes.length}`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  ensure(
    length <= MAX_HEADER,
    "input",
    () => `${where}: the safetensors header must be at most ${MAX_HEADER} bytes, says ${length}`,
  );
  const start = 8 + Number(length);
  ensure(
    start <= bytes.length,
    "input",
    () => `${where}: the safetensors header must lie within the file, needs ${start} bytes of ${bytes.length}`,
  );
  ensure(bytes[8] === 0x7b, "input", () => `${where}: the safetensors header must begin with "{"`);
  const header = parseJsonBytes(bytes.subarray(8, start), `${where}: safetensors header`);
  if (!isObject(header)) throw new MiiiiError("input", `${where}: the safetensors header must be an object`);

  const dataLength = bytes.length - start;
  const entries: Entry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") {
      ensure(
        isObject(value) && Object.values(value).every((entry) => typeof entry === "string"),
        "input",
        () => `${where}: __metadata__ must map names to strings, got ${shownValue(value)}`,
      );
      metadata = Object.fromEntries(Object.entries(value) as [string, string][]);
    } else entries.push(parseEntry(name, value, where, dataLength));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkLayout(entries, where, dataLength);
  return { entries, metadata, start };
}

/**
 * The tensors and metadata of a safetensors file from anywhere, read when asked for: a type that is not known, or a value that is
 * not finite, matters where the tensor is needed.
 *
 * @param where - the file's name, for errors.
 * @throws naming the file, what must hold and what was found, where the file is not exactly a safetensors file.
 */
export function openSafetensors(
  bytes: Uint8Array,
  where: string,
): { readonly tensors: Map<string, LazyTensor | Unreadable>; readonly metadata: Record<string, string> } {
  const { entries, metadata, start } = parseFile(bytes, where);
  const tensors = new Map<string, LazyTensor | Unreadable>();
  for (const { name, where: here, dtype, kind, shape, begin, end } of entries) {
    if (dtype === undefined)
      tensors.set(name, { unreadable: `of dtype ${quoted(kind)}, which is not read (save it as .float())`, tensor: true });
    else {
      const read = () => decodeStored(dtype, bytes.subarray(start + begin, start + end), shape, here);
      tensors.set(name, { shape, integral: isIntegral(dtype), read });
    }
  }
  return { tensors, metadata };
}

/**
 * The tensors and metadata of a safetensors file of this project. Every size is checked against the bytes there are before
 * anything is allocated.
 *
 * @param where - the file's name, for errors.
 * @throws naming the file, what must hold and what was found, where the file is not exactly a safetensors file of finite numbers.
 */
export function decodeSafetensors(bytes: Uint8Array, where: string): SafetensorsFile {
  const { entries, metadata, start } = parseFile(bytes, where);
  const tensors = new Map<string, NdArray>();
  for (const { name, where: here, dtype, kind, shape, begin, end } of entries) {
    ensure(
      dtype !== undefined,
      "input",
      () => `${here}: dtype must be one of ${Object.keys(STORED_BYTES).join(", ")}, got ${quoted(kind)}`,
    );
    const array = decodeStored(dtype, bytes.subarray(start + begin, start + end), shape, here);
    ensureFinite(array, here);
    tensors.set(name, array);
  }
  return { tensors, metadata };
}
