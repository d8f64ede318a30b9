/** Transforms n interleaved complex numbers from `data` to `out`; the two may be the same array. */
export type Transform = (out: Float64Array, data: Float64Array) => void;
