import type { Argv } from "yargs";
import type { ForeignOptions } from "../api/foreign.ts";
import { LAYOUTS } from "../checkpoint/import/layout.ts";
import { ACTIVATIONS } from "../model/index.ts";
import { numberOption } from "./config-options.ts";

const GROUP = "Models trained elsewhere:";

/** Declares the options that settle what an imported file leaves open. */
export function withForeignOptions<T>(parser: Argv<T>) {
  return parser
    .option("layout", { choices: LAYOUTS, requiresArg: true, group: GROUP, description: "how the file writes its matrices" })
    .option("heads", numberOption("heads", "number of attention heads", "integer", { group: GROUP }))
    .option("task", {
      choices: ["nanda", "miiii", "masked", "joint"] as const,
      requiresArg: true,
      group: GROUP,
      description: "what it was trained on",
    })
    .option("low-digit", {
      choices: ["first", "second"] as const,
      requiresArg: true,
      group: GROUP,
      description: "which token is the low digit",
    })
    .option(
      "attention-rate",
      numberOption("attention-rate", "of a model without '=': weights r·softmax + 1 − r", "number", { group: GROUP }),
    )
    .option(
      "modulus",
      numberOption("modulus", "p, where the vocabulary is padded beyond the digits and '='", "integer", { group: GROUP }),
    )
    .option("mapping", {
      type: "string",
      requiresArg: true,
      group: GROUP,
      description: 'JSON file, such as {"embed.W_E": "tok.weight"}: which tensor is what (miiii import FILE --print-mapping)',
    })
    .option("ignore", {
      type: "string",
      array: true,
      nargs: 1,
      requiresArg: true,
      group: GROUP,
      description: "leave out a tensor or module that this model has no place for, on your account; may be repeated",
    })
    .option("state", { type: "string", requiresArg: true, group: GROUP, description: "which of several models in one file" })
    .option("activation", {
      type: "string",
      requiresArg: true,
      group: GROUP,
      description: `the MLP's activation: ${ACTIVATIONS.join(", ")}`,
    });
}

/** What the options of {@link withForeignOptions} say. */
export function foreignOptions(options: ForeignOptions): ForeignOptions {
  const { layout, heads, task, lowDigit, attentionRate, modulus, mapping, ignore, state, activation } = options;
  return { layout, heads, task, lowDigit, attentionRate, modulus, mapping, ignore, state, activation };
}
