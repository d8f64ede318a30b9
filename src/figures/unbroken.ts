const NO_BREAK = "\u00a0";

/** Text of which no line ends between a number and what belongs to it: `12 %`, `q = 31`, `± 0.3`, `null ±0.12`. */
export function unbroken(text: string): string {
  return text
    .replace(/(?<=\d) (?=%)/g, NO_BREAK)
    .replace(/(?<=±) (?=\d)/g, NO_BREAK)
    .replace(/(?<=\bnull) (?=[±−-]?\u00a0?[\d.])/g, NO_BREAK)
    .replace(/(?<!\p{L})(\p{L}{1,2}²?) = (?=[−-]?[\d.])/gu, `$1${NO_BREAK}=${NO_BREAK}`);
}
