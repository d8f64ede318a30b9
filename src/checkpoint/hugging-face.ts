import { join } from "node:path";
import { type Json, printable } from "../core/index.ts";
import { activationName } from "../model/index.ts";
import { configText } from "./config.ts";
import { type StoredModel, transformerLensConfig, transformerLensTensors } from "./export.ts";
import { makeFolder, writeFileAtomic } from "./files.ts";
import { encodeSafetensors } from "./formats/safetensors.ts";

/** What the card of an exported model says beside its settings. */
export interface ModelCard {
  readonly title: string;
  /** Version of this package. */
  readonly miiii: string;
  /** Accuracy and cross-entropy by task and set of samples: rows of a table, the first its head. */
  readonly metrics: readonly (readonly string[])[];
  /** Where the model comes from, by name. */
  readonly provenance: { readonly [name: string]: Json | undefined };
  /** What analyses found, in sentences. */
  readonly findings: readonly string[];
}

/** Text in a cell or a line of Markdown: printable, and no markup of its own. */
function plain(text: string): string {
  return printable(text).replace(/[\\`*_{}[\]<>|#]/g, "\\$&");
}

const cellText = (value: Json | undefined): string => (typeof value === "string" ? value : JSON.stringify(value ?? null));

function markdownTable(rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(plain).join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [line(head), `|${head.map(() => "---|").join("")}`, ...body.map(line)].join("\n");
}

function cardText({ config }: StoredModel, { title, miiii, metrics, provenance, findings }: ModelCard): string {
  const told = Object.entries(provenance).filter(([, value]) => value !== undefined && value !== null);
  return `---
library_name: transformer-lens
tags: [mechanistic-interpretability, grokking, modular-arithmetic]
---
# ${plain(title)}

A transformer of one block on modular arithmetic: task ${config.task} at p = ${config.p}, ${config.n_heads} attention heads of ${config.d_head}, d_model ${config.d_model}, d_mlp ${config.d_mlp}. Written by miiii ${plain(miiii)}.

## Metrics
${markdownTable(metrics)}

## Findings
${findings.length === 0 ? "None recorded." : findings.map((finding) => `- ${plain(finding)}`).join("\n")}

## Provenance
${markdownTable([["what", "value"], ...told.map(([name, value]) => [name, cellText(value)]), ["config", configText(config)]])}

## Loading
\`\`\`python
import json
from safetensors.torch import load_file
from transformer_lens import HookedTransformer, HookedTransformerConfig

model = HookedTransformer(HookedTransformerConfig(**json.load(open("config.json"))["transformer_lens"]))
model.load_state_dict(load_file("model.safetensors"))
\`\`\`

That is TransformerLens 2 and 3. In its fourth version:
\`\`\`python
from transformer_lens.config import TransformerBridgeConfig
from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.model_bridge.sources import native
from transformer_lens.utilities.tl_checkpoint_conversion import convert_tl_checkpoint

config = TransformerBridgeConfig.from_dict(json.load(open("config.json"))["transformer_lens"])
model = TransformerBridge.boot_native(config)
model.load_state_dict(convert_tl_checkpoint(load_file("model.safetensors"), config), strict=True)
\`\`\`

Or \`miiii inspect .\` in this folder.
`;
}

/**
 * Writes a model as a Hugging Face repository is laid out: `model.safetensors` (TransformerLens's state dict), `config.json` and
 * a model card; returns the paths written.
 */
export function exportHuggingFace(
  folder: string,
  model: StoredModel,
  card: ModelCard,
  metadata: Readonly<Record<string, string>> = {},
): string[] {
  const { config } = model;
  const settings = {
    architectures: ["HookedTransformer"],
    model_type: "hooked_transformer",
    n_heads: config.n_heads,
    act_fn: activationName(config),
    transformer_lens: transformerLensConfig(model),
    task: JSON.parse(configText(config)) as Json,
  };
  makeFolder(folder);
  const text = (content: string) => new TextEncoder().encode(content);
  const files = {
    "model.safetensors": encodeSafetensors(transformerLensTensors(model), {
      ...metadata,
      config: configText(config),
      format: "pt",
    }),
    "config.json": text(`${JSON.stringify(settings, null, 2)}\n`),
    "README.md": text(cardText(model, card)),
  };
  return Object.entries(files).map(([name, bytes]) => {
    const path = join(folder, name);
    writeFileAtomic(path, bytes);
    return path;
  });
}
