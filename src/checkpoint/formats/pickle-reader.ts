import { ensure, MiiiiError } from "../../core/index.ts";

/** Longer integers have no place in a checkpoint. */
const MAX_INTEGER_BYTES = 64;

/** Reads a pickle's bytes in order; never beyond their end. */
export class PickleReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #where: string;
  place = 0;

  constructor(bytes: Uint8Array, where: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#where = where;
  }

  fail(message: string): never {
    throw new MiiiiError("input", `${this.#where}: ${message} (byte ${this.place} of the pickle)`);
  }

  #advance(length: number): number {
    const start = this.place;
    ensure(
      length <= this.#bytes.length - start,
      "input",
      () => `${this.#where}: the pickle must go on for ${length} bytes at ${start}, ends at ${this.#bytes.length}`,
    );
    this.place += length;
    return start;
  }

  uint(bytes: 1 | 2 | 4): number {
    const start = this.#advance(bytes);
    if (bytes === 1) return this.#view.getUint8(start);
    return bytes === 2 ? this.#view.getUint16(start, true) : this.#view.getUint32(start, true);
  }

  /** A length of eight bytes; one that no file has fails when it is used. */
  length8(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true));
  }

  int32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  double(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  text(length: number): string {
    return new TextDecoder().decode(this.bytes(length));
  }

  /** Text up to the end of the line, Latin-1. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.place);
    ensure(end >= 0, "input", () => `${this.#where}: the pickle must have a line at ${this.place}, ends before its end`);
    const line = Buffer.from(this.bytes(end - this.place)).toString("latin1");
    this.place++;
    return line;
  }

  /** A little-endian two's complement integer. */
  long(length: number): number | bigint {
    ensure(
      length <= MAX_INTEGER_BYTES,
      "input",
      () => `${this.#where}: integers in the pickle must have at most ${MAX_INTEGER_BYTES} bytes, got ${length}`,
    );
    let value = 0n;
    for (const byte of this.bytes(length).toReversed()) value = (value << 8n) | BigInt(byte);
    return narrow(BigInt.asIntN(8 * length, value));
  }
}

/** An integer as a number where it is exact. */
export function narrow(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}
