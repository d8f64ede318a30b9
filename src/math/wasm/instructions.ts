/** Machine code of WebAssembly: bytes, as its specification numbers them. Only what the kernels here need. */
export type Code = readonly number[];

/** A number as LEB128 bytes, signed as constants are, or unsigned as indices are. */
function signed(value: number): Code {
  const rest = value >> 7;
  const isLast = (rest === 0 && (value & 0x40) === 0) || (rest === -1 && (value & 0x40) !== 0);
  return isLast ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(rest)];
}

/** An index or length as LEB128 bytes. */
export function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** Types of values. */
export const TYPE = { i32: 0x7f, f64: 0x7c, v128: 0x7b } as const;

/** Instructions beyond the first 256 numbers: two float64 or int64 lanes. */
const lanes = (number: number): Code => [0xfd, ...unsigned(number)];

/** Alignment 2³ bytes, no offset. */
const AT_POINTER: Code = [3, 0];

/** A variable of a function, by number: parameters first. */
export const get = (local: number): Code => [0x20, local];
export const set = (local: number): Code => [0x21, local];
/** Sets a variable and leaves the value. */
export const tee = (local: number): Code => [0x22, local];

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value)],
  add: [0x6a],
  sub: [0x6b],
  and: [0x71],
  shl: [0x74],
  shr: [0x76],
  lessThan: [0x49],
  /** `bytes` beyond the pointer. */
  load: (bytes: number): Code => [0x28, 2, ...unsigned(bytes)],
} as const;

export const f64 = {
  load: [0x2b, ...AT_POINTER],
  /** `bytes` beyond the pointer. */
  store: (bytes: number): Code => [0x39, 3, ...unsigned(bytes)],
  fromWhole: [0xb8],
  add: [0xa0],
  div: [0xa3],
  max: [0xa5],
  equal: [0x61],
} as const;

export const v128 = {
  load: [...lanes(0), ...AT_POINTER],
  /** One number, in both lanes. */
  loadSplat: [...lanes(10), ...AT_POINTER],
  /** From a fixed place in bytes. */
  loadFrom: (bytes: number): Code => [...i32.const(0), ...lanes(0), 3, ...unsigned(bytes)],
  and: lanes(78),
  /** The first of the two where the second has no bit. */
  andNot: lanes(79),
  /** All bits of the first lane, none of the second. */
  firstLane: [...lanes(12), ...new Array<number>(8).fill(0xff), ...new Array<number>(8).fill(0)],
} as const;

export const f64x2 = {
  splat: lanes(20),
  lane: (lane: 0 | 1): Code => [...lanes(33), lane],
  add: lanes(240),
  sub: lanes(241),
  mul: lanes(242),
  /** The larger of two, the first where one of them is NaN: a single instruction of the processor. */
  pmax: lanes(247),
  lessThan: lanes(73),
} as const;

export const i64x2 = { shl: lanes(203), add: lanes(206) } as const;

/** Calls a function by number. */
export const call = (number: number): Code => [0x10, number];

/** Leaves the function with what is on the stack. */
export const RETURN: Code = [0x0f];

/** Does `body` again and again as long as `condition` holds, which is looked at first. */
export function whileLoop(condition: Code, body: Code): Code {
  return [0x02, 0x40, 0x03, 0x40, ...condition, 0x45, 0x0d, 1, ...body, 0x0c, 0, 0x0b, 0x0b];
}

/** Does `body` where `condition` holds. */
export function when(condition: Code, body: Code): Code {
  return [...condition, 0x04, 0x40, ...body, 0x0b];
}
