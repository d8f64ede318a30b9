import { join } from "node:path";
import type { ActivationName } from "../../src/analyses/index.ts";
import { exportTransformerLens } from "../../src/checkpoint/index.ts";
import type { NdArray } from "../../src/core/index.ts";
import type { Runtime } from "../../src/runtimes/index.ts";
import type { Check } from "./check.ts";
import type { Answer } from "./environment.ts";
import { importFile } from "./imports.ts";
import { activation, type NamedModel, tensors64 } from "./models.ts";
import { compare, count, type Row } from "./rows.ts";

/** The activations compared, by their short names. */
const ACTIVATIONS = {
  logits: "logits",
  pattern: "blocks.0.attn.hook_pattern",
  post: "blocks.0.mlp.hook_post",
} as const satisfies Record<string, ActivationName>;

const NAMES = Object.entries(ACTIVATIONS) as [keyof typeof ACTIVATIONS, ActivationName][];

/**
 * Table look-up at the last position against the three-position model written plainly in PyTorch, float64, over the whole grid.
 */
export const forward: Check = {
  id: "forward",
  needs: ["torch"],
  run: async ({ models, ask }) => {
    const compared = [models.trained, models.drawn];
    const weights = compared.flatMap(({ parameters }, i) =>
      [...tensors64(parameters)].map(([name, array]): [string, NdArray] => [`${i}/${name}`, array]),
    );
    const sizes = Object.fromEntries(compared.map(({ config }, i) => [i, config.p]));
    const { tensors } = ask("forward", { tensors: new Map(weights), arguments: sizes });
    const found: Row[] = [];
    for (const [i, model] of compared.entries()) {
      for (const [short, name] of NAMES) {
        const ours = await activation(models.runtime, model, name);
        found.push(compare(`${name}, ${model.name}`, ours, tensors.get(`${i}/${short}`), 1e-12));
        if (short !== "logits") continue;
        found.push(compare(`logits under a causal mask, ${model.name}`, ours, tensors.get(`${i}/causal`), 1e-12));
      }
    }
    return found;
  },
};

async function againstLens(runtime: Runtime, model: NamedModel, key: number, { tensors, values }: Answer): Promise<Row[]> {
  const unknown = values[key] as readonly string[];
  const found = [count(`tensor names, ${model.name}`, "all known", unknown.join(", ") || "all known", unknown.length)];
  for (const [short, name] of NAMES) {
    const ours = await activation(runtime, model, name);
    for (const direction of ["causal", "bidirectional"]) {
      const peer = (dtype: string) => tensors.get(`${key}/${dtype}/${direction}/${short}`);
      const what = (dtype: string) => `${name}, ${direction}, ${dtype}, ${model.name}`;
      found.push(compare(what("float32"), ours, peer("float32"), 1e-4), compare(what("float64"), ours, peer("float64"), 1e-12));
    }
  }
  return found;
}

/**
 * Our export for TransformerLens, loaded by its own class, its attention causal as exported and bidirectional; and the way back.
 */
export const lens: Check = {
  id: "TransformerLens",
  needs: ["torch", "transformer_lens"],
  run: async ({ models: { runtime, trained, drawn }, ask, folder }) => {
    const compared = [trained, drawn];
    const exported = compared.map((model, i) => {
      const weights = join(folder, `${i}.safetensors`);
      return { weights, config: exportTransformerLens(weights, model), state: join(folder, `${i}.pth`), p: model.config.p };
    });
    const answer = ask("lens", { arguments: Object.fromEntries(exported.entries()) });
    const found: Row[] = [];
    for (const [i, model] of compared.entries()) found.push(...(await againstLens(runtime, model, i, answer)));
    const back = await activation(runtime, await importFile(join(folder, "0.pth"), runtime), "logits");
    const peer = answer.tensors.get("0/float64/causal/logits");
    return [...found, compare(`torch.save of its state dict, imported: logits, ${trained.name}`, back, peer, 1e-12)];
  },
};
