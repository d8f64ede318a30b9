import { encodeNpy, encodeNpz } from "../../src/checkpoint/formats/npy.ts";
import { parseJsonBytes } from "../../src/checkpoint/formats/strict-json.ts";
import { writeZip } from "../../src/checkpoint/formats/zip.ts";
import { importDecoded } from "../../src/checkpoint/import/import-model.ts";
import { parseMapping } from "../../src/checkpoint/import/mapping.ts";
import { decodeContent } from "../../src/checkpoint/import/read-file.ts";
import { configText, encodeSafetensors, parseStoredConfig } from "../../src/checkpoint/index.ts";
import { MAX_MESSAGE, MiiiiError, type NdArray, printable, type Random, randomStream } from "../../src/core/index.ts";
import { initParameters } from "../../src/model/index.ts";
import { type Py, pickleOf, tensorOf } from "./torch-archive.ts";

const NAME = "mutant.pt";

const config = {
  task: "nanda",
  p: 7,
  labels: "remainder",
  shuffle_labels: false,
  d_model: 4,
  n_heads: 2,
  d_head: 2,
  d_mlp: 6,
} as const;
const weights = new Map<string, NdArray<"float32">>(Object.entries(initParameters({ ...config, init: "he" }, 1)));

/** What a reader is given, and how it takes it. */
interface Seed {
  readonly kind: string;
  /** The parts that are mutated: a whole file, or what lies inside an archive whose checksums are right again afterwards. */
  readonly bytes: Uint8Array;
  readonly read: (bytes: Uint8Array) => unknown;
}

const asModel = (bytes: Uint8Array) => importDecoded(NAME, decodeContent(bytes, NAME), {}).candidates;

/** A state dict of tensors as a pickle, and its storages. */
function torchParts(wrap: (dict: Py) => Py): { readonly pickle: Uint8Array; readonly storages: Map<string, Uint8Array> } {
  const entries = [...weights].map(([name, { shape }], i): readonly [Py, Py] => [name, tensorOf(String(i), shape)]);
  const storages = [...weights.values()].map(({ data }, i): [string, Uint8Array] => [
    `archive/data/${i}`,
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  ]);
  return { pickle: pickleOf(wrap({ dict: entries })), storages: new Map(storages) };
}

/** A module that was saved whole, with one for its activation, one that computes nothing, and a function among its attributes. */
function moduleOf(dict: Py): Py {
  const module = (
    path: string,
    parameters: Py,
    modules: readonly (readonly [Py, Py])[],
    more: readonly (readonly [Py, Py])[],
  ): Py => ({
    call: path,
    args: [],
    state: { dict: [["_parameters", parameters], ["_buffers", { dict: [] }], ["_modules", { dict: modules }], ...more] },
  });
  const leaf = (path: string, more: readonly (readonly [Py, Py])[]) => module(path, { dict: [] }, [], more);
  const gelu: Py = { global: "torch._C._nn.gelu" };
  const partial: Py = { tuple: [gelu, { tuple: [] }, { dict: [["approximate", "tanh"]] }, null] };
  const inner: (readonly [Py, Py])[] = [
    ["act", leaf("torch.nn.modules.activation.GELU", [["approximate", "tanh"]])],
    ["drop", leaf("torch.nn.modules.dropout.Dropout", [["p", 0.1]])],
  ];
  const attributes: (readonly [Py, Py])[] = [
    ["n_heads", 2],
    ["activation", { call: "functools.partial", args: [gelu], state: partial }],
    ["_forward_hooks", { dict: [] }],
  ];
  return module("__main__.Model", dict, inner, attributes);
}

function seeds(): Seed[] {
  const whole = torchParts(moduleOf);
  const plain = torchParts((dict) => dict);
  const nested = torchParts((dict) => ({
    dict: [
      ["epoch", 3],
      ["config", { dict: [["n_heads", 2]] }],
      ["state_dicts", [dict, dict]],
    ],
  }));
  const archive = (pickle: Uint8Array, storages: ReadonlyMap<string, Uint8Array>) =>
    writeZip(new Map([["archive/data.pkl", pickle], ...storages, ["archive/byteorder", Buffer.from("little")]]));
  const foreign = encodeSafetensors(weights, { format: "pt", n_heads: "2" });
  const own = encodeSafetensors(weights, { format: "pt", miiii: "0", config: configText(config), epoch: "3" });
  const npy = encodeNpy([...weights.values()][0] as NdArray);
  const others = [...weights].slice(1);
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const mapping = {
    "embed.W_E": "tok",
    "blocks.0.attn.W_Q": { tensor: "qkv", rows: [0, 4], reshape: [2, 2, 4], permute: [0, 2, 1] },
  };
  return [
    { kind: "torch", bytes: archive(plain.pickle, plain.storages), read: asModel },
    { kind: "torch pickle", bytes: plain.pickle, read: (bytes) => asModel(archive(bytes, plain.storages)) },
    { kind: "torch nested pickle", bytes: nested.pickle, read: (bytes) => asModel(archive(bytes, nested.storages)) },
    { kind: "torch module pickle", bytes: whole.pickle, read: (bytes) => asModel(archive(bytes, whole.storages)) },
    { kind: "safetensors", bytes: foreign, read: asModel },
    { kind: "own safetensors", bytes: own, read: asModel },
    { kind: "npz", bytes: encodeNpz(weights), read: asModel },
    {
      kind: "npy in npz",
      bytes: npy,
      read: (bytes) =>
        asModel(
          writeZip(
            new Map([["embed.W_E.npy", bytes], ...others.map(([name, array]) => [`${name}.npy`, encodeNpy(array)] as const)]),
          ),
        ),
    },
    { kind: "mapping", bytes: json(mapping), read: (bytes) => parseMapping(parseJsonBytes(bytes, NAME), NAME) },
    { kind: "config", bytes: json(config), read: (bytes) => parseStoredConfig(parseJsonBytes(bytes, NAME), NAME) },
  ];
}

/** Bytes that mean something to some reader: sizes at the edges, escape codes, brackets, opcodes. */
const TOKENS = [
  "00000000",
  "ffffffff",
  "ffffff7f",
  "ffffffffffffff7f",
  "00000080",
  "1b5b33316d",
  "e280ae",
  "e280a8",
  "c29b",
  Buffer.from("[[[[[[[[").toString("hex"),
  Buffer.from("{}").toString("hex"),
  Buffer.from("-1").toString("hex"),
  Buffer.from("9007199254740993").toString("hex"),
  Buffer.from("1e308").toString("hex"),
  Buffer.from("null").toString("hex"),
  Buffer.from("__proto__").toString("hex"),
  Buffer.from("constructor").toString("hex"),
  Buffer.from("../../x").toString("hex"),
  "28",
  "29",
  "2e",
  "52",
  "62",
  "65",
  "71ff",
  "680a",
  "8700",
  "94",
  "5d94",
  "7d94",
  "8a10",
  "58ffffff7f",
].map((hex) => Buffer.from(hex, "hex"));

type Mutation = (bytes: Buffer, random: Random, other: Uint8Array) => Buffer;

const place = (bytes: Uint8Array, { integer, uniform }: Random) =>
  // Headers decide more than elements: half of the places are among the first bytes.
  uniform() < 0.5 ? integer(Math.min(bytes.length + 1, 600)) : integer(bytes.length + 1);

const GENTLE: readonly Mutation[] = [
  (bytes, random) => {
    const at = Math.min(place(bytes, random), bytes.length - 1);
    if (at >= 0) bytes[at] = (bytes[at] as number) ^ (1 << random.integer(8));
    return bytes;
  },
  (bytes, random) => {
    const at = Math.min(place(bytes, random), bytes.length - 1);
    if (at >= 0) bytes[at] = random.integer(256);
    return bytes;
  },
  (bytes, random) => {
    // Another number where one stands in text.
    const text = bytes.toString("latin1");
    const numbers = [...text.matchAll(/\d+/g)];
    const found = numbers[random.integer(Math.max(numbers.length, 1))];
    if (found === undefined) return bytes;
    const value = ["0", "1", "3", "8", "-1", "1e9", "4294967296", "9007199254740991", "0.5"][random.integer(9)];
    return Buffer.from(text.slice(0, found.index) + value + text.slice(found.index + found[0].length), "latin1");
  },
];

const MUTATIONS: readonly Mutation[] = [
  ...GENTLE,
  (bytes, random) => bytes.subarray(0, random.integer(bytes.length + 1)),
  (bytes, random) => bytes.subarray(random.integer(Math.min(bytes.length, 64) + 1)),
  (bytes, random) => {
    const at = place(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.integer(40))]);
  },
  (bytes, random) => {
    const [at, from] = [place(bytes, random), place(bytes, random)];
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(from, from + random.integer(200)), bytes.subarray(at)]);
  },
  (bytes, random) => {
    const at = place(bytes, random);
    const token = TOKENS[random.integer(TOKENS.length)] as Buffer;
    return Buffer.concat([bytes.subarray(0, at), token, bytes.subarray(random.integer(2) === 0 ? at : at + token.length)]);
  },
  (bytes, random, other) => {
    const at = place(bytes, random);
    return Buffer.concat([bytes.subarray(0, at), other.subarray(at)]);
  },
  (bytes, random) => {
    const at = place(bytes, random);
    const token = TOKENS[random.integer(TOKENS.length)] as Buffer;
    return Buffer.concat([
      bytes.subarray(0, at),
      Buffer.concat(new Array(1 + random.integer(4000)).fill(token)),
      bytes.subarray(at),
    ]);
  },
];

/** What became of the mutants of each kind: read, refused with a clear error, and anything else, which there must not be. */
export interface Outcomes {
  readonly counts: Record<string, { ok: number; refused: number; failed: number }>;
  /** Of those that failed: which mutant, and how. */
  readonly failures: readonly string[];
  /** The longest that one took. */
  readonly slowest_ms: number;
}

/** Why a reader's error is not a clear one; undefined where it is. */
function unclear(error: unknown): string | undefined {
  if (!(error instanceof MiiiiError)) return `threw ${error instanceof Error ? error.stack?.slice(0, 600) : String(error)}`;
  const { message } = error;
  if (message.length > MAX_MESSAGE) return `a message of ${message.length} characters`;
  if (message !== printable(message)) return `a message that is not printable: ${JSON.stringify(message)}`;
  return message.startsWith(NAME) ? undefined : `a message that does not name the file: ${message}`;
}

/** Mutants take milliseconds; one that takes this long has found a cost that its size does not bound. */
const TOO_LONG_MS = 5000;

/**
 * Reads `count` mutants of every format, each a seeded change of a good file, in this process.
 *
 * @param clock - milliseconds; the outcome does not depend on it unless one takes seconds.
 */
export function fuzz(count: number, seed: number, clock: () => number): Outcomes {
  const all = seeds();
  // Mutants of what cannot be read would all be refused, and prove nothing.
  for (const { bytes, read } of all) read(bytes);
  const counts: Outcomes["counts"] = {};
  const failures: string[] = [];
  let slowest = 0;
  for (let i = 0; i < count; i++) {
    const random = randomStream(seed, `mutant ${i}`);
    const chosen = all[i % all.length] as Seed;
    const other = all[random.integer(all.length)] as Seed;
    let bytes: Buffer = Buffer.from(chosen.bytes);
    // Half of them differ by little, so that they come past the first check.
    const gentle = random.integer(2) === 0;
    const steps = gentle ? 1 : 1 + random.integer(3);
    const mutations = gentle ? GENTLE : MUTATIONS;
    for (let step = 0; step < steps; step++)
      bytes = (mutations[random.integer(mutations.length)] as Mutation)(Buffer.from(bytes), random, other.bytes);
    counts[chosen.kind] ??= { ok: 0, refused: 0, failed: 0 };
    const tally = counts[chosen.kind] as { ok: number; refused: number; failed: number };
    const start = clock();
    let wrong: string | undefined;
    try {
      chosen.read(bytes);
      tally.ok++;
    } catch (error) {
      wrong = unclear(error);
      if (wrong === undefined) tally.refused++;
    }
    const took = clock() - start;
    slowest = Math.max(slowest, took);
    if (wrong === undefined && took > TOO_LONG_MS) wrong = `took ${Math.round(took)} ms for ${bytes.length} bytes`;
    if (wrong !== undefined) {
      tally.failed++;
      failures.push(`${chosen.kind}, mutant ${i} of seed ${seed}: ${wrong}`);
    }
  }
  return { counts, failures, slowest_ms: slowest };
}
