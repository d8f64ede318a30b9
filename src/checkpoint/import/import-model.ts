import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { ensure, ensureFinite, MiiiiError, quoted } from "../../core/index.ts";
import { sha256 } from "../bytes.ts";
import { checkpointFrom } from "../checkpoint.ts";
import { readFileBytes, statOf, systemReason } from "../files.ts";
import type { LazyTensor, TensorGroup, Unreadable } from "../formats/lazy.ts";
import { decodeNpy, decodeNpz, isNpy } from "../formats/npy.ts";
import { decodeSafetensors } from "../formats/safetensors.ts";
import { parseJsonBytes } from "../formats/strict-json.ts";
import { decodeTorch, isTorch } from "../formats/torch.ts";
import { readZip } from "../formats/zip.ts";
import { chooseGroup, groupOf } from "./assign.ts";
import { candidatesOf, type ImportedModel, type ImportOptions } from "./candidates.ts";
import { parseMapping } from "./mapping.ts";

/** The formats that models are imported from. */
export type ImportFormat = "torch" | "npz" | "npy" | "safetensors";

/** What a file holds. */
export interface ImportResult {
  readonly path: string;
  /** Of the file's bytes, hexadecimal; of all files' digests where the path is a folder. */
  readonly sha256: string;
  readonly format: ImportFormat;
  /** Where in the file the tensors lie, such as `model`; empty for the file itself. */
  readonly source: string;
  /** Tensors that have no place in the model and are left out. */
  readonly surplus: readonly string[];
  /** Masks and other buffers, left out as they should be. */
  readonly ignored: readonly string[];
  /** Every model that the file may hold, likely ones first; see `chooseImport`. */
  readonly candidates: readonly ImportedModel[];
}

interface Decoded {
  readonly format: ImportFormat;
  readonly groups: readonly TensorGroup[];
  /** This project's own metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const startsWith = (bytes: Uint8Array, prefix: readonly number[]) => prefix.every((byte, i) => bytes[i] === byte);

/** How files of PyTorch before 1.6 begin: a pickle of a magic number. */
const LEGACY_MAGIC = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

function decodeFile(bytes: Uint8Array, path: string): Decoded {
  if (startsWith(bytes, [0x50, 0x4b])) {
    const entries = readZip(bytes, path);
    if (isTorch(entries)) return { format: "torch", groups: decodeTorch(entries, path) };
    const arrays = decodeNpz(entries, path);
    ensure(
      arrays.size > 0,
      "input",
      () => `${path}: a zip archive must be PyTorch's (data.pkl) or NumPy's (.npy files), is neither`,
    );
    return { format: "npz", groups: [groupOf(arrays)] };
  }
  if (startsWith(bytes.subarray(2), LEGACY_MAGIC)) {
    throw new MiiiiError(
      "input",
      `${path}: must be a zip archive as PyTorch writes since 1.6, is in its older format: load and save it again with a newer PyTorch`,
    );
  }
  if (bytes[0] === 0x80 && (bytes[1] ?? 9) <= 5 && bytes.at(-1) === 0x2e) {
    throw new MiiiiError("input", `${path}: must not be a bare pickle: save it by torch.save or as safetensors`);
  }
  if (isNpy(bytes)) {
    throw new MiiiiError(
      "input",
      `${path}: a lone array is no model: give an .npz archive or a folder of .npy files named like tensors`,
    );
  }
  ensure(bytes[8] === 0x7b, "input", () => `${path}: must be a PyTorch archive, .npz or safetensors, is none of them`);
  const { tensors, metadata } = decodeSafetensors(bytes, path, { requireFinite: false });
  const lazy = [...tensors].map(([name, array]): [string, LazyTensor] => [name, { shape: array.shape, read: () => array }]);
  const own = metadata.miiii !== undefined && metadata.config !== undefined;
  return { format: "safetensors", groups: [groupOf(new Map(lazy))], ...(own ? { metadata } : {}) };
}

function decodeFolder(path: string): { readonly decoded: Decoded; readonly digest: string } {
  let names: string[];
  try {
    names = readdirSync(path)
      .filter((name) => name.endsWith(".npy"))
      .sort();
  } catch (error) {
    throw new MiiiiError("io", `${path}: cannot be read: ${systemReason(error)}`, { cause: error });
  }
  ensure(names.length > 0, "input", () => `${path}: a folder to import must hold .npy files, and holds none`);
  const files = names.map((name) => [name, readFileBytes(join(path, name))] as const);
  const arrays = files.map(([name, bytes]) => [basename(name, ".npy"), decodeNpy(bytes, join(path, name))] as const);
  const digests = files.map(([name, bytes]) => `${name} ${sha256(bytes)}\n`).join("");
  return { decoded: { format: "npy", groups: [groupOf(new Map(arrays))] }, digest: sha256(new TextEncoder().encode(digests)) };
}

/** Names its tensor where one that is needed is not finite. */
function checked(groups: readonly TensorGroup[], path: string): TensorGroup[] {
  return groups.map(({ source, tensors }) => ({
    source,
    tensors: new Map(
      [...tensors].map(([name, tensor]): [string, LazyTensor | Unreadable] => {
        if ("unreadable" in tensor) return [name, tensor];
        const read = () => {
          const array = tensor.read();
          ensureFinite(array, `${path}: tensor ${quoted(name)}`);
          return array;
        };
        return [name, { shape: tensor.shape, read }];
      }),
    ),
  }));
}

/**
 * Reads a model trained elsewhere: a PyTorch archive, an NPZ archive, safetensors, or a folder of NPY files. Format, layout and
 * sizes are recognised by content, names and shapes; where these leave a question open, every answer is a candidate.
 *
 * @param options.mapping - path of a JSON file that says which tensor is what; see `parseMapping`.
 * @throws kind `input` where the file is damaged, hostile or no such model; kind `usage` where the options contradict it.
 */
export function importModel(path: string, options: ImportOptions & { readonly mapping?: string } = {}): ImportResult {
  const { mapping: mappingPath, ...choices } = options;
  ensure(
    choices.task !== "basis",
    "usage",
    () => `${path}: task basis cannot be imported: its labels depend on the seed it was trained with`,
  );
  ensure(
    choices.heads === undefined || (Number.isSafeInteger(choices.heads) && choices.heads >= 1),
    "usage",
    () => `heads: must be a positive integer, got ${choices.heads}`,
  );
  const { attention_rate: rate = 1 } = choices;
  ensure(rate >= 0 && rate <= 1, "usage", () => `attention rate: must be from 0 to 1, got ${rate}`);
  const folder = statOf(path)?.isDirectory() === true;
  const bytes = folder ? undefined : readFileBytes(path);
  const { decoded, digest } = bytes ? { decoded: decodeFile(bytes, path), digest: sha256(bytes) } : decodeFolder(path);
  const { format, metadata } = decoded;
  if (metadata && bytes) {
    const { config, parameters } = checkpointFrom(path, digest, decodeSafetensors(bytes, path).tensors, metadata);
    const own = { description: "this project's own", layout: "transformerlens", tier: 0, config, parameters } as const;
    return { path, sha256: digest, format, source: "", surplus: [], ignored: [], candidates: [own] };
  }
  const mapping =
    mappingPath === undefined ? undefined : parseMapping(parseJsonBytes(readFileBytes(mappingPath), mappingPath), mappingPath);
  const { assignment, source, surplus, ignored } = chooseGroup(checked(decoded.groups, path), mapping, path);
  const candidates = candidatesOf(assignment, choices, path);
  return { path, sha256: digest, format, source, surplus, ignored, candidates };
}
