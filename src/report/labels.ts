const WORD_JOINER = "\u2060";

/**
 * A label that can stand in a figure: Vega keeps groups in plain objects, in which a run called `constructor` or `toString` would
 * be found before it is put there. Such a name is followed by a character that nobody sees.
 */
export function figureLabel(label: string): string {
  return label in {} ? label + WORD_JOINER : label;
}

/** A label as it was given. */
export function givenLabel(label: string): string {
  return label.replaceAll(WORD_JOINER, "");
}
