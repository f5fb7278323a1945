// The last complete week in five numbers.

const FIVE = [
  ["downloads", "Downloads", grouped, (now, then) => relative(now, then)],
  ["leader_share", "Largest", percent, (now, then) => points(now, then)],
  ["top_10_share", "Share of the 10 largest", percent, (now, then) => points(now, then)],
  ["effective_units", "Effective number (1 / HHI)", (value) => (value === null ? "unknown" : value.toFixed(1)),
    (now, then) => relative(now, then)],
  ["others_share", "Through models built on others’ roots", percent, (now, then) => points(now, then)],
];

function relative(now, then) {
  return then ? `${signed((100 * (now - then)) / then, 1)}% in a year` : "no figure of a year before";
}

function points(now, then) {
  return then === null || now === null ? "no figure of a year before" : `${signed(100 * (now - then), 1)} points in a year`;
}

function signed(value, digits) {
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? "±0" : `${value > 0 ? "+" : "−"}${text}`;
}

function showNumbers(frame, page) {
  const list = document.getElementById("five");
  if (!list) return;
  const { level, attribution, recency_window } = state.values;
  const rows = asObjects(frame, rowsWith(frame, { level, attribution, recency_window }));
  const words = ["level", "attribution", "recency_window"].map((column) => page.word(column, state.values[column]));
  document.getElementById("numbers-state").textContent = `Of ${words[0]}, ${words[1]}, ${words[2]}.`;
  list.replaceChildren(...FIVE.map(([name, title, shown, change]) => {
    const row = rows.find((one) => one.name === name);
    const value = row ? shown(row.value) : "not in these tables";
    const said = row ? change(row.value, row.before) : "";
    const about = row?.who ? element("dd", { class: "who" }, row.who) : "";
    return element("div", { "data-number": name },
      element("dt", {}, title), element("dd", { class: "value" }, value), about, element("dd", { class: "note" }, said));
  }));
}
