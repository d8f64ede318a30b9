import { elementById } from "../../report/browser/store.ts";

/** Calls `redraw` whenever an element has another width: drawings are laid out for the room that they have. */
export function onWidth(id: string, redraw: () => void): void {
  const element = elementById(id);
  let width = element.clientWidth;
  new ResizeObserver(() => {
    if (element.clientWidth === width) return;
    width = element.clientWidth;
    if (width > 0) redraw();
  }).observe(element);
}
