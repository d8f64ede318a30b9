const KEY = "miiii-theme";

/** A page from a file may have no storage. */
function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** Light or dark: as the reader's system has it, until the button says otherwise. */
export function startTheme(): void {
  const root = document.documentElement;
  const chosen = stored();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  document.getElementById("theme")?.addEventListener("click", () => {
    const dark =
      root.dataset.theme === undefined ? matchMedia("(prefers-color-scheme: dark)").matches : root.dataset.theme === "dark";
    root.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem(KEY, root.dataset.theme);
    } catch {
      // Then it holds for this visit alone.
    }
  });
}
