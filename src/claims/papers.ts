/** Where claims are printed. */
export const SYRKIS = "Syrkis & Søgaard 2024";
export const NANDA = "Nanda et al. 2023";
