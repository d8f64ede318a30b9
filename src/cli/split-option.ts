/** The option that names such a file. */
export const SPLIT_OPTION = {
  type: "string",
  requiresArg: true,
  description:
    "samples of an imported model: a JSON list of those trained on (x0·p + x1, x0 the low digit), or what export writes as .split.json",
} as const;
