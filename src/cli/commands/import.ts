import { basename } from "node:path";
import type { Argv } from "yargs";
import { readForeign, requestOf } from "../../api/foreign.ts";
import { importSeries } from "../../api/import-series.ts";
import { ensureWritable, shellWord, shownPath } from "../../api/output.ts";
import { readSplit } from "../../api/split-file.ts";
import { VERSION } from "../../api/version.ts";
import { startMapping } from "../../checkpoint/import/import-model.ts";
import { writeModel } from "../../checkpoint/index.ts";
import { ensure, MiiiiError, printable, quoted } from "../../core/index.ts";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { foreignOptions, withForeignOptions } from "../foreign-options.ts";
import { note, print } from "../output.ts";
import { SPLIT_OPTION } from "../split-option.ts";

/** Declares the options of `import`. */
export function options(parser: Argv<GlobalOptions>) {
  return withForeignOptions(parser)
    .positional("file", {
      type: "string",
      demandOption: true,
      description: ".pth, .pt, .npz, .safetensors, or a folder: of .npy, of shards, of a series",
    })
    .positional("out", {
      type: "string",
      description: "the checkpoint to write, *.safetensors; or a new folder, which makes a run of a series",
    })
    .option("split", SPLIT_OPTION)
    .option("print-mapping", {
      type: "boolean",
      default: false,
      description: "print which tensor is taken for what, as a file for --mapping, and stop",
    })
    .example("$0 import grokked.pth grokked.safetensors", "layout, sizes and task are recognised")
    .example("$0 import odd.pth --print-mapping > map.json", 'edit it: {"embed.W_E": "tok.weight", …}')
    .example("$0 import odd.pth out.safetensors --mapping map.json", "and read the file by it")
    .example("$0 import checkpoints/ runs/theirs --split train.json", "1000.pth, 2000.pth, … as a run over time");
}

function printMapping(file: string, argv: ArgumentsOf<typeof options>): void {
  const { mapping, unplaced } = startMapping(file, requestOf(foreignOptions(argv)));
  print(JSON.stringify(mapping, null, 2));
  if (unplaced.length > 0)
    note(`${file}: without a place: ${unplaced.slice(0, 8).map(quoted).join(", ")}${unplaced.length > 8 ? ", …" : ""}`);
}

/**
 * Turns a model trained elsewhere into a checkpoint, or a series of them into a run; how it was read goes to stderr and into what
 * is written, the path of that to stdout.
 */
export async function run(argv: ArgumentsOf<typeof options>): Promise<void> {
  const { file, out } = argv;
  if (argv.printMapping) return printMapping(file, argv);
  if (out === undefined)
    throw new MiiiiError(
      "usage",
      "import: needs the file to write, *.safetensors, or a folder for a series: miiii import FILE OUT",
    );
  if (!/\.safetensors$/i.test(out)) {
    ensure(
      !/\.[a-z]\w{0,5}$/i.test(out),
      "usage",
      () => `import: the checkpoint must be named *.safetensors, and the folder for a series without an ending, got ${out}`,
    );
    const train = argv.split === undefined ? undefined : readSplit(argv.split).train;
    const { path, epochs } = await importSeries(file, out, foreignOptions(argv), { train, onNote: note });
    note(
      `${epochs.length} checkpoints, epochs ${epochs[0]} to ${epochs.at(-1)}: miiii analyze progress ${shellWord(shownPath(path))}`,
    );
    return print(shownPath(path));
  }
  ensure(
    argv.split === undefined,
    "usage",
    () => "import: --split is for a series; for one model, give it to inspect, analyze and report",
  );
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
