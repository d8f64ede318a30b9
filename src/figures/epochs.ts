/** Tick values of an epoch axis up to `last`: 0, then the powers of ten. */
export function epochTicks(last: number): number[] {
  const ticks = [0];
  for (let tick = 1; tick <= Math.max(last, 1); tick *= 10) ticks.push(tick);
  return ticks;
}

/** Thousands as k: where a panel is narrow, the last of longer labels would be left out. */
const EPOCH_LABEL = "datum.value >= 1000 ? format(datum.value / 1000, '~g') + 'k' : datum.label";

/**
 * Scale and axis of epochs, logarithmic in 1 + epoch (`symlog`), so that the initial state, epoch 0, has a place.
 * Use it in an encoding: `x: { field: "epoch", type: "quantitative", ...epochAxis(lastEpoch) }`.
 */
export function epochAxis(last: number) {
  return {
    scale: { type: "symlog", constant: 1, domain: [0, last], nice: false },
    axis: {
      values: epochTicks(last),
      tickCount: epochTicks(last).length,
      format: ",d",
      labelExpr: EPOCH_LABEL,
      title: "epoch (log)",
      grid: true,
    },
  } as const;
}

/** The centre of each of `columns` columns evenly spaced in log(1 + epoch) between 0 and `last`. */
export function epochColumns(last: number, columns: number): number[] {
  const top = Math.log1p(last);
  return Array.from({ length: columns }, (_, column) => Math.expm1((top * (column + 0.5)) / columns));
}

/** The x axis of a {@link matrixImage} whose columns are the values at these epochs, [ticks], ascending. */
export function epochImageAxis(epochs: readonly number[]): { readonly epochs: readonly number[] } {
  return { epochs };
}
