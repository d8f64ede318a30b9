/**
 * The page's own script: theme, contents, live figures on view, downloads, data tables. Plain JavaScript for a classic script
 * element; text that comes from a run enters the page through `textContent` alone.
 */
export const PAGE_SCRIPT = `"use strict";
(() => {
  const root = document.documentElement;
  const held = JSON.parse(document.getElementById("figure-specs").textContent);

  const stored = (() => { try { return localStorage.getItem("miiii-theme"); } catch { return null; } })();
  if (stored === "light" || stored === "dark") root.dataset.theme = stored;
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("miiii-theme", root.dataset.theme); } catch { /* a page from a file may have no storage */ }
  });

  const contents = document.querySelector("nav details");
  const narrow = matchMedia("(max-width: 56rem)");
  const fold = () => { contents.open = !narrow.matches; };
  fold();
  narrow.addEventListener("change", fold);
  contents.addEventListener("click", (event) => { if (narrow.matches && event.target.closest("a")) contents.open = false; });
  const links = new Map([...document.querySelectorAll("nav a")].map((a) => [a.hash.slice(1), a]));
  const sections = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) for (const [id, a] of links) a.setAttribute("aria-current", String(id === entry.target.id));
  }, { rootMargin: "0px 0px -75% 0px" });
  for (const section of document.querySelectorAll("main section[id]")) sections.observe(section);

  // Images stand in the drawings; the specs name them by their place there.
  for (const [id, spec] of Object.entries(held.figures)) {
    const drawn = document.querySelectorAll('figure[data-figure="' + id + '"] image');
    const images = [...new Set([...drawn].map((image) => image.getAttribute("href") || image.getAttribute("xlink:href")))];
    for (const rows of Object.values(spec.datasets)) for (const row of rows) {
      if (typeof row.url === "string" && row.url.startsWith("image:")) row.url = images[Number(row.url.slice(6))];
    }
  }

  const wholeSpec = (id) => ({ config: held.config, ...held.figures[id] });
  const loader = vega.loader();
  loader.load = (uri) => Promise.reject(new Error("figures hold their own data, asked for " + uri));

  async function enliven(box) {
    if (box.dataset.live) return;
    box.dataset.live = "starting";
    const drawing = box.querySelector(".drawing");
    const target = document.createElement("div");
    try {
      await vegaEmbed(target, wholeSpec(box.dataset.figure), {
        mode: "vega-lite", renderer: "svg", ast: true, actions: false, hover: true, defaultStyle: false, loader, logLevel: vega.Error,
        bind: box.querySelector(".controls"), tooltip: { disableDefaultStyle: true },
      });
      drawing.replaceChildren(target);
      box.dataset.live = "yes";
      const button = box.querySelector("[data-get=live]");
      if (button) button.remove();
    } catch (error) {
      box.dataset.live = "failed";
      box.querySelector(".controls").textContent = "This figure stays still: " + error.message;
    }
  }
  const boxes = [...document.querySelectorAll("figure[data-figure]")];
  const hasData = (box) => box.dataset.figure in held.figures;
  const fits = (box) => {
    const svg = box.querySelector(".drawing > svg");
    return svg !== null && Number(svg.getAttribute("width")) <= box.querySelector(".drawing").clientWidth;
  };
  const onView = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting && fits(target)) { onView.unobserve(target); enliven(target); }
  }, { rootMargin: "300px" });
  for (const box of boxes.filter(hasData)) onView.observe(box);

  const LEAD = /^[=+\\-@\\t\\r]/;
  function unpack(row) {
    if ("cells" in row) {
      const { alphabet, cells, chars, columns, low, high, rowNames, columnNames, name } = row;
      const base = alphabet.length;
      const top = base ** chars - 1;
      return Array.from({ length: cells.length / chars }, (_, i) => {
        let level = 0;
        for (let c = 0; c < chars; c++) level = level * base + alphabet.indexOf(cells[i * chars + c]);
        const [line, column] = [Math.floor(i / columns), i % columns];
        const value = Number((low + ((high - low) * level) / top).toPrecision(4));
        return { ...(name ? { name } : {}), row: rowNames ? rowNames[line] : line, column: columnNames ? columnNames[column] : column, value };
      });
    }
    if ("url" in row || "drawn_only" in row) return [];
    const lists = Object.entries(row).filter(([, value]) => Array.isArray(value));
    if (lists.length === 0) return Object.keys(row).length === 0 ? [] : [row];
    return Array.from({ length: Math.max(...lists.map(([, list]) => list.length)) }, (_, i) =>
      ({ ...row, ...Object.fromEntries(lists.map(([key, list]) => [key, list[i] === undefined ? null : list[i]])) }));
  }
  function tableOf(id) {
    const names = held.tables[id];
    const tables = names.map((name) => held.figures[id].datasets[name].flatMap(unpack));
    const rows = tables.flatMap((rows, i) => (names.length > 1 ? rows.map((row) => ({ table: i + 1, ...row })) : rows));
    return { rows, columns: [...new Set(rows.flatMap((row) => Object.keys(row)))] };
  }
  function csvCell(value) {
    if (value === null || value === undefined) return "";
    if (typeof value !== "string") return String(value);
    const text = LEAD.test(value) ? "'" + value : value;
    return /[",\\n\\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  }
  function save(name, type, parts) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(parts, { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
  function svgText(box) {
    const svg = box.querySelector(".drawing svg").cloneNode(true);
    svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    svg.setAttribute("style", "background: white; color: #1d2329");
    return new XMLSerializer().serializeToString(svg);
  }
  function savePng(box, name) {
    const svg = box.querySelector(".drawing svg");
    const [width, height] = ["width", "height"].map((side) => Number(svg.getAttribute(side)));
    const image = new Image();
    image.onload = () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 2 * width, height: 2 * height });
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => save(name, "image/png", [blob]), "image/png");
    };
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svgText(box));
  }
  for (const box of boxes) {
    const id = box.dataset.figure;
    if (!hasData(box)) {
      // Left out to keep the page small: what needs the data goes, what the drawing can give stays.
      for (const button of box.querySelectorAll("[data-get=live], [data-get=csv], [data-get=spec]")) button.remove();
      box.querySelector(".controls").textContent = "A drawing alone, to keep this page small; its own page: miiii analyze, with --figure FILE.html";
    }
    const actions = {
      live: () => enliven(box),
      svg: () => save(id + ".svg", "image/svg+xml", [svgText(box)]),
      png: () => savePng(box, id + ".png"),
      csv: () => {
        const { rows, columns } = tableOf(id);
        save(id + ".csv", "text/csv", [[columns, ...rows.map((row) => columns.map((column) => row[column]))].map((line) => line.map(csvCell).join(",")).join("\\n") + "\\n"]);
      },
      spec: () => save(id + ".vl.json", "application/json", [JSON.stringify(wholeSpec(id), null, 1) + "\\n"]),
    };
    for (const button of box.querySelectorAll("[data-get]")) button.addEventListener("click", actions[button.dataset.get]);
    const data = box.querySelector("details.data");
    if (data && hasData(box)) data.addEventListener("toggle", () => {
      const body = data.querySelector("tbody");
      if (!data.open || data.dataset.full) return;
      data.dataset.full = "yes";
      const { rows, columns } = tableOf(id);
      body.replaceChildren(...rows.slice(0, 1000).map((row) => {
        const line = document.createElement("tr");
        for (const column of columns) line.appendChild(document.createElement("td")).textContent = row[column] === undefined || row[column] === null ? "" : String(row[column]);
        return line;
      }));
    });
  }
  addEventListener("beforeprint", () => { for (const details of document.querySelectorAll("main details:not(.data)")) details.open = true; });
})();
`;
