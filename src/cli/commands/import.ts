import { basename } from "node:path";
import type { Argv } from "yargs";
import { readForeign } from "../../api/foreign.ts";
import { ensureWritable, shownPath } from "../../api/output.ts";
import { VERSION } from "../../api/version.ts";
import { writeModel } from "../../checkpoint/index.ts";
import { ensure, printable } from "../../core/index.ts";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { foreignOptions, withForeignOptions } from "../foreign-options.ts";
import { note, print } from "../output.ts";

/** Declares the options of `import`. */
export function options(parser: Argv<GlobalOptions>) {
  return withForeignOptions(parser)
    .positional("file", { type: "string", demandOption: true, description: ".pth, .pt, .npz, .safetensors, or a folder of .npy" })
    .positional("out", { type: "string", demandOption: true, description: "the checkpoint to write, *.safetensors" })
    .example("$0 import grokked.pth grokked.safetensors", "layout, sizes and task are recognised");
}

/** Turns a model trained elsewhere into a checkpoint; how it was read goes to stderr, the checkpoint's path to stdout. */
export async function run(argv: ArgumentsOf<typeof options>): Promise<void> {
  const { file, out } = argv;
  ensure(/\.safetensors$/i.test(out), "usage", () => `import: the checkpoint must be named *.safetensors, got ${out}`);
  ensureWritable(out);
  const { config, parameters, sha256, reading } = await readForeign(file, foreignOptions(argv), note);
  const metadata = { miiii: VERSION, source: printable(basename(file)), source_sha256: sha256 };
  writeModel(
    out,
    { config, parameters },
    { ...metadata, ...(reading === undefined ? {} : { reading: JSON.stringify(reading) }) },
  );
  print(shownPath(out));
}
