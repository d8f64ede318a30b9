/** The option that names such a file. */
export const SPLIT_OPTION = {
  type: "string",
  requiresArg: true,
  description: "training samples of an imported model: a JSON list of x0·p + x1, x0 the low digit",
} as const;
