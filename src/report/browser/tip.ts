let tip: HTMLElement | undefined;

function element(): HTMLElement {
  if (tip === undefined) {
    tip = document.createElement("div");
    tip.id = "tip";
    tip.setAttribute("aria-hidden", "true");
    document.body.appendChild(tip);
  }
  return tip;
}

/** Shows names and values beside the pointer; all of it is text. */
export function showTip(
  event: { readonly clientX: number; readonly clientY: number },
  rows: readonly (readonly [string, string])[],
): void {
  const box = element();
  box.replaceChildren(
    ...rows.map(([name, value]) => {
      const line = document.createElement("div");
      const key = document.createElement("span");
      key.textContent = `${name} `;
      line.append(key, value);
      return line;
    }),
  );
  box.classList.add("visible");
  const { width, height } = box.getBoundingClientRect();
  box.style.left = `${Math.max(4, Math.min(innerWidth - width - 8, event.clientX + 14))}px`;
  box.style.top = `${Math.max(4, Math.min(innerHeight - height - 8, event.clientY + 14))}px`;
}

/** Hides it. */
export function hideTip(): void {
  tip?.classList.remove("visible");
}
