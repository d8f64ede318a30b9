import { extname } from "node:path";
import type { Argv } from "yargs";
import { loadModel } from "../../api/models.ts";
import { ensureWritable, shownPath } from "../../api/output.ts";
import { parseReferences } from "../../api/references.ts";
import { readSplit, splitText } from "../../api/split-file.ts";
import {
  type Checkpoint,
  configText,
  exportHuggingFace,
  exportNpz,
  exportTransformerLens,
  statOf,
  writeFileAtomic,
} from "../../checkpoint/index.ts";
import { ensure, MiiiiError } from "../../core/index.ts";
import { activationName } from "../../model/index.ts";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { foreignOptions, withForeignOptions } from "../foreign-options.ts";
import { note, print } from "../output.ts";
import { SPLIT_OPTION } from "../split-option.ts";

/** Declares the options of `export`. */
export function options(parser: Argv<GlobalOptions>) {
  return withForeignOptions(parser)
    .positional("checkpoint", { type: "string", demandOption: true, description: "a file, a run directory or a shipped run" })
    .positional("out", {
      type: "string",
      demandOption: true,
      description:
        ".safetensors (TransformerLens's state dict, its config beside it), .npz, .onnx (tokens in, logits out), .split.json (train, validation and test samples; targets where labels are shuffled), or a folder as Hugging Face lays it out, with a model card",
    })
    .option("split", SPLIT_OPTION);
}

const ENDINGS = [".safetensors", ".npz", ".onnx", ".split.json"] as const;

/** How a model from elsewhere was read, for the metadata of what is written of it. */
function readingText({ reading }: Checkpoint): Record<string, string> {
  return reading === undefined ? {} : { reading: JSON.stringify(reading) };
}

/** Writes a checkpoint in another format; prints the paths written. */
export async function run(argv: ArgumentsOf<typeof options>): Promise<void> {
  const { checkpoint: word, out } = argv;
  const ending = ENDINGS.find((known) => out.endsWith(known));
  // A folder's name has no ending; its files lie beside nothing that they could replace.
  const folder = ending === undefined && extname(out) === "";
  if (ending === undefined && !folder)
    throw new MiiiiError("usage", `export: must be a file that ends in ${ENDINGS.join(", ")}, or a folder, got ${out}`);
  if (ending !== undefined) ensureWritable(out);
  else ensure(statOf(out) === undefined, "usage", () => `${out}: must be new, as the folder of an export`);
  const references = parseReferences([word]);
  const [reference] = references;
  ensure(
    reference !== undefined && references.length === 1,
    "usage",
    () => `export: takes one checkpoint, got ${references.length}`,
  );
  const split = argv.split === undefined ? undefined : readSplit(argv.split);
  const model = await loadModel(reference, { split, foreign: foreignOptions(argv), onNote: note });
  const { checkpoint } = model;
  const { config, parameters, metadata } = checkpoint;
  if (ending === undefined) {
    const { cardOf } = await import("../../api/model-card.ts");
    const card = await cardOf(model);
    for (const path of exportHuggingFace(out, checkpoint, card, { ...metadata, ...readingText(checkpoint) }))
      print(shownPath(path));
    return;
  }
  switch (ending) {
    case ".safetensors":
      print(
        shownPath(
          exportTransformerLens(out, checkpoint, { ...metadata, ...readingText(checkpoint), config: configText(config) }),
        ),
      );
      break;
    case ".npz":
      exportNpz(out, checkpoint);
      if (activationName(config) !== "relu")
        note(`${shownPath(out)} cannot say so: its model's activation is ${activationName(config)}`);
      break;
    case ".onnx": {
      const { exportOnnx } = await import("../../activations/index.ts");
      writeFileAtomic(out, exportOnnx(config, parameters));
      break;
    }
    case ".split.json":
      writeFileAtomic(out, new TextEncoder().encode(splitText(model)));
      break;
    default:
      ending satisfies never;
  }
  print(shownPath(out));
}
