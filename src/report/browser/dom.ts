import { elementById } from "./store.ts";

/** An input that the page is known to have. */
export function input(id: string): HTMLInputElement {
  const element = elementById(id);
  if (!(element instanceof HTMLInputElement)) throw new Error(`${id} is no input`);
  return element;
}

/** A drop-down that the page is known to have. */
export function select(id: string): HTMLSelectElement {
  const element = elementById(id);
  if (!(element instanceof HTMLSelectElement)) throw new Error(`${id} is no select`);
  return element;
}

/** Gives a drop-down its choices: value and text. */
export function fillOptions(target: HTMLSelectElement, options: readonly (readonly [string, string])[]): void {
  target.replaceChildren(
    ...options.map(([value, text]) => Object.assign(document.createElement("option"), { value, textContent: text })),
  );
}

/** A drawing in the page's ink. Numbers alone enter these drawings. */
export function svg(width: number, height: number, content: string): string {
  return `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" fill="currentColor" font-size="10">${content}</svg>`;
}

/** A number for a drawing. */
export const fixed = (value: number, digits = 1) => Number(value.toFixed(digits));

/** A number to so many decimals as text, with a true minus sign. */
export const decimals = (value: number, digits: number) => value.toFixed(digits).replace("-", "−");

/** A row of a table whose cells are text. */
export function tableRow(cells: readonly string[], tag: "th" | "td"): HTMLTableRowElement {
  const line = document.createElement("tr");
  for (const cell of cells)
    line.appendChild(
      Object.assign(document.createElement(tag), { textContent: cell, ...(tag === "th" ? { scope: "col" } : {}) }),
    );
  return line;
}
