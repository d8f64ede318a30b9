import { printable, shortened } from "../../core/index.ts";
import { savesFlat } from "./python-lines.ts";

const ascii = (bytes: Uint8Array, start: number, end: number) => Buffer.from(bytes.subarray(start, end)).toString("latin1");

interface Kind {
  readonly is: (bytes: Uint8Array, text: string) => boolean;
  /** What the file is, and the next step. */
  readonly what: (text: string, bytes: Uint8Array) => string;
}

const starts = (...hex: readonly string[]) => {
  const marks = hex.map((mark) => Buffer.from(mark, "hex"));
  return (bytes: Uint8Array) => marks.some((mark) => mark.equals(bytes.subarray(0, mark.length)));
};

const endsWith = (bytes: Uint8Array, hex: string) => {
  const mark = Buffer.from(hex, "hex");
  return bytes.length >= mark.length && mark.equals(bytes.subarray(bytes.length - mark.length));
};

/** The line of Python that makes a file that is read of a TensorFlow checkpoint. */
export const TENSORFLOW =
  'in Python, r = tf.train.load_checkpoint(PATH_WITHOUT_ENDING); numpy.savez("model.npz", **{n: r.get_tensor(n) for n in r.get_variable_to_shape_map()})';

const unpackFirst = (what: string, command: string) => () => `is packed with ${what}: unpack it first (${command})`;

const encodingOf = (bytes: Uint8Array) => (bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : "utf-8");

/** Whether the first bytes are a text of UTF-8, or one of UTF-16 with its mark. */
function isText(bytes: Uint8Array): boolean {
  try {
    // A character may be cut at the end: then more is to come.
    const text = new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes.subarray(0, 512), { stream: true });
    return /^[\P{Cc}\t\n\r]+$/u.test(text);
  } catch {
    return false;
  }
}

const HDF5 = starts("894844460d0a1a0a");

/** What people have in place of a model file, told by its first bytes. */
const KINDS: readonly Kind[] = [
  { is: (bytes) => bytes.length === 0, what: () => "is empty: the download or the copy did not finish" },
  {
    is: (_, text) => text.startsWith("version https://git-lfs.github.com/spec/"),
    what: () => "is a Git LFS pointer and not the file that it stands for: fetch that with git lfs pull",
  },
  {
    is: (bytes, text) => bytes.length < 400 && /^[./]*(?:\.git\/annex|annex)\/objects\//.test(text),
    what: () => "is a git-annex pointer and not the file that it stands for: fetch that with git annex get",
  },
  {
    is: (_, text) => /^\s*(?:<!doctype html|<html|<head|<!--|<script)/i.test(text),
    what: () =>
      "is a web page (HTML), not a model: download the file itself (on GitHub and Hugging Face: its raw or resolve link)",
  },
  {
    is: (_, text) => /^\s*<(?:\?xml|Error|svg)/i.test(text),
    what: () => "is XML, such as a server's error, not a model: download it again",
  },
  { is: starts("1f8b"), what: unpackFirst("gzip", "gunzip FILE, or tar xzf FILE") },
  { is: starts("425a68"), what: unpackFirst("bzip2", "bunzip2 FILE") },
  { is: starts("fd377a585a00"), what: unpackFirst("xz", "unxz FILE") },
  { is: starts("28b52ffd"), what: unpackFirst("zstd", "unzstd FILE") },
  { is: starts("04224d18"), what: unpackFirst("LZ4", "unlz4 FILE") },
  { is: starts("1f9d"), what: unpackFirst("compress", "uncompress FILE") },
  { is: starts("377abcaf271c"), what: unpackFirst("7-Zip", "7z x FILE") },
  { is: starts("526172211a07"), what: unpackFirst("RAR", "unrar x FILE") },
  {
    is: (bytes) => ascii(bytes, 257, 262) === "ustar",
    what: () => "is a tar archive: unpack it first (tar xf FILE), and give the model inside",
  },
  {
    // MATLAB and Julia put a text of their own in front.
    is: (bytes) => HDF5(bytes) || HDF5(bytes.subarray(512)),
    what: () =>
      'is HDF5 (Keras, JLD2, or MATLAB 7.3): in Python, a = {}; h5py.File(FILE).visititems(lambda n, o: a.update({n: o[()]}) if hasattr(o, "shape") else None); numpy.savez("model.npz", **a)',
  },
  { is: starts("50415231"), what: () => "is Parquet, a table and not a model" },
  { is: starts("4152524f5731", "ffffffff"), what: () => "is Arrow, a table and not a model" },
  { is: starts("53514c69746520666f726d6174203300"), what: () => "is a database of SQLite, not a model" },
  { is: starts("7f454c46"), what: () => "is a program, not a model" },
  { is: starts("3a572642"), what: () => "is a log of Weights & Biases: give the model that was logged as a file or an artifact" },
  {
    is: starts("580a00000002", "580a00000003", "524458320a", "524458330a"),
    what: () => 'is R\'s format: in R, RcppCNPy::npySave("NAME.npy", MATRIX) of each, and give their folder',
  },
  {
    is: (bytes) => bytes.length > 8 && bytes.every((byte) => byte === 0),
    what: () => "is of zeros alone: the download or the copy did not finish",
  },
  { is: starts("47475546"), what: () => "is GGUF, quantised for llama.cpp: give the safetensors that it was made from" },
  { is: starts("89504e47", "ffd8ff", "25504446"), what: () => "is a picture or a document, not a model" },
  {
    is: starts("4d41544c41422035"),
    what: () =>
      'is MATLAB\'s format: in Python, numpy.savez("model.npz", **{n: v for n, v in scipy.io.loadmat(FILE).items() if n[0] != "_"})',
  },
  {
    // A protobuf whose first field is the version, and whose next the producer's name or its parts.
    is: (bytes) =>
      bytes[0] === 0x08 &&
      (bytes[1] ?? 99) < 32 &&
      [0x12, 0x1a, 0x22, 0x2a, 0x3a, 0x42].includes(bytes[2] ?? 0) &&
      bytes[8] !== 0x7b,
    what: () =>
      'is ONNX: in Python, numpy.savez("model.npz", **{t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(FILE).graph.initializer})',
  },
  { is: (bytes) => ascii(bytes, 4, 8) === "TFL3", what: () => "is TensorFlow Lite: give the model that it was made from" },
  {
    is: (bytes) => endsWith(bytes, "57fb808b247547db"),
    what: () => `is the index of a TensorFlow checkpoint: ${TENSORFLOW}`,
  },
  {
    is: starts("7801", "785e", "789c", "78da"),
    what: () => `is packed with zlib, as joblib writes: in Python, p = joblib.load(FILE); ${savesFlat("p")}`,
  },
  {
    is: (_, text) => /^\s*[{[]/.test(text) && !text.includes("\0"),
    what: () => "is JSON, not a model: give the file with the weights beside it",
  },
  {
    is: (bytes) => bytes.length >= 4 && isText(bytes),
    what: (_, bytes) =>
      `is text, not a model; it begins ${JSON.stringify(printable(shortened(new TextDecoder(encodingOf(bytes)).decode(bytes.subarray(0, 512)).trim(), 40)))}`,
  },
];

/**
 * What a file is that is no model though it stands where one should, and what to do about it; undefined for one that may be a
 * model. Formats that are read, or refused for what they hold, are not among them.
 */
export function foreignKind(bytes: Uint8Array): string | undefined {
  const text = ascii(bytes, 0, 512);
  return KINDS.find(({ is }) => is(bytes, text))?.what(text, bytes);
}
