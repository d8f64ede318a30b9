import type { Argv } from "yargs";
import { scoreOf } from "../../api/evaluate.ts";
import { ensureWritable, shownPath } from "../../api/output.ts";
import { openRuntime } from "../../api/runtime-choice.ts";
import { VERSION } from "../../api/version.ts";
import { writeModel } from "../../checkpoint/index.ts";
import { ensure } from "../../core/index.ts";
import { type ConstructedTask, construct } from "../../model/index.ts";
import { LABELS } from "../../tasks/index.ts";
import type { ArgumentsOf, GlobalOptions } from "../command.ts";
import { numberOption, seedOf } from "../config-options.ts";
import { note, print } from "../output.ts";

const TASKS = ["nanda", "miiii", "masked", "joint"] as const satisfies readonly ConstructedTask[];

/** Declares the options of `construct`. */
export function options(parser: Argv<GlobalOptions>) {
  return parser
    .option("task", { choices: TASKS, default: "miiii" as const, requiresArg: true, description: "what it computes" })
    .option("labels", {
      choices: LABELS,
      default: "remainder" as const,
      requiresArg: true,
      description: "n mod q, or whether q divides n",
    })
    .option("p", { ...numberOption("p", "prime modulus and number base, 5 to 251", "integer"), default: 113 })
    .option("out", {
      type: "string",
      demandOption: true,
      requiresArg: true,
      description: "the checkpoint to write, *.safetensors",
    })
    .option("frequencies", numberOption("frequencies", "frequencies a task; 2, or 5 for nanda, where left out", "integer"))
    .option("neurons", numberOption("neurons", "neurons a frequency; as many as fit where left out", "integer"))
    .option("seed", numberOption("seed", "draws the frequencies", "integer"))
    .option("d-model", numberOption("d-model", "width of the residual stream; as needed where left out", "integer"))
    .option("d-mlp", numberOption("d-mlp", "neurons in all; 1024 (nanda 512) or more where left out", "integer"))
    .example("$0 construct --task miiii --p 113 --out by-hand.safetensors", "29 tasks, one frequency each");
}

/** Writes a model by hand that computes its task exactly, and checks that it does; prints the checkpoint's path. */
export async function run(argv: ArgumentsOf<typeof options>): Promise<void> {
  const { task, labels, p = 113, out, frequencies, neurons, "d-model": d_model, "d-mlp": d_mlp } = argv;
  ensure(/\.safetensors$/i.test(out), "usage", () => `construct: the checkpoint must be named *.safetensors, got ${out}`);
  ensureWritable(out);
  const given = Object.entries({ frequencies, neurons, d_model, d_mlp }).filter(([, value]) => value !== undefined);
  const model = construct({ task, labels, p, seed: seedOf(argv.seed), ...(Object.fromEntries(given) as Record<string, number>) });
  const { runtime } = await openRuntime("onnx");
  const accuracy = await scoreOf(model.config, model.parameters, runtime);
  ensure(
    accuracy === 1,
    "usage",
    () => `construct: must have accuracy 1, has ${accuracy.toFixed(4)}; give it more --neurons a frequency`,
  );
  const { d_model: width, d_mlp: size } = model.config;
  note(`${out}: ${model.neurons.length} of ${size} neurons written, d_model ${width}, accuracy 1 on all ${p * p} inputs`);
  writeModel(out, model, { miiii: VERSION, source: "construct" });
  print(shownPath(out));
}
