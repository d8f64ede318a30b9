import { readdirSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { ensure, MiiiiError, quoted } from "../../core/index.ts";
import { sha256 } from "../bytes.ts";
import { readFileBytes, statOf, systemReason } from "../files.ts";
import { barePickle } from "../formats/bare-pickle.ts";
import { foreignKind } from "../formats/foreign-kinds.ts";
import type { LazyTensor, Statement, Statements, TensorGroup, Unreadable } from "../formats/lazy.ts";
import { decodeNpy, decodeNpz, isNpy, loneArray } from "../formats/npy.ts";
import type { PyValue } from "../formats/pickle-values.ts";
import { openSafetensors } from "../formats/safetensors.ts";
import { isObject, parseJson, parseJsonBytes, shownValue } from "../formats/strict-json.ts";
import { textStatements } from "../formats/text-statements.ts";
import { decodeTorch, isTorch } from "../formats/torch.ts";
import { readZip } from "../formats/zip.ts";
import { groupOf } from "./assign.ts";
import { configBeside, configOf } from "./config-beside.ts";
import { FLATTEN, foreignFolder, foreignZip } from "./foreign-folders.ts";

/** The formats that models are imported from. */
export type ImportFormat = "torch" | "npz" | "npy" | "safetensors";

/** What a file, or the files of a folder, hold. */
export interface Decoded {
  readonly format: ImportFormat;
  readonly groups: readonly TensorGroup[];
  /** Of the file's bytes, hexadecimal; of all files' digests where there are several. */
  readonly sha256: string;
  /** What the file says beside its tensors. */
  readonly statements: Statements;
  /** What the `config.json` beside it says, where it is of this model. */
  readonly neighbour: Statements;
  /** The names of the files that were read, where the path is not one of them or there are several. */
  readonly files: readonly string[];
  /** This project's own file: its bytes and metadata. */
  readonly own?: { readonly bytes: Uint8Array; readonly metadata: Readonly<Record<string, string>> };
  /** The whole of a pickle, for what lies beside the models of a series. */
  readonly value?: PyValue;
}

type Content = Omit<Decoded, "sha256" | "files" | "neighbour">;

const startsWith = (bytes: Uint8Array, prefix: readonly number[]) => prefix.every((byte, i) => bytes[i] === byte);

/** How files of PyTorch before 1.6 begin: a pickle of a magic number. */
const LEGACY_MAGIC = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

function decodeZip(bytes: Uint8Array, path: string): Content {
  const entries = readZip(bytes, path);
  if (isTorch(entries)) {
    const { groups, statements, value } = decodeTorch(entries, path);
    return { format: "torch", groups, statements, value };
  }
  const arrays = decodeNpz(entries, path);
  const kind = foreignZip([...entries.keys()]);
  ensure(kind === undefined, "input", () => `${path}: ${kind}`);
  ensure(
    arrays.size > 0,
    "input",
    () =>
      `${path}: a zip archive must be PyTorch's (data.pkl) or NumPy's (.npy files), is neither: unpack it, and give the model inside`,
  );
  return { format: "npz", groups: [groupOf(arrays)], statements: scalarsOf(arrays) };
}

/** What a whole number or a truth value says that is kept as a tensor. */
export function scalarStatement(key: string, { shape, integral, boolean, read }: LazyTensor): Statement[] {
  if (integral !== true || shape.some((n) => n !== 1)) return [];
  const value = read().data[0];
  return value === undefined ? [] : [{ key, value: boolean === true ? value !== 0 : value }];
}

/** Numbers and texts that an archive of arrays says beside its weights, such as `n_heads`. */
function scalarsOf(arrays: ReadonlyMap<string, LazyTensor | Unreadable>): Statements {
  return [...arrays].flatMap(([key, tensor]): Statement[] => {
    if ("unreadable" in tensor && /pickled/.test(tensor.unreadable)) return [{ key, value: key, unread: true }];
    if ("unreadable" in tensor)
      return tensor.text === undefined ? [] : [{ key, value: tensor.text }, ...textStatements(tensor.text)];
    return scalarStatement(key, tensor);
  });
}

function decodeBytes(bytes: Uint8Array, path: string): Content {
  if (startsWith(bytes, [0x50, 0x4b])) return decodeZip(bytes, path);
  const fail = (message: string): never => {
    throw new MiiiiError("input", `${path}: ${message}`);
  };
  if (startsWith(bytes.subarray(2), LEGACY_MAGIC))
    fail(
      "must be a zip archive as PyTorch writes since 1.6, is in its older format: in Python, torch.save(torch.load(FILE), out) with a newer PyTorch",
    );
  const pickle = barePickle(bytes);
  if (pickle !== undefined) fail(pickle);
  if (isNpy(bytes)) fail(loneArray(bytes, path));
  const kind = foreignKind(bytes);
  if (kind !== undefined) fail(kind);
  if (bytes[8] === 0x7b) {
    const { tensors, metadata } = openSafetensors(bytes, path);
    const own = isOwn(metadata);
    const said = Object.entries(metadata).flatMap(([key, value]) => [{ key, value }, ...textStatements(value)]);
    return { format: "safetensors", groups: [groupOf(tensors)], statements: said, ...(own ? { own: { bytes, metadata } } : {}) };
  }
  if (isMsgpack(bytes))
    fail(`is msgpack, as Flax writes it: in Python, p = flax.serialization.msgpack_restore(open(FILE, "rb").read()); ${FLATTEN}`);
  return fail("must be a PyTorch archive, .npz or safetensors, is none of them");
}

/** Whether metadata are this project's, whoever wrote them: a config that names task and modulus. */
function isOwn({ miiii, config }: Readonly<Record<string, string>>): boolean {
  if (config === undefined) return false;
  const value = jsonIn(config);
  return miiii !== undefined || (isObject(value) && "task" in value && "p" in value && "n_heads" in value);
}

/** Whether bytes begin as a msgpack map whose first key is text, as Flax's serialisation writes it. */
function isMsgpack(bytes: Uint8Array): boolean {
  const [first = 0, ...rest] = bytes.subarray(0, 6);
  const key = first >= 0x80 && first <= 0x8f ? rest[0] : first === 0xde ? rest[2] : first === 0xdf ? rest[4] : undefined;
  return key !== undefined && ((key >= 0xa1 && key <= 0xbf) || key === 0xd9);
}

/** The JSON in a text of metadata; undefined where it is none. */
function jsonIn(text: string): unknown {
  if (!text.startsWith("{") || text.length > 100_000) return undefined;
  try {
    return parseJson(text, "metadata");
  } catch {
    return undefined;
  }
}

const digestOf = (files: readonly (readonly [string, Uint8Array])[]) =>
  sha256(new TextEncoder().encode(files.map(([name, bytes]) => `${name} ${sha256(bytes)}\n`).join("")));

function namesIn(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    throw new MiiiiError("io", `${path}: cannot be read: ${systemReason(error)}`, { cause: error });
  }
}

/** The names in a folder inside another; none where it is a file or cannot be read. */
function filesIn(path: string): readonly string[] {
  return statOf(path)?.isDirectory() === true ? namesIn(path) : [];
}

const SHARD = /^(.+)-(\d{5})-of-(\d{5})\.(safetensors|bin|pt|pth)$/;
const INDEX = /\.(?:safetensors|bin)\.index\.json$/;

/** The tensors of several files that are one model, each name once. */
function decodeShards(folder: string, names: readonly string[], path: string): Decoded {
  const files = names.map((name) => [name, readFileBytes(join(folder, name))] as const);
  const tensors = new Map<string, LazyTensor | Unreadable>();
  let format: ImportFormat = "safetensors";
  for (const [name, bytes] of files) {
    const here = join(folder, name);
    const decoded = decodeBytes(bytes, here);
    format = decoded.format;
    ensure(
      decoded.groups.length === 1,
      "input",
      () => `${here}: a shard must hold one dict of tensors, holds ${decoded.groups.length}`,
    );
    for (const [key, tensor] of decoded.groups[0]?.tensors ?? []) {
      ensure(!tensors.has(key), "input", () => `${here}: tensor ${quoted(key)} must be in one shard, is in two`);
      tensors.set(key, tensor);
    }
  }
  ensure(tensors.size > 0, "input", () => `${path}: its shards must hold tensors, and hold none`);
  return {
    format,
    groups: [groupOf(tensors)],
    sha256: digestOf(files),
    statements: [],
    neighbour: configBeside(folder),
    files: names,
  };
}

/** The shards that an index names: the files beside it, and nothing elsewhere. */
function shardsOf(index: string): string[] {
  const value = parseJsonBytes(readFileBytes(index), index);
  const map = isObject(value) ? value.weight_map : undefined;
  ensure(isObject(map), "input", () => `${index}: weight_map must map tensors to files, got ${shownValue(map)}`);
  const names = [...new Set(Object.values(map))];
  for (const name of names) {
    ensure(
      typeof name === "string" && name !== "" && name === basename(name) && !/[\\/:]/.test(name) && name !== "..",
      "input",
      () => `${index}: weight_map must name files beside it, got ${shownValue(name)}`,
    );
    ensure(
      statOf(join(dirname(index), name)),
      "io",
      () => `${index}: its shard ${quoted(name)} must lie beside it, and does not`,
    );
  }
  return (names as string[]).sort();
}

function readShardIndex(index: string): Decoded {
  const decoded = decodeShards(dirname(index), shardsOf(index), index);
  const value = parseJsonBytes(readFileBytes(index), index) as { weight_map: Record<string, string> };
  const missing = Object.keys(value.weight_map).filter((name) => decoded.groups[0]?.tensors.has(name) !== true);
  ensure(
    missing.length === 0,
    "input",
    () => `${index}: its shards must hold every tensor of weight_map, lack ${quoted(missing[0] ?? "")}`,
  );
  return decoded;
}

/** A file that is one of several shards, with the others beside it. */
function readShard(path: string): Decoded | undefined {
  const [, stem, , count, ending] = SHARD.exec(basename(path)) ?? [];
  if (stem === undefined || count === undefined || ending === undefined || Number(count) < 1) return undefined;
  const folder = dirname(path);
  const present = new Set(namesIn(folder));
  const all = Array.from(
    { length: Math.min(Number(count), 10_000) },
    (_, i) => `${stem}-${String(i + 1).padStart(5, "0")}-of-${count}.${ending}`,
  );
  const lacking = all.filter((name) => !present.has(name));
  ensure(
    lacking.length === 0,
    "input",
    () => `${path}: is one of ${Number(count)} shards of a model, and ${quoted(lacking[0] ?? "")} does not lie beside it`,
  );
  return decodeShards(folder, all, path);
}

/** What a folder's model files are called where there is but one model in it, in order. */
const SINGLE = ["model.safetensors", "pytorch_model.bin", "model.pt", "model.pth", "model.npz", "adapter_model.safetensors"];
const MODEL_FILE = /\.(?:safetensors|pth|pt|npz|bin|ckpt)$/i;
/** What trainers leave beside a model that is none. */
const TRAINERS =
  /^(?:optim(?:izer)?|(?:lr_)?scheduler|scaler|rng_state|random_states|sampler|dl_state_dict|custom_checkpoint|training_args)(?:_\d+)*\.[a-z]+$|_optim_states\.pt$/i;
/** Hugging Face's names of a model, whose config is the `config.json` beside it whatever else lies there. */
const HUGGING_FACE = /^(?:model\.safetensors|pytorch_model\.bin)$/;

/** Model files of a folder that are not shards. */
export function modelFiles(folder: string): string[] {
  return namesIn(folder).filter(
    (name) => MODEL_FILE.test(name) && !SHARD.test(name) && !TRAINERS.test(name) && statOf(join(folder, name))?.isFile() === true,
  );
}

function readFolder(path: string): Decoded {
  const names = namesIn(path);
  const index = names.find((name) => INDEX.test(name));
  if (index !== undefined) return readShardIndex(join(path, index));
  const shard = names.find((name) => SHARD.test(name));
  // DeepSpeed's third stage leaves nothing but empty tensors in the model's own file.
  const third = names.some((name) => /^zero_pp_rank_.*_model_states\.pt$/.test(name))
    ? foreignFolder(names, () => [])
    : undefined;
  ensure(third === undefined, "input", () => `${path}: ${third}`);
  const found = SINGLE.find((name) => names.includes(name));
  const models = modelFiles(path);
  const [only, ...more] = found === undefined ? models : [found];
  if (only !== undefined && more.length === 0) {
    const decoded = readSingle(join(path, only));
    return { ...decoded, files: [only] };
  }
  if (shard !== undefined) return readShard(join(path, shard)) as Decoded;
  ensure(
    more.length === 0,
    "input",
    () => `${path}: holds ${models.length} model files: give one of them, or make a run of them all: miiii import ${path} OUTDIR`,
  );
  const arrays = names.filter((name) => name.endsWith(".npy"));
  ensure(
    arrays.length > 0,
    "input",
    () =>
      `${path}: ${foreignFolder(names, (name) => filesIn(join(path, name))) ?? "a folder to import must hold .npy files, a model file or its shards, and holds none"}`,
  );
  const files = arrays.map((name) => [name, readFileBytes(join(path, name))] as const);
  const tensors = new Map(files.map(([name, bytes]) => [basename(name, ".npy"), decodeNpy(bytes, join(path, name))] as const));
  return {
    format: "npy",
    groups: [groupOf(tensors)],
    sha256: digestOf(files),
    statements: scalarsOf(tensors),
    neighbour: configBeside(path),
    files: [],
  };
}

/** A file's content by itself, from its bytes alone; see {@link decodePath}. */
export function decodeContent(bytes: Uint8Array, path: string): Decoded {
  return { ...decodeBytes(bytes, path), sha256: sha256(bytes), neighbour: [], files: [] };
}

/** Whether model files of a folder differ by a number or by their place in a training alone: then a config is of all of them. */
function isOneRun(names: readonly string[]): boolean {
  const stems = names.map((name) =>
    basename(name, extname(name))
      .toLowerCase()
      .replaceAll(/\d+|best|last|latest|final|init(?:ial)?/g, "#"),
  );
  return new Set(stems).size <= 1;
}

function readSingle(path: string): Decoded {
  const content = decodeContent(readFileBytes(path), path);
  if (content.own !== undefined) return content;
  // A config beside several models may be of any of them.
  const folder = dirname(path);
  const certain = HUGGING_FACE.test(basename(path)) || isOneRun(modelFiles(folder));
  return { ...content, neighbour: [...configOf(path), ...configBeside(folder, certain)] };
}

/**
 * The tensors of a file or folder from elsewhere, and what is said beside them. The format is told by content: a PyTorch archive,
 * an NPZ archive, safetensors; of folders, one of .npy files, of a model file, or of shards with or without their index.
 *
 * @throws kind `io` where something cannot be read, kind `input` where it is damaged, hostile or no model: named, with the next
 * step.
 */
export function decodePath(path: string): Decoded {
  if (statOf(path)?.isDirectory() === true) return readFolder(path);
  if (INDEX.test(path)) return readShardIndex(path);
  return readShard(path) ?? readSingle(path);
}
