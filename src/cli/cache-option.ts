/** The option of commands that keep results between calls. */
export const NO_CACHE = { type: "boolean", default: false, description: "compute every result anew, keep none" } as const;
