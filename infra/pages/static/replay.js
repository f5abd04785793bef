// Steps through a case without loading the page anew: the mark, the line and the sentence move at once, and how the
// case stood then follows from the registry. Without this script the same links load the page at each step.

const replay = document.getElementById("replay");
const events = [...document.querySelectorAll("#events > li")];
const svg = replay.querySelector("svg.lanes");
const xs = svg.dataset.xs.split(" ").map(Number);
const width = svg.viewBox.baseVal.width;
const line = svg.querySelector(".here line");
const later = svg.querySelector(".here .later");
const marks = new Map([...svg.querySelectorAll(".mark")].map((mark) => [Number(mark.dataset.step), mark]));
const place = document.getElementById("place");
const said = document.getElementById("said");
const play = document.getElementById("play");
const count = events.length;
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

const PLAY_MS = 1200; // as long as one sentence takes to read
const SETTLE_MS = 120; // keys repeat faster than that: only where somebody stops is the registry asked

let step = Number(replay.dataset.step); // count + 1 is the end
let playing = null;
let waiting = null;
let asked = null;

function go(to, { scroll = true } = {}) {
  const next = Math.min(Math.max(to, 1), count + 1);
  if (next === step) return;
  events[step - 1]?.removeAttribute("aria-current");
  marks.get(step)?.classList.remove("now");
  step = next;
  const x = step > count ? width : xs[step - 1];
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  later.setAttribute("x", x);
  later.setAttribute("width", width - x);
  const event = events[step - 1];
  place.textContent = event ? place.dataset.of.replace("#", step) : place.dataset.end;
  said.textContent = event ? event.querySelector(".summary").textContent : "";
  event?.setAttribute("aria-current", "step");
  marks.get(step)?.classList.add("now");
  if (scroll && playing === null && event && document.activeElement?.closest("#events")) event.scrollIntoView({ block: "nearest" });
  const address = new URL(location.href);
  if (event) address.searchParams.set("step", step);
  else address.searchParams.delete("step");
  history.replaceState(null, "", address);
  clearTimeout(waiting);
  waiting = setTimeout(stand, SETTLE_MS);
}

// How it stood: the page that says so, asked for as a document, of which one part takes the place of ours.
function stand() {
  asked?.abort();
  const address = new URL(replay.dataset.moment, location.href);
  address.searchParams.set("at", step > count ? new Date().toISOString() : events[step - 1].dataset.at);
  const chosen = new URL(location.href).searchParams.get("asOf");
  if (step > count && chosen) address.searchParams.set("at", chosen);
  asked = new XMLHttpRequest();
  asked.open("GET", address);
  asked.responseType = "document";
  asked.onload = () => {
    const fresh = asked.response?.getElementById("state");
    if (fresh) document.getElementById("state").replaceWith(document.adoptNode(fresh));
  };
  asked.send();
}

function stop() {
  clearInterval(playing);
  playing = null;
  play.textContent = play.dataset.play;
}

function begin() {
  if (step > count) go(1);
  play.textContent = play.dataset.pause;
  playing = setInterval(() => (step > count ? stop() : go(step + 1)), PLAY_MS);
}

const MOVES = { first: () => 1, back: () => step - 1, on: () => (step > count ? 1 : step + 1), end: () => count + 1 };

for (const link of replay.querySelectorAll("[data-go]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    stop();
    go(MOVES[link.dataset.go]());
  });
}
document.getElementById("events").addEventListener("click", (event) => {
  const link = event.target.closest("a[data-step]");
  if (!link) return;
  event.preventDefault();
  stop();
  go(Number(link.dataset.step));
});
svg.addEventListener("click", (event) => {
  const mark = event.target.closest("[data-step]");
  if (!mark) return;
  stop();
  go(Number(mark.dataset.step));
  events[step - 1].scrollIntoView({ block: "center", behavior: still ? "auto" : "smooth" });
});
// Arrow keys step while the focus is on the swimlanes or the buttons, where they would do nothing useful otherwise.
replay.addEventListener("keydown", (event) => {
  const moves = { ArrowRight: MOVES.on, ArrowLeft: MOVES.back, Home: MOVES.first, End: MOVES.end };
  if (!(event.key in moves) || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  stop();
  go(moves[event.key]());
});
play.hidden = false;
play.addEventListener("click", () => (playing === null ? begin() : stop()));
marks.get(step)?.classList.add("now");

// Each date gets a slider over the days of the case; letting go of it shows the case as it was, or was known, then.
const DAY_MS = 86_400_000;
for (const field of document.querySelectorAll("[data-slider] input")) {
  const from = Date.parse(field.dataset.from);
  const days = Math.round((Date.parse(field.dataset.until) - from) / DAY_MS);
  if (!(days > 0)) continue;
  const slider = document.createElement("input");
  slider.type = "range";
  slider.max = days;
  slider.value = field.value ? Math.round((Date.parse(field.value) - from) / DAY_MS) : days;
  slider.setAttribute("aria-label", field.labels[0].textContent);
  const say = () => slider.setAttribute("aria-valuetext", field.value || field.dataset.until);
  say();
  slider.addEventListener("input", () => {
    const day = Number(slider.value);
    field.value = day >= days ? "" : new Date(from + day * DAY_MS).toISOString().slice(0, 10);
    say();
  });
  slider.addEventListener("change", () => field.form.requestSubmit());
  field.after(slider);
}
