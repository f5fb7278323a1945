// What is chosen, in the address: #window=... keeps a view in a link.

const state = { values: {}, at: "" };

function readState() {
  const given = new URLSearchParams(location.hash.slice(1));
  const values = {};
  for (const [key, value] of given) if (value !== "" || key.includes(".")) values[key] = value;
  state.at = values.at ?? "";
  delete values.at;
  // A plain #name is a place on the page.
  if (given.size === 1 && [...given.values()][0] === "") state.at = [...given.keys()][0];
  return values;
}

function fragment(values, at) {
  const sorted = Object.entries(values).filter(([, value]) => value !== "").sort(([a], [b]) => (a < b ? -1 : 1));
  const parameters = new URLSearchParams(sorted);
  if (at) parameters.set("at", at);
  return `#${parameters}`;
}

function writeState() {
  history.replaceState(null, "", fragment(state.values, state.at));
}
