import { narrow, type PickleReader } from "./pickle-reader.ts";
import { describe, type PyValue } from "./pickle-values.ts";

/** Python's raw-unicode-escape: Latin-1 but for escapes of the rest. */
function unescapeUnicode(line: string): string {
  return line.replaceAll(/\\u([0-9a-f]{4})|\\U([0-9a-f]{8})/g, (whole, short?: string, long?: string) => {
    const point = Number.parseInt(short ?? long ?? "", 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}

function integerLine(reader: PickleReader): number | bigint | boolean {
  const line = reader.line().replace(/L$/, "");
  if (line === "00") return false;
  if (line === "01") return true;
  if (!/^\s*[-+]?\d{1,150}\s*$/.test(line)) reader.fail(`the pickle must have an integer, got ${describe(line)}`);
  return narrow(BigInt(line.trim().replace(/^\+/, "")));
}

function floatLine(reader: PickleReader): number {
  const line = reader.line().trim();
  const special: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Infinity, "-inf": -Infinity };
  const value = Object.hasOwn(special, line) ? special[line] : line === "" ? undefined : Number(line);
  if (value === undefined || (Number.isNaN(value) && line !== "nan"))
    reader.fail(`the pickle must have a number, got ${describe(line)}`);
  return value;
}

/** The number, string or bytes that an instruction spells out; undefined for any other instruction. */
export function readLiteral(reader: PickleReader, code: number): PyValue | undefined {
  switch (String.fromCharCode(code)) {
    case "N":
      return null;
    case "\x88":
      return true;
    case "\x89":
      return false;
    case "I":
    case "L":
      return integerLine(reader);
    case "J":
      return reader.int32();
    case "K":
      return reader.uint(1);
    case "M":
      return reader.uint(2);
    case "\x8a":
      return reader.long(reader.uint(1));
    case "\x8b":
      return reader.long(reader.uint(4));
    case "F":
      return floatLine(reader);
    case "G":
      return reader.double();
    case "S":
      return reader.line().replace(/^(['"])(.*)\1$/, "$2");
    case "V":
      return unescapeUnicode(reader.line());
    case "U":
    case "\x8c":
      return reader.text(reader.uint(1));
    case "T":
    case "X":
      return reader.text(reader.uint(4));
    case "\x8d":
      return reader.text(reader.length8());
    case "C":
      return reader.bytes(reader.uint(1));
    case "B":
      return reader.bytes(reader.uint(4));
    case "\x8e":
    case "\x96":
      return reader.bytes(reader.length8());
    default:
      return undefined;
  }
}
