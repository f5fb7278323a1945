// What was ever among the 100 largest: its weeks there, and its family.

const KINDS = { model: "model", developer: "developer", organization: "organisation", country: "country" };
const MOST_HITS = 20;

class Search {
  constructor(known, page) {
    Object.assign(this, { known, page, view: null });
    this.input = document.getElementById("query");
    this.input.addEventListener("input", () => this.list());
    const model = known.models;
    this.lineage = new Map(asObjects(model, [...Array(model.rows).keys()]).map((row) => [row.model_id, row]));
  }

  list() {
    const text = this.input.value.trim().toLowerCase();
    const hits = [];
    if (text) {
      for (const [level, names] of Object.entries(this.known.names)) {
        for (const name of names) {
          const place = name.toLowerCase().indexOf(text);
          if (place >= 0) hits.push([place, name.length, name, level]);
        }
      }
    }
    hits.sort((a, b) => a[0] - b[0] || a[1] - b[1] || (a[2] < b[2] ? -1 : 1));
    const shown = hits.slice(0, MOST_HITS).map(([, , name, level]) => {
      const button = element("button", { type: "button" }, `${name} (${KINDS[level]})`);
      button.addEventListener("click", () => this.choose(level, name));
      return element("li", {}, button);
    });
    document.getElementById("hits").replaceChildren(...shown);
    const told = document.getElementById("told");
    if (!text) told.replaceChildren();
    else if (hits.length) told.textContent = `${grouped(hits.length)} found${hits.length > MOST_HITS ? `, the first ${MOST_HITS} shown` : ""}`;
    else {
      const name = this.input.value.trim();
      told.replaceChildren("Never among the 100 largest of a week. For the rest, ask the tables: ",
        element("code", {}, explainCall(name)));
    }
  }

  choose(level, name) {
    state.values.find = `${level}:${name}`;
    state.at = "find";
    writeState();
    document.getElementById("hits").replaceChildren();
    document.getElementById("told").replaceChildren();
    this.show();
    document.querySelector("#found h3").focus();
  }

  // The weeks among the 100 largest, for one cell; ranks as in the tables: downloads, ties by name.
  history(level, name) {
    const { attribution, recency_window } = state.values;
    const cell = `${attribution}|${recency_window}`;
    const all = this.known.tops[level].map((cells) => new Map((cells[cell] ?? []).flatMap(([first, counts]) =>
      counts.map((count, place) => [first + place, count]))));
    const own = this.known.names[level].indexOf(name);
    return [...all[own]].map(([week, downloads]) => {
      const before = all.filter((weeks, other) => weeks.get(week) > downloads || (other < own && weeks.get(week) === downloads));
      const total = this.known.totals[`${level}|${cell}`][week];
      return { week_start: this.known.weeks[week], rank: before.length + 1, downloads, share: downloads / total };
    });
  }

  show() {
    const holder = document.getElementById("found");
    const [level, ...rest] = (state.values.find ?? "").split(":");
    const name = rest.join(":");
    this.view?.finalize();
    this.view = null;
    if (!this.known.names[level]?.includes(name)) return holder.replaceChildren();
    const rows = this.history(level, name);
    const chart = element("div", { class: "chart", role: "img", "aria-label": `Share of the week's downloads of ${name}` });
    const said = rows.length
      ? `${grouped(rows.length)} weeks among the 100 largest, best rank ${Math.min(...rows.map((row) => row.rank))}.`
      : "Never among the 100 largest in this window and attribution; try others.";
    const save = element("button", { type: "button", class: "csv" }, "Data (CSV)");
    save.addEventListener("click", () => saveText(`history-${name.replaceAll(/[^A-Za-z0-9_]+/g, "-")}.csv`, csv(rows)));
    holder.replaceChildren(element("h3", { tabindex: "-1" }, `${name} (${KINDS[level]})`),
      element("p", { class: "note" }, said), ...this.family(level, name), ...(rows.length ? [chart, save] : []));
    if (rows.length) this.draw(chart, rows);
  }

  async draw(holder, rows) {
    const view = await embedded(holder, this.page.historySpec(rows), this.page);
    if (holder.isConnected) this.view = view;
    else view.finalize(); // another choice was made meanwhile
  }

  family(level, name) {
    const row = level === "model" ? this.lineage.get(name) : undefined;
    const lines = [];
    if (row && "root_id" in row) {
      lines.push(["Root", row.root_id === name ? "itself" : `${row.root_id}, ${row.depth} steps up`]);
      if (row.parent_id) lines.push(["Parent", `${row.parent_id} (${row.kind ?? "unknown relation"})`]);
      lines.push(["Linked models in its family", grouped(row.family_size)]);
      if (row.derivatives !== null && row.derivatives !== undefined) {
        lines.push(["Rests on that root", `${grouped(row.derivatives)} derivatives by ${grouped(row.derivative_developers)} developers, ${grouped(row.downloads)} downloads in all`]);
      }
      const kin = [...this.lineage.values()].filter((one) => one.root_id === row.root_id && one.model_id !== name);
      if (kin.length) lines.push(["Others of the same root that can be found here", kin.slice(0, 12).map((one) => one.model_id).join(", ") + (kin.length > 12 ? ` and ${kin.length - 12} more` : "")]);
    }
    lines.push(["More", explainCall(name, level)]);
    return [element("dl", { class: "terms" }, ...lines.flatMap(([term, text]) => [
      element("dt", {}, term), element("dd", {}, term === "More" ? element("code", {}, text) : text)]))];
  }
}

// The command that says more; `--` ends the options, for names that begin with a dash.
function explainCall(name, level) {
  return `opentrace explain --warehouse DIR ${level ? `--level ${level} ` : ""}${name.startsWith("-") ? "-- " : ""}${quoted(name)}`;
}

// A name as one word of a shell.
function quoted(name) {
  return /^[A-Za-z0-9._\/-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`;
}
