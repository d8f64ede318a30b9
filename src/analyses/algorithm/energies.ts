import type { Columns } from "../closed-form/contribution.ts";

/** Parts of the logits of some samples, [samples, classes] each. */
export interface Parts {
  readonly model: Float64Array;
  readonly skip: Float64Array;
  readonly half: Float64Array;
  readonly even: Float64Array;
}

/** Inner products of centred parts of the logits, summed over all entries. */
export interface Products {
  readonly model: number;
  readonly skip: number;
  readonly half: number;
  /** Of `skip` with `half`. */
  readonly cross: number;
  readonly even: number;
}

const NAMES = ["model", "skip", "half", "even"] as const satisfies readonly (keyof Parts)[];

/**
 * Inner products of parts of the logits, centred over samples and within each of the output heads' columns, from sums over rows
 * and columns as samples come in: copies of the parts would cost more than the products.
 */
export class CentredProducts {
  readonly #heads: readonly Columns[];
  readonly #width: number;
  /** Sums over samples of each part, [classes]. */
  readonly #columns: { readonly [part in keyof Parts]: Float64Array };
  readonly #within = { model: 0, skip: 0, half: 0, cross: 0, even: 0 };
  #samples = 0;

  /** @param width Columns of the parts, of which those of `heads` are looked at. */
  constructor(heads: readonly Columns[], width: number) {
    this.#heads = heads;
    this.#width = width;
    const sums = () => new Float64Array(width);
    this.#columns = { model: sums(), skip: sums(), half: sums(), even: sums() };
  }

  /** Takes in the parts of further samples. */
  add({ model, skip, half, even }: Parts): void {
    const [width, columns, within] = [this.#width, this.#columns, this.#within];
    for (let row = 0; row < model.length; row += width) {
      for (let h = 0; h < this.#heads.length; h++) {
        const { offset, classes } = this.#heads[h] as Columns;
        let [sumM, sumS, sumH, sumE] = [0, 0, 0, 0];
        let [mm, ss, hh, sh, ee] = [0, 0, 0, 0, 0];
        for (let c = offset; c < offset + classes; c++) {
          const [m, s] = [model[row + c] as number, skip[row + c] as number];
          const [t, e] = [half[row + c] as number, even[row + c] as number];
          sumM += m;
          sumS += s;
          sumH += t;
          sumE += e;
          mm += m * m;
          ss += s * s;
          hh += t * t;
          sh += s * t;
          ee += e * e;
          columns.model[c] = (columns.model[c] as number) + m;
          columns.skip[c] = (columns.skip[c] as number) + s;
          columns.half[c] = (columns.half[c] as number) + t;
          columns.even[c] = (columns.even[c] as number) + e;
        }
        within.model += mm - (sumM * sumM) / classes;
        within.skip += ss - (sumS * sumS) / classes;
        within.half += hh - (sumH * sumH) / classes;
        within.cross += sh - (sumS * sumH) / classes;
        within.even += ee - (sumE * sumE) / classes;
      }
    }
    this.#samples += model.length / width;
  }

  /** What the samples' means over all of them take from the product of two parts. */
  #between(one: keyof Parts, other: keyof Parts): number {
    const [x, y] = [this.#columns[one], this.#columns[other]];
    let product = 0;
    for (const { offset, classes } of this.#heads) {
      let [meanX, meanY] = [0, 0];
      for (let c = offset; c < offset + classes; c++) {
        meanX += (x[c] as number) / classes;
        meanY += (y[c] as number) / classes;
      }
      for (let c = offset; c < offset + classes; c++) product += ((x[c] as number) - meanX) * ((y[c] as number) - meanY);
    }
    return product / this.#samples;
  }

  /** The inner products over all samples that were taken in. */
  products(): Products {
    const [model = 0, skip = 0, half = 0, even = 0] = NAMES.map((name) => this.#within[name] - this.#between(name, name));
    return { model, skip, half, even, cross: this.#within.cross - this.#between("skip", "half") };
  }
}
