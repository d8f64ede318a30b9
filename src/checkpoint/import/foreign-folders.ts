import { TENSORFLOW } from "../formats/foreign-kinds.ts";

/** The line of Python that turns JAX's parameters into a file that is read. */
export const FLATTEN = 'numpy.savez("model.npz", **flax.traverse_util.flatten_dict(p, sep="/"))';

/** A kind of folder from elsewhere that is not read: what its files are called, what it is, and the next step. */
const FOLDERS: readonly (readonly [names: RegExp, what: string])[] = [
  [
    /^(?:_CHECKPOINT_METADATA|_METADATA|manifest\.ocdbt|ocdbt\.process.*)$/,
    `is an Orbax checkpoint: in Python, p = orbax.checkpoint.PyTreeCheckpointer().restore(FOLDER); ${FLATTEN}`,
  ],
  [
    /\.distcp$/,
    'is a distributed checkpoint of PyTorch: in Python, torch.distributed.checkpoint.format_utils.dcp_to_torch_save(FOLDER, "model.pth")',
  ],
  [/^zero_to_fp32\.py$|^zero_pp_rank_/, "is a checkpoint of DeepSpeed: python zero_to_fp32.py . model, and give what it writes"],
  [/\.data-\d{5}-of-\d{5}$/, `is a TensorFlow checkpoint: ${TENSORFLOW}`],
  [/^saved_model\.pb$/, `is a TensorFlow SavedModel: of its variables/variables, ${TENSORFLOW}`],
];

/** Files that are read, and those that a line of Python makes one of. */
const READ = /\.(?:safetensors|pth|pt|npz|npy|bin|ckpt)$/i;
const OTHERS =
  /\.(?:h5|hdf5|keras|onnx|msgpack|eqx|pkl|pickle|joblib|mat|jld2|gguf|tflite)$|\.(?:safetensors|pth|pt|npz|ckpt)\.\w{2,4}$/i;

const folderOf = (names: readonly string[]) => FOLDERS.find(([pattern]) => names.some((name) => pattern.test(name)))?.[1];

/**
 * What a folder is that holds a model in a form that is not read, and what makes a file that is; undefined for any other.
 *
 * @param inside - the names in one of its folders.
 */
export function foreignFolder(names: readonly string[], inside: (name: string) => readonly string[]): string | undefined {
  const found = folderOf(names);
  if (found !== undefined) return found;
  // A manager of checkpoints keeps each in a folder of its own, under the name of its step, the last of which is looked at.
  const steps = names
    .filter((name) => /\d+$/.test(name))
    .sort((a, b) => Number(a.replace(/^.*?(\d+)$/, "$1")) - Number(b.replace(/^.*?(\d+)$/, "$1")));
  for (const name of ["default", "state", "params", steps.at(-1)]) {
    if (name === undefined || !names.includes(name)) continue;
    const kind = folderOf(inside(name));
    if (kind !== undefined) return `its folder ${JSON.stringify(name)} ${kind}`;
  }
  const written = names.filter((name) => /^checkpoint_\d+$/.test(name)).sort((a, b) => Number(a.slice(11)) - Number(b.slice(11)));
  if (written.length > 0) return `give one of Flax's files in it, such as ${JSON.stringify(written.at(-1))}`;
  const other = names.find((name) => OTHERS.test(name));
  if (other !== undefined)
    return `holds no model file that is read: of ${JSON.stringify(other)}, give that file to be told the way`;
  const nested = names.map((name) => [name, inside(name).find((file) => READ.test(file))] as const).find(([, file]) => file);
  return nested && `holds no model file itself: give ${JSON.stringify(nested.join("/"))} or its like`;
}

/**
 * What a zip archive is that is neither PyTorch's nor NumPy's, and what makes a file that is read; undefined for one that is not
 * known.
 */
export function foreignZip(names: readonly string[]): string | undefined {
  if (names.includes("model.weights.h5"))
    return 'is a Keras model: in Python, m = keras.saving.load_model(FILE); numpy.savez("model.npz", **{v.path: v.numpy() for v in m.variables})';
  if (names.some((name) => /(?:^|\/)archive_format$/.test(name)))
    return "is a program of torch.export: in Python, torch.save(dict(torch.export.load(FILE).state_dict), out)";
  return undefined;
}
