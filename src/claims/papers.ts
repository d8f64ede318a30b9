/** Where claims are printed. */
export const SYRKIS = "Syrkis & Søgaard 2024";
export const NANDA = "Nanda et al. 2023";

/** Where this toolkit's own claims come from, and what stands in the place of a printed value. */
export const BEYOND = "beyond the papers";
export const NOT_PRINTED = "not in print";
