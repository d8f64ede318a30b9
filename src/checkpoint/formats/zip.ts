import { crc32, inflateRawSync } from "node:zlib";
import { ensure, MiiiiError, quoted } from "../../core/index.ts";

/** A file inside a zip archive, unpacked when asked for. */
export interface ZipEntry {
  readonly name: string;
  /** Unpacked, bytes. */
  readonly size: number;
  /** Unpacks and checks size and CRC-32. */
  read(): Uint8Array;
}

/** What unpacks to more than this many times its archive, and more than {@link FREE_BYTES}, is taken for a bomb. */
const MAX_RATIO = 100;
const FREE_BYTES = 64 * 2 ** 20;

const SIGNATURE = { local: 0x04034b50, central: 0x02014b50, end: 0x06054b50, end64: 0x06064b50, locator64: 0x07064b50 } as const;

interface Central {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

interface Directory {
  readonly count: number;
  readonly size: number;
  readonly offset: number;
}

function findEnd(view: DataView, where: string): number {
  const last = view.byteLength - 22;
  for (let i = last; i >= 0 && i >= last - 0xffff; i--) {
    if (view.getUint32(i, true) === SIGNATURE.end && i + 22 + view.getUint16(i + 20, true) === view.byteLength) return i;
  }
  throw new MiiiiError("input", `${where}: a zip archive must end with its directory, and does not (is the file cut short?)`);
}

/** Where the central directory lies; archives of more than 65,535 files say so in a second record. */
function findDirectory(view: DataView, where: string): Directory {
  const end = findEnd(view, where);
  const count = view.getUint16(end + 10, true);
  const size = view.getUint32(end + 12, true);
  const offset = view.getUint32(end + 16, true);
  let directory: Directory = { count, size, offset };
  if (count === 0xffff || size === 0xffffffff || offset === 0xffffffff) {
    const locator = end - 20;
    ensure(
      locator >= 0 && view.getUint32(locator, true) === SIGNATURE.locator64,
      "input",
      () => `${where}: a large zip archive must have a zip64 record, and has none`,
    );
    const at64 = Number(view.getBigUint64(locator + 8, true));
    ensure(
      at64 + 56 <= locator && view.getUint32(at64, true) === SIGNATURE.end64,
      "input",
      () => `${where}: the zip64 record must lie within the archive`,
    );
    const read64 = (at: number) => Number(view.getBigUint64(at64 + at, true));
    directory = { count: read64(32), size: read64(40), offset: read64(48) };
  }
  ensure(
    directory.offset + directory.size <= end && directory.count * 46 <= directory.size,
    "input",
    () =>
      `${where}: the zip directory must lie within the archive, says ${directory.count} files in ${directory.size} bytes at ${directory.offset}`,
  );
  return directory;
}

function decodeName(bytes: Uint8Array, where: string): string {
  let name: string;
  try {
    name = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new MiiiiError("input", `${where}: names in a zip archive must be UTF-8`);
  }
  const safe = name !== "" && !name.startsWith("/") && !/[\\\0]/.test(name) && !name.split("/").includes("..");
  ensure(safe, "input", () => `${where}: names in a zip archive must stay inside it, got ${quoted(name)}`);
  return name;
}

function readDirectory(bytes: Uint8Array, view: DataView, where: string): Central[] {
  const { count, size, offset: start } = findDirectory(view, where);
  const end = start + size;
  const entries: Central[] = [];
  let place = start;
  for (let i = 0; i < count; i++) {
    ensure(
      place + 46 <= end && view.getUint32(place, true) === SIGNATURE.central,
      "input",
      () => `${where}: the zip directory must list ${count} files, breaks off at ${i}`,
    );
    const nameLength = view.getUint16(place + 28, true);
    const next = place + 46 + nameLength + view.getUint16(place + 30, true) + view.getUint16(place + 32, true);
    ensure(next <= end, "input", () => `${where}: the zip directory must list ${count} files, breaks off at ${i}`);
    entries.push({
      name: decodeName(bytes.subarray(place + 46, place + 46 + nameLength), where),
      flags: view.getUint16(place + 8, true),
      method: view.getUint16(place + 10, true),
      crc: view.getUint32(place + 16, true),
      packed: view.getUint32(place + 20, true),
      size: view.getUint32(place + 24, true),
      offset: view.getUint32(place + 42, true),
    });
    place = next;
  }
  return entries;
}

/** Where an entry's packed bytes begin, after checks that its local header agrees. */
function dataStart(entry: Central, bytes: Uint8Array, view: DataView, limit: number, here: string): number {
  const { offset } = entry;
  ensure(
    offset + 30 <= limit && view.getUint32(offset, true) === SIGNATURE.local,
    "input",
    () => `${here}: must begin with a zip header within the archive, is said to be at ${offset}`,
  );
  const nameLength = view.getUint16(offset + 26, true);
  const start = offset + 30 + nameLength + view.getUint16(offset + 28, true);
  ensure(
    start + entry.packed <= limit,
    "input",
    () => `${here}: must lie within the archive, needs ${start + entry.packed} bytes of ${limit}`,
  );
  const name = new TextDecoder().decode(bytes.subarray(offset + 30, offset + 30 + nameLength));
  ensure(name === entry.name, "input", () => `${here}: must have the same name in both places, got ${quoted(name)}`);
  return start;
}

function unpackEntry(entry: Central, packed: Uint8Array, here: string): Uint8Array {
  let content = packed;
  if (entry.method === 8) {
    try {
      content = inflateRawSync(packed, { maxOutputLength: Math.max(entry.size, 1) });
    } catch (error) {
      throw new MiiiiError("input", `${here}: must unpack to ${entry.size} bytes, is damaged or larger`, { cause: error });
    }
  }
  ensure(content.length === entry.size, "input", () => `${here}: must unpack to ${entry.size} bytes, got ${content.length}`);
  // PyTorch may be told to write none (`set_crc32_options(False)`).
  ensure(
    entry.crc === 0 || crc32(content) === entry.crc,
    "input",
    () => `${here}: its checksum must match, and does not (is the file damaged?)`,
  );
  return content;
}

/**
 * The files of a zip archive by name, stored or deflated. Every offset and size is checked against the archive first, and nothing
 * is unpacked until read.
 *
 * @param where - the archive's name, for errors.
 * @throws where the archive is damaged, encrypted, unpacks to far more than it holds, or holds a name that leads out of it.
 */
export function readZip(bytes: Uint8Array, where: string): Map<string, ZipEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const directory = readDirectory(bytes, view, where);
  const total = directory.reduce((sum, entry) => sum + entry.size, 0);
  ensure(
    total <= Math.max(FREE_BYTES, MAX_RATIO * bytes.length),
    "input",
    () => `${where}: a zip archive of ${bytes.length} bytes must not unpack to ${total}`,
  );
  const entries = new Map<string, ZipEntry>();
  let taken = 0;
  for (const entry of directory.sort((a, b) => a.offset - b.offset)) {
    const here = `${where}: ${quoted(entry.name)}`;
    ensure(!entries.has(entry.name), "input", () => `${here}: must be in the archive once, is there twice`);
    ensure((entry.flags & 1) === 0, "input", () => `${here}: must not be encrypted`);
    ensure(
      entry.method === 0 || entry.method === 8,
      "input",
      () => `${here}: must be stored or deflated, has method ${entry.method}`,
    );
    ensure(
      entry.packed !== 0xffffffff && entry.size !== 0xffffffff && (entry.method === 8 || entry.packed === entry.size),
      "input",
      () => `${here}: must have the same size stored as unpacked, below 4 GiB, got ${entry.packed} and ${entry.size}`,
    );
    ensure(entry.offset >= taken, "input", () => `${here}: must not overlap another file of the archive`);
    const start = dataStart(entry, bytes, view, bytes.length, here);
    taken = start + entry.packed;
    entries.set(entry.name, {
      name: entry.name,
      size: entry.size,
      read: () => unpackEntry(entry, bytes.subarray(start, start + entry.packed), here),
    });
  }
  return entries;
}

/** A zip archive of stored files in the order given, dated 1980, so that the same files give the same bytes. */
export function writeZip(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const FIRST_OF_1980 = 0x0021;
  const parts: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const [name, content] of files) {
    const encoded = new TextEncoder().encode(name);
    // From the version needed to the length of the extra field, both headers are the same 26 bytes.
    const common = new DataView(new ArrayBuffer(26));
    common.setUint16(0, 20, true);
    common.setUint16(2, 0x0800, true);
    common.setUint16(8, FIRST_OF_1980, true);
    common.setUint32(10, crc32(content), true);
    common.setUint32(14, content.length, true);
    common.setUint32(18, content.length, true);
    common.setUint16(22, encoded.length, true);
    const shared = new Uint8Array(common.buffer);

    const local = new Uint8Array(30 + encoded.length);
    new DataView(local.buffer).setUint32(0, SIGNATURE.local, true);
    local.set(shared, 4);
    local.set(encoded, 30);

    const record = new Uint8Array(46 + encoded.length);
    const view = new DataView(record.buffer);
    view.setUint32(0, SIGNATURE.central, true);
    view.setUint16(4, 20, true);
    record.set(shared, 6);
    view.setUint32(42, offset, true);
    record.set(encoded, 46);
    central.push(record);
    parts.push(local, content);
    offset += local.length + content.length;
  }
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, SIGNATURE.end, true);
  end.setUint16(8, files.size, true);
  end.setUint16(10, files.size, true);
  end.setUint32(
    12,
    central.reduce((sum, record) => sum + record.length, 0),
    true,
  );
  end.setUint32(16, offset, true);
  return Buffer.concat([...parts, ...central, new Uint8Array(end.buffer)]);
}
