// The page: switches, theme, and which charts are drawn.

async function start() {
  const description = JSON.parse(document.getElementById("description").textContent);
  const blob = await unpacked(document.getElementById("blob").textContent);
  const marks = blob.marks;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const page = {
    switches: description.switches,
    marks: asObjects(marks, [...Array(marks.rows).keys()]),
    mode: () => root.dataset.theme,
    theme: () => description.themes[root.dataset.theme],
    label: (column) => ({ recency_window: "Window", attribution: "Attribution", level: "Level" })[column],
    word: (column, value) => description.switches[column]?.find(([known]) => known === value)?.[1] ?? value,
    legend: () => [...document.querySelectorAll("[data-sign]")].map((sign) => element("span", {}, sign.dataset.sign)),
    historySpec: (rows) => ({ ...description.history, datasets: { rows, marks: page.marks } }),
  };
  setTheme(dark.matches ? "dark" : "light");

  for (const [column, options] of Object.entries(description.switches)) {
    const select = document.querySelector(`select[data-state="${column}"]`);
    select.append(...options.map(([value, word]) => element("option", { value }, word)));
  }
  const charts = description.figures.map((figure) => new Chart(figure, blob.figures[figure.name], page));
  const search = new Search(blob.search, page);
  const seen = new Set();
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const chart = charts.find((one) => one.root === entry.target);
      if (entry.isIntersecting) seen.add(chart);
      else seen.delete(chart);
      if (entry.isIntersecting) drawIfStale(chart);
    }
  }, { rootMargin: "400px" });

  function drawIfStale(chart) {
    const wanted = JSON.stringify([state.values, page.mode()]);
    if (chart.wanted === wanted) return;
    chart.wanted = wanted;
    chart.draw();
  }

  function show() {
    for (const select of document.querySelectorAll("#switches select")) select.value = state.values[select.dataset.state];
    showNumbers(description.numbers.rows, page);
    for (const chart of charts) chart.tell();
    for (const chart of seen) drawIfStale(chart);
    search.show();
  }

  // Values that are not offered fall back to the first, so that an old link still shows something.
  function take(values) {
    state.values = { ...values };
    for (const [column, options] of Object.entries(description.switches)) {
      if (!options.some(([value]) => value === values[column])) state.values[column] = options[0][0];
    }
  }

  function setTheme(mode) {
    root.dataset.theme = mode;
    document.getElementById("theme").setAttribute("aria-pressed", String(mode === "dark"));
  }

  document.addEventListener("change", (event) => {
    const name = event.target.dataset?.state;
    if (!name) return;
    state.values[name] = event.target.value;
    writeState();
    show();
  });
  document.getElementById("theme").addEventListener("click", () => {
    setTheme(page.mode() === "dark" ? "light" : "dark");
    show();
  });
  dark.addEventListener("change", (event) => { setTheme(event.matches ? "dark" : "light"); show(); });
  addEventListener("hashchange", () => { take(readState()); show(); goTo(state.at); });
  // A link to a place keeps what is chosen.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("nav a, .skip");
    if (!link) return;
    event.preventDefault();
    state.at = link.getAttribute("href").slice(1);
    writeState();
    goTo(state.at);
  });

  function goTo(name) {
    const place = name && document.getElementById(name);
    if (!place) return;
    place.scrollIntoView();
    place.setAttribute("tabindex", "-1");
    place.focus({ preventScroll: true });
  }

  take(readState());
  show();
  for (const chart of charts) watcher.observe(chart.root);
  goTo(state.at);
  root.dataset.ready = "yes";
}

start();
