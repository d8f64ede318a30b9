import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { scoreOf } from "../../src/api/evaluate.ts";
import type { ImportOptions } from "../../src/checkpoint/import/candidates.ts";
import { chooseImport } from "../../src/checkpoint/import/choose.ts";
import { importModel } from "../../src/checkpoint/import/import-model.ts";
import { readCheckpoint, type StoredModel, tensorsOf } from "../../src/checkpoint/index.ts";
import { type Json, MiiiiError, type NdArray } from "../../src/core/index.ts";
import type { Runtime } from "../../src/runtimes/index.ts";
import type { Check, Context } from "./check.ts";
import { ROOT } from "./environment.ts";
import { activation, drawBiases } from "./models.ts";
import { compare, count, type Row } from "./rows.ts";

/** The files that `py/foreign.py` leaves, and what they are. Of fused heads no file says how many there are: the user must. */
const FILES: readonly (readonly [file: string, what: string, fused?: "fused"])[] = [
  ["state-dict.pth", "torch.save of a state dict"],
  ["under-model.pth", "a dict under `model`"],
  ["parameters.pt", "nn.Parameter values, all biases"],
  ["strided.pth", "strided float64 views"],
  ["transposed.pth", "transposed layout, '=' class"],
  ["linear.pth", "nn.Linear, fused heads", "fused"],
  ["multihead.pth", "nn.MultiheadAttention", "fused"],
  ["plain.safetensors", "safetensors without a config"],
  ["arrays.npz", "np.savez"],
  ["compressed.npz", "np.savez_compressed"],
];

/** Reads a file as `miiii import` does, its open questions settled by accuracy. */
export async function importFile(path: string, runtime: Runtime, options: ImportOptions = {}): Promise<StoredModel> {
  const evaluate = (candidate: StoredModel) => scoreOf(candidate.config, candidate.parameters, runtime);
  return (await chooseImport(importModel(path, options), evaluate)).model;
}

/** Asks for the files; small biases leave the trained model's accuracy as it is. */
function writeForeign({ models: { trained }, ask, folder }: Context) {
  const biases = Object.entries(drawBiases(trained, 1e-3)).map(([name, array]): [string, NdArray] => [`bias/${name}`, array]);
  const { p, n_heads, d_head, d_model, d_mlp } = trained.config;
  const config: Json = { p, n_heads, d_head, d_model, d_mlp };
  const tensors = new Map<string, NdArray>([...tensorsOf(trained.parameters), ...biases]);
  return ask("foreign", { tensors, arguments: { folder, config } });
}

async function run(context: Context): Promise<readonly Row[]> {
  const { models, folder } = context;
  const { tensors } = writeForeign(context);
  const found: Row[] = [];
  const heads = models.trained.config.n_heads;
  for (const [file, what, fused] of FILES) {
    const model = await importFile(join(folder, file), models.runtime, fused === undefined ? {} : { heads });
    found.push(compare(`${what}: logits`, await activation(models.runtime, model, "logits"), tensors.get(file), 1e-12));
  }
  const out = join(folder, "imported.safetensors");
  const command = ["--import", "tsx", join(ROOT, "src/cli/main.ts"), "import"];
  const words = [...command, join(folder, "linear.pth"), out, "--heads", String(heads)];
  const { status, stderr } = spawnSync(process.execPath, words, { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error(`miiii import: exit code ${status}: ${stderr.trim().split("\n").at(-1)}`);
  const logits = await activation(models.runtime, readCheckpoint(out), "logits");
  return [...found, compare("miiii import of nn.Linear: logits", logits, tensors.get("linear.pth"), 1e-12)];
}

/** Files of the real torch.save and NumPy through our importer: the logits of the module that wrote them. */
export const imports: Check = { id: "import", needs: ["torch"], run };

/** Pickles that run a command when Python opens them. */
export const hostile: Check = {
  id: "hostile pickles",
  needs: ["torch"],
  run: async ({ models, ask, folder }) => {
    const home = join(folder, "hostile");
    mkdirSync(home);
    const { values } = ask("hostile", { tensors: tensorsOf(models.trained.parameters), arguments: { folder: home } });
    const executed = values.executed as Readonly<Record<string, boolean>>;
    const found: Row[] = [];
    for (const file of values.files as readonly string[]) {
      let outcome = "the weights, no more";
      try {
        await importFile(join(home, file), models.runtime);
      } catch (error) {
        if (!(error instanceof MiiiiError)) throw error;
        outcome = "refused";
      }
      const harmed = existsSync(join(home, `${file}.mark`));
      const dangerous = executed[file] === true;
      // A file that harms nobody proves nothing.
      const wrong = Number(harmed) + Number(!dangerous);
      found.push(count(file, harmed ? "executed" : outcome, dangerous ? "Python executes it" : "harmless", wrong));
    }
    return found;
  },
};
