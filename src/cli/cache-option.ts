/** The option of commands that keep results between calls. */
export const NO_CACHE = {
  type: "boolean",
  default: false,
  description: "compute every result anew: use none that is kept or shipped, keep none",
} as const;
