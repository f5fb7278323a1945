// Data of the page: unpacking, columns to rows, numbers as words, files to save.

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function cell(column, row) {
  if (column.numbers) return column.numbers[row];
  const place = column.places[row];
  return place < 0 ? null : column.words[place];
}

// Values of a column that rows with the given values of other columns have, as text.
function valuesAmong(frame, column, given) {
  const { words, places, numbers } = frame.columns[column];
  const found = new Set(rowsWith(frame, given).map((row) => (words ? places : numbers)[row]));
  return new Set([...found].map((value) => (words ? words[value] ?? "" : String(value))));
}

// Numbers of the rows that have these values.
function rowsWith(frame, given) {
  const tests = Object.entries(given).map(([name, value]) => {
    const column = frame.columns[name];
    return column.words
      ? [column.places, column.words.indexOf(value)]
      : [column.numbers, Number(value)];
  });
  const rows = [];
  for (let row = 0; row < frame.rows; row++) {
    if (tests.every(([values, wanted]) => values[row] === wanted)) rows.push(row);
  }
  return rows;
}

function asObjects(frame, rows) {
  const columns = Object.entries(frame.columns);
  return rows.map((row) => Object.fromEntries(columns.map(([name, column]) => [name, cell(column, row)])));
}

// As RFC 4180 has it; a leading = + - @ of a text would be a formula to a spreadsheet.
function csv(objects) {
  if (!objects.length) return "";
  const names = Object.keys(objects[0]);
  const text = (value) => {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return String(value);
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const lines = objects.map((row) => names.map((name) => text(row[name])).join(","));
  return [names.join(","), ...lines, ""].join("\r\n");
}

function saveText(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function element(name, attributes = {}, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
}

function percent(share) {
  return share === null ? "unknown" : `${(100 * share).toFixed(share < 0.1 ? 2 : 1)}%`;
}

function grouped(number) {
  return number === null ? "unknown" : Math.round(number).toLocaleString("en-US");
}

function table(objects, most) {
  const names = Object.keys(objects[0] ?? {});
  const head = element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name)));
  const rows = objects.slice(0, most).map((row) =>
    element("tr", {}, ...names.map((name) => {
      const value = row[name];
      const number = typeof value === "number";
      return element("td", number ? { class: "number" } : {}, value === null ? "" : String(value));
    })));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
}
