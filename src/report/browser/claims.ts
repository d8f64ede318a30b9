/** Filters of the claims by verdict, paper and run: the bar on the first screen and the ones above the claims are the same. */
export function startClaims(): void {
  const chosen: Record<string, string> = { verdict: "", paper: "", run: "" };
  const rows = [...document.querySelectorAll<HTMLElement>("[data-claim]")];
  const folded = document.querySelector<HTMLDetailsElement>("#claims details.claims");
  const count = document.getElementById("claims-shown");
  const apply = () => {
    let shown = 0;
    for (const row of rows) {
      const { verdict = "", paper = "", runs = "" } = row.dataset;
      const fits =
        (chosen.verdict === "" || chosen.verdict === verdict) &&
        (chosen.paper === "" || chosen.paper === paper) &&
        (chosen.run === "" || runs.split("\n").includes(chosen.run ?? ""));
      row.hidden = !fits;
      if (fits) shown += 1;
    }
    for (const group of document.querySelectorAll<HTMLElement>("[data-claims-group]"))
      group.hidden = [...group.querySelectorAll<HTMLElement>("[data-claim]")].every((row) => row.hidden);
    if (count !== null) count.textContent = `${shown} of ${rows.length} shown`;
    for (const button of document.querySelectorAll<HTMLButtonElement>("[data-filter-verdict]"))
      button.setAttribute("aria-pressed", String(chosen.verdict !== "" && button.dataset.filterVerdict === chosen.verdict));
  };
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-filter-verdict]"))
    button.addEventListener("click", () => {
      const verdict = button.dataset.filterVerdict ?? "";
      chosen.verdict = chosen.verdict === verdict ? "" : verdict;
      if (folded !== null) folded.open = true;
      apply();
      if (button.closest("#claims") === null) document.getElementById("claims")?.scrollIntoView();
    });
  for (const select of document.querySelectorAll<HTMLSelectElement>("select[data-filter]"))
    select.addEventListener("change", () => {
      chosen[select.dataset.filter ?? ""] = select.value;
      apply();
    });
  // A claim's own link opens what it stands in.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target === null) return;
    for (let parent: Element | null = target; parent !== null; parent = parent.parentElement)
      if (parent instanceof HTMLDetailsElement) parent.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  if (location.hash.length > 1) reveal();
  apply();
}
