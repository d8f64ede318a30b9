import { join } from "node:path";
import type { ActivationName } from "../../src/analyses/index.ts";
import { exportTransformerLens } from "../../src/checkpoint/index.ts";
import type { NdArray } from "../../src/core/index.ts";
import type { Runtime } from "../../src/runtimes/index.ts";
import type { Check, Context } from "./check.ts";
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

async function againstLens(
  runtime: Runtime,
  model: NamedModel,
  key: number,
  { tensors, values }: Answer,
  version: string,
): Promise<Row[]> {
  const unknown = values[key] as readonly string[];
  const found = [
    count(`${version}: tensor names, ${model.name}`, "all known", unknown.join(", ") || "all known", unknown.length),
  ];
  for (const [short, name] of NAMES) {
    const ours = await activation(runtime, model, name);
    for (const direction of ["causal", "bidirectional"]) {
      const peer = (dtype: string) => tensors.get(`${key}/${dtype}/${direction}/${short}`);
      const what = (dtype: string) => `${version}: ${name}, ${direction}, ${dtype}, ${model.name}`;
      found.push(compare(what("float32"), ours, peer("float32"), 1e-4), compare(what("float64"), ours, peer("float64"), 1e-12));
    }
  }
  return found;
}

/** What TransformerLens leaves of a model that it loaded: endings of the files, and what they are. */
const STATES = {
  hooked: [[".pth", "torch.save of its state dict"]],
  bridge: [
    [".bridge.pth", "torch.save of the bridge's state dict"],
    [".bridge.safetensors", "the bridge's state dict as safetensors"],
    [".native.pth", "torch.save of the native model's state dict"],
    [".wrapped.pth", "torch.save of the state dict of the model inside the bridge"],
  ],
} as const;

/** The number of attention heads is told by no name of TransformerLens 4: there it must be said. */
async function throughLens(
  { models: { runtime, trained, drawn }, ask, folder }: Context,
  lens: string | undefined,
): Promise<Row[]> {
  const kind = lens === undefined ? "bridge" : "hooked";
  const version = lens ?? "4";
  const compared = [trained, drawn];
  const exported = compared.map((model, i) => {
    const weights = join(folder, `${version}-${i}.safetensors`);
    const state = join(folder, kind === "bridge" ? `${version}-${i}` : `${version}-${i}.pth`);
    return { weights, config: exportTransformerLens(weights, model), state, p: model.config.p };
  });
  const question = { arguments: Object.fromEntries(exported.entries()), ...(lens === undefined ? {} : { lens }) };
  const answer = ask(kind === "bridge" ? "bridge" : "lens", question, version);
  const found: Row[] = [];
  for (const [i, model] of compared.entries()) found.push(...(await againstLens(runtime, model, i, answer, version)));
  const heads = kind === "bridge" ? { heads: trained.config.n_heads } : {};
  for (const [ending, what] of STATES[kind]) {
    const back = await activation(runtime, await importFile(join(folder, `${version}-0${ending}`), runtime, heads), "logits");
    const peer = answer.tensors.get("0/float64/causal/logits");
    found.push(compare(`${version}: ${what}, imported: logits, ${trained.name}`, back, peer, 1e-12));
  }
  return found;
}

/**
 * Our export for TransformerLens, loaded strictly by each of its generations, its attention causal as exported and bidirectional;
 * and the way back.
 */
export const lens: Check = {
  id: "TransformerLens",
  needs: ["torch", "transformer_lens"],
  run: async (context) => {
    const rows: Row[] = [];
    for (const version of [...context.lenses, undefined]) rows.push(...(await throughLens(context, version)));
    return rows;
  },
};
