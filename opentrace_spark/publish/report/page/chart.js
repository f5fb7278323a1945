// A chart: the rows that the state chooses, drawn by Vega-Lite, as a table and as a file.

// Vega's level of logging: its warnings are of data that are not there, which the charts say.
const ERRORS = 1;

function filled(part, words) {
  if (Array.isArray(part)) return part.map((value) => filled(value, words));
  if (part !== null && typeof part === "object") {
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, filled(value, words)]));
  }
  if (typeof part !== "string") return part;
  return Object.entries(words).reduce((text, [column, word]) => text.replaceAll(`{${column}}`, word), part);
}

// On a canvas: a screen reader gets the picture's title and text, and the table, not its shapes.
async function embedded(holder, spec, page) {
  const fitted = { ...spec, width: "container", autosize: { type: "fit-x", contains: "padding" } };
  const narrow = holder.clientWidth < 480;
  const theme = structuredClone(page.theme());
  if (narrow) theme.axis.labelLimit = 110;
  if (narrow) theme.axis.titleLimit = 230;
  theme.legend.columns = narrow ? 2 : 5;
  if (narrow) theme.legend.layout = { bottom: { direction: "vertical", anchor: "start" } };
  const options = { actions: false, config: theme, renderer: "canvas", logLevel: ERRORS, tooltip: { theme: page.mode() } };
  return (await vegaEmbed(holder, fitted, options)).view;
}

// A map is about half as high as wide; bars of a fixed step get their height in pixels, since with a
// step Vega-Lite warns of every width to fit.
function heightOf(spec, rows, width) {
  const step = spec.height?.step;
  if (spec.projection) return Math.min(spec.height, Math.round(width / 2));
  if (!step) return spec.height;
  const { y, yOffset } = (spec.layer ?? [spec]).map((layer) => layer.encoding).find((one) => one.y?.field);
  const distinct = (field) => new Set(rows.map((row) => row[field])).size;
  return step * distinct(y.field) * (yOffset ? distinct(yOffset.field) : 1);
}

class Chart {
  constructor(description, frame, page) {
    Object.assign(this, { description, frame, page, views: [], turn: 0 });
    this.root = document.getElementById(description.name);
    this.key = (column) => `${description.name}.${column}`;
    for (const choice of description.choices) this.addChoice(choice);
    this.part("csv").addEventListener("click", () => this.save());
    this.part("show").addEventListener("click", () => this.toggle());
    const legend = this.part("legend");
    if (legend) legend.append(...page.legend());
  }

  part(name) {
    return this.root.querySelector(`.${name}`);
  }

  addChoice(choice) {
    const select = element("select", { "data-state": this.key(choice.column) });
    const known = valuesAmong(this.frame, choice.column, {});
    for (const [value, word] of Object.entries(choice.words)) {
      if (known.has(value)) select.append(element("option", { value }, word));
    }
    this.part("choices").append(element("label", {}, `${choice.label} `, select));
  }

  // Chosen values where there are rows, else the first that there are: `settled` of the pictures.
  settled() {
    const { switches, choices } = this.description;
    const offered = Object.fromEntries(choices.map((choice) => [choice.column, Object.keys(choice.words)]));
    Object.assign(offered, switches);
    const given = {};
    for (const [column, values] of Object.entries(offered)) {
      const wanted = state.values[column in switches ? column : this.key(column)] ?? values[0];
      const known = valuesAmong(this.frame, column, given);
      given[column] = known.has(wanted) ? wanted : values.find((value) => known.has(value)) ?? wanted;
    }
    return given;
  }

  words(given) {
    const all = { ...state.values, ...given };
    const own = Object.fromEntries(this.description.choices.map((choice) => [choice.column, choice.words]));
    return Object.fromEntries(Object.entries(all).map(([column, value]) =>
      [column, own[column]?.[value] ?? this.page.word(column, value)]));
  }

  rows() {
    return asObjects(this.frame, rowsWith(this.frame, this.settled()));
  }

  // Without the columns that only place shapes in the picture.
  readable() {
    return this.rows().map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith("_"))));
  }

  // Titles and notes follow the state at once, the picture when it is seen.
  tell() {
    const given = this.settled();
    const words = this.words(given);
    this.root.querySelector("h3").textContent = filled(this.description.title, words);
    const said = Object.keys(this.description.switches).map((column) => {
      const instead = given[column] === state.values[column] ? "" : " (all that there is for this choice)";
      return `${this.page.label(column)}: ${words[column]}${instead}`;
    });
    const others = Object.keys(this.page.switches).filter((column) => !(column in this.description.switches));
    const named = this.description.spec.params?.map((parameter) => parameter.name) ?? [];
    const deaf = [];
    for (const column of others) {
      const label = this.page.label(column);
      if (named.includes(column)) said.push(`${label}: all, the chosen one bold`);
      else if (this.description.panel?.column === column) said.push(`${label}: side by side`);
      else deaf.push(label.toLowerCase());
    }
    if (deaf.length) said.push(`has no ${deaf.join(", ")}`);
    this.part("shown").textContent = said.join(" · ");
    for (const choice of this.description.choices) {
      const select = this.root.querySelector(`select[data-state="${this.key(choice.column)}"]`);
      select.value = given[choice.column];
    }
    const link = this.part("link");
    link.setAttribute("href", fragment(state.values, this.description.name));
    if (!this.part("table").hidden) this.fillTable();
  }

  spec() {
    return structuredClone(this.description.spec);
  }

  async draw() {
    const turn = ++this.turn;
    const given = this.settled();
    const objects = this.rows();
    const { panel, shared, name } = this.description;
    const panels = panel
      ? Object.entries(panel.words).map(([value, word]) => [word, objects.filter((row) => row[panel.column] === value)])
      : [["", objects]];
    const most = shared ? Math.max(0, ...objects.map((row) => row[shared] ?? 0)) : 0;
    const holders = panels.map(([word]) => {
      const holder = element("div", { class: "chart" });
      return [element("div", {}, ...(word ? [element("h4", {}, word)] : []), holder), holder];
    });
    const before = this.views;
    this.views = [];
    this.part("charts").replaceChildren(...holders.map(([outer]) => outer));
    for (const view of before) view.finalize();
    for (const [number, [, rows]] of panels.entries()) {
      const holder = holders[number][1];
      if (!rows.length) {
        holder.textContent = "No downloads here.";
        continue;
      }
      const words = this.words(given);
      const { datasets, ...plain } = this.spec();
      const spec = filled(plain, words);
      for (const parameter of spec.params ?? []) {
        if (parameter.name === "most") parameter.value = most;
        else if (parameter.name in given) parameter.value = given[parameter.name];
        else if (parameter.name in state.values) parameter.value = state.values[parameter.name];
      }
      const height = heightOf(spec, rows, holder.clientWidth);
      if (height) spec.height = height;
      spec.datasets = { ...datasets, rows };
      if (this.description.marks) spec.datasets.marks = this.page.marks;
      const view = await embedded(holder, spec, this.page);
      if (turn !== this.turn) return view.finalize();
      this.views.push(view);
    }
    this.root.dataset.drawn = fragment(state.values, name);
  }

  save() {
    const given = this.settled();
    const parts = [this.description.name, ...Object.values(given)];
    const name = parts.join("-").replaceAll(/[^A-Za-z0-9_]+/g, "-");
    saveText(`${name}.csv`, csv(this.readable()));
  }

  fillTable() {
    const most = 500;
    const rows = this.readable();
    const holder = this.part("table");
    holder.replaceChildren(table(rows, most));
    if (rows.length > most) {
      holder.append(element("p", { class: "note" }, `The first ${most} of ${grouped(rows.length)} rows; the file has all.`));
    }
  }

  toggle() {
    const holder = this.part("table");
    holder.hidden = !holder.hidden;
    const button = this.part("show");
    button.setAttribute("aria-expanded", String(!holder.hidden));
    button.textContent = holder.hidden ? "Show as table" : "Hide the table";
    if (!holder.hidden) this.fillTable();
  }
}
