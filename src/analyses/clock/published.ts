/** The two models that Zhong et al. 2023 published with their measures: modular addition at p = 59, two tokens. */
export const PUBLISHED = [
  { name: "Zhong et al., rate 1", distance_irrelevance: 0.848, gradient_symmetricity: 0.31 },
  { name: "Zhong et al., rate 0", distance_irrelevance: 0.1717, gradient_symmetricity: 0.994 },
] as const;
