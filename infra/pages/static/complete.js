// Proposes what can be typed in a question, from the schema: fields of the type that the cursor is in, arguments, choices.
// Proposals come while a word is typed, or with Ctrl+Space; nothing is taken unless it was chosen with the arrow keys or
// clicked, so Enter, Tab and the arrow keys stay what they are in a text.

const field = document.getElementById("query");
const PROPOSED_MAX = 50; // the registry has some forty fields
const TOKEN = /"""[^]*?(?:"""|$)|"(?:\\.|[^"\\\n])*"?|#[^\n]*|\.\.\.|[A-Za-z_]\w*|-?\d[\w.]*|\$\w*|[^\s\w]/g;
const ROOTS = { query: "Query", mutation: "Mutation", subscription: "Subscription" };

let types = null; // by name: of an object or an input each field's type and arguments, of an enum its values
let shown = []; // what is proposed now
let chosen = -1;

const list = document.createElement("ul");
list.id = "proposals";
list.className = "proposals";
list.setAttribute("role", "listbox");
list.setAttribute("aria-label", field.labels[0].textContent);
list.hidden = true;
const told = document.createElement("p");
told.className = "quiet";
told.setAttribute("role", "status");
field.after(list, told);
field.setAttribute("aria-autocomplete", "list");
field.setAttribute("aria-controls", list.id);

// What may stand at the end of a text: fields, arguments or values. A level is opened by each brace and parenthesis. In
// one of fields ``opens`` is the type that a brace would open; in one of what is given ``awaits`` is that of the value.
function expected(text) {
  const levels = [];
  let root = ROOTS.query; // of the operation that comes next
  let previous = "";
  for (const [token] of text.matchAll(TOKEN)) {
    if (token.startsWith("#")) continue;
    const level = levels.at(-1);
    if (token === "{") {
      if (!level) levels.push({ type: root });
      else if (level.given) levels.push({ given: types[level.awaits] ?? {}, awaits: null });
      else levels.push({ type: level.opens });
    } else if (token === "(") {
      levels.push({ given: types[level?.type]?.[level.field]?.[1] ?? {}, awaits: null });
    } else if (token === "}" || token === ")") {
      levels.pop();
      taken(levels.at(-1));
    } else if (level?.given) {
      if (token === ":") level.awaits = typeOf(level.given[level.key]);
      else if (token === "[") level.list = true;
      else if (token === "]") taken(Object.assign(level, { list: false }));
      else if (level.awaits === null) level.key = token;
      else if (token !== ",") taken(level);
    } else if (/^\w/.test(token)) {
      if (!level) root = ROOTS[token] ?? (previous === "on" ? token : root);
      else if (previous === "on" && level.spread) level.opens = token;
      else if (previous === "...") level.spread = token === "on";
      else if (previous !== "@") Object.assign(level, { field: token, opens: typeOf(types[level.type]?.[token]), spread: false });
    }
    previous = token;
  }
  const level = levels.at(-1);
  if (!level) return Object.keys(ROOTS);
  if (!level.given) return previous === "..." ? ["on"] : Object.keys(types[level.type] ?? {});
  if (level.awaits === null) return Object.keys(level.given);
  if (level.awaits === "Boolean") return ["true", "false"];
  const values = Object.entries(types[level.awaits] ?? {});
  return values.filter(([, held]) => held === null).map(([value]) => value);
}

const typeOf = (declared) => (Array.isArray(declared) ? declared[0] : declared) ?? "";

// A value came: the next word is a name again, but in a list, where more values may follow.
function taken(level) {
  if (level?.given && !level.list) level.awaits = null;
}

const typed = () => /[A-Za-z_]\w*$/.exec(field.value.slice(0, field.selectionStart))?.[0] ?? "";

async function propose() {
  types ??= await fetch(field.dataset.words).then((answer) => answer.json());
  const word = typed();
  const before = field.value.slice(0, field.selectionStart - word.length);
  const found = expected(before).filter((one) => one.toLowerCase().startsWith(word.toLowerCase()) && one !== word);
  show(found.slice(0, PROPOSED_MAX));
}

function show(found) {
  shown = found;
  list.replaceChildren(
    ...found.map((one, at) => {
      const option = document.createElement("li");
      option.id = `proposal-${at}`;
      option.textContent = one;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      return option;
    }),
  );
  list.hidden = found.length === 0;
  told.textContent = found.length ? field.dataset.proposed.replace("{n}", found.length) : "";
  choose(-1);
}

function choose(at) {
  chosen = at;
  [...list.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === at)));
  if (at >= 0) field.setAttribute("aria-activedescendant", `proposal-${at}`);
  else field.removeAttribute("aria-activedescendant");
}

function take(at) {
  field.setRangeText(shown[at], field.selectionStart - typed().length, field.selectionStart, "end");
  show([]);
  field.focus();
}

field.addEventListener("input", (event) => {
  if (/^\w$/.test(event.data ?? "")) propose().catch(() => {});
  else show([]);
});
field.addEventListener("keydown", (event) => {
  if (event.key === " " && event.ctrlKey) propose().catch(() => {});
  else if (list.hidden || event.ctrlKey || event.metaKey) return;
  else if (event.key === "ArrowDown") choose((chosen + 1) % shown.length);
  else if (event.key === "ArrowUp" && chosen >= 0) choose(chosen - 1);
  else if (event.key === "Enter" && chosen >= 0) take(chosen);
  else if (event.key === "Escape") show([]);
  else return;
  event.preventDefault();
});
field.addEventListener("blur", () => setTimeout(() => document.activeElement === field || show([]), 200)); // a click first
list.addEventListener("pointerdown", (event) => {
  const at = [...list.children].indexOf(event.target);
  event.preventDefault();
  if (at >= 0) take(at);
});
