// Steps through a case without loading the page anew: the mark, the line and the sentence move at once, and how the
// case stood then follows from the registry. A long case comes in stretches; those beside the one shown are fetched
// while nothing else happens. Without this script the same links load the page at each step.

const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

const PLAY_MS = 1200; // as long as one sentence takes to read
const SETTLE_MS = 120; // keys repeat faster than that: only where somebody stops is the registry asked
const DAY_MS = 86_400_000;

const $ = (id) => document.getElementById(id);

let shown = null; // what the page holds now: see hold()
let step = 0; // count + 1 is the end
let playing = null;
let waiting = null;
let asked = null;
const beside = new Map(); // addresses of the stretches beside this one, and the documents that came

// Take note of what the page holds; again after another stretch took its place.
function hold() {
  const replay = $("replay");
  const svg = replay.querySelector("svg.lanes");
  shown = {
    replay,
    svg,
    events: [...document.querySelectorAll("#events > li")],
    first: Number(replay.dataset.first),
    count: Number(replay.dataset.count),
    xs: svg.dataset.xs.split(" ").map(Number),
    width: svg.viewBox.baseVal.width,
    line: svg.querySelector(".here line"),
    later: svg.querySelector(".here .later"),
    marks: new Map([...svg.querySelectorAll(".mark")].map((mark) => [Number(mark.dataset.step), mark])),
  };
  step = Number(replay.dataset.step);
  shown.marks.get(step)?.classList.add("now");
  listen();
  beside.clear();
  (window.requestIdleCallback ?? setTimeout)(fetchBeside);
}

const eventAt = (number) => shown.events[number - shown.first];

function fetchBeside() {
  for (const link of shown.replay.querySelectorAll(".stretch a[rel]")) fetchStretch(link.href, () => {});
}

function fetchStretch(address, then) {
  const found = beside.get(address);
  if (found) return then(found);
  const request = new XMLHttpRequest();
  request.open("GET", address);
  request.responseType = "document";
  request.onload = () => {
    if (!request.response?.getElementById("replay")) return;
    beside.set(address, request.response);
    then(request.response);
  };
  request.send();
}

// Put another stretch in the place of this one; the focus stays on the same button.
function turn(fresh, to) {
  const button = document.activeElement?.closest("[data-go], #play, .lanes");
  const same = button?.dataset.go ? `[data-go="${button.dataset.go}"]` : button?.id ? `#${button.id}` : ".scroll.lanes";
  const main = $("main");
  main.replaceChildren(...document.adoptNode(fresh.getElementById("main")).childNodes);
  hold();
  if (button) document.querySelector(same)?.focus({ preventScroll: true });
  if (playing !== null) $("play").textContent = $("play").dataset.pause;
  const here = step;
  step = 0;
  go(to, here === to);
}

function go(to, stands = false) {
  const next = Math.min(Math.max(to, 1), shown.count + 1);
  if (next === step) return;
  if (next <= shown.count && !eventAt(next)) {
    const link = shown.replay.querySelector(`.stretch a[rel="${next < shown.first ? "prev" : "next"}"]`);
    const address = new URL(link.href);
    address.searchParams.set("step", next);
    return fetchStretch(address.href, (fresh) => turn(fresh, next));
  }
  if (next > shown.count && shown.first + shown.events.length <= shown.count) {
    return fetchStretch(shown.replay.querySelector("[data-go=end]").href, (fresh) => turn(fresh, next));
  }
  eventAt(step)?.removeAttribute("aria-current");
  shown.marks.get(step)?.classList.remove("now");
  step = next;
  const event = eventAt(step);
  const x = event ? shown.xs[step - shown.first] : shown.width;
  shown.line.setAttribute("x1", x);
  shown.line.setAttribute("x2", x);
  shown.later.setAttribute("x", x);
  shown.later.setAttribute("width", shown.width - x);
  const place = $("place");
  place.textContent = event ? place.dataset.of.replace("#", step) : place.dataset.end;
  $("said").textContent = event ? event.querySelector(".summary").textContent : "";
  event?.setAttribute("aria-current", "step");
  shown.marks.get(step)?.classList.add("now");
  if (playing === null && event && document.activeElement?.closest("#events")) event.scrollIntoView({ block: "nearest" });
  const address = new URL(location.href);
  if (event) address.searchParams.set("step", step);
  else address.searchParams.delete("step");
  history.replaceState(null, "", address);
  clearTimeout(waiting);
  if (!stands) waiting = setTimeout(stand, SETTLE_MS);
}

// How it stood: the page that says so, asked for as a document, of which one part takes the place of ours.
function stand() {
  asked?.abort();
  const event = eventAt(step);
  const address = new URL(shown.replay.dataset.moment, location.href);
  const chosen = new URL(location.href).searchParams.get("asOf");
  address.searchParams.set("at", event ? event.dataset.at : chosen || new Date().toISOString());
  asked = new XMLHttpRequest();
  asked.open("GET", address);
  asked.responseType = "document";
  asked.onload = () => {
    const fresh = asked.response?.getElementById("state");
    if (fresh) $("state").replaceWith(document.adoptNode(fresh));
  };
  asked.send();
}

function stop() {
  clearInterval(playing);
  playing = null;
  $("play").textContent = $("play").dataset.play;
}

function begin() {
  if (step > shown.count) go(1);
  $("play").textContent = $("play").dataset.pause;
  playing = setInterval(() => (step > shown.count ? stop() : go(step + 1)), PLAY_MS);
}

const MOVES = {
  first: () => 1,
  back: () => step - 1,
  on: () => (step > shown.count ? 1 : step + 1),
  end: () => shown.count + 1,
};

function listen() {
  for (const link of shown.replay.querySelectorAll("[data-go]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      stop();
      go(MOVES[link.dataset.go]());
    });
  }
  $("events").addEventListener("click", (event) => {
    const link = event.target.closest("a[data-step]");
    if (!link) return;
    event.preventDefault();
    stop();
    go(Number(link.dataset.step));
  });
  shown.svg.addEventListener("click", (event) => {
    const mark = event.target.closest("[data-step]");
    if (!mark) return;
    stop();
    go(Number(mark.dataset.step));
    eventAt(step).scrollIntoView({ block: "center", behavior: still ? "auto" : "smooth" });
  });
  // Arrow keys step while the focus is on the swimlanes or the buttons, where they would do nothing useful otherwise.
  shown.replay.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: MOVES.on, ArrowLeft: MOVES.back, Home: MOVES.first, End: MOVES.end };
    if (!(event.key in moves) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    stop();
    go(moves[event.key]());
  });
  $("play").hidden = false;
  $("play").addEventListener("click", () => (playing === null ? begin() : stop()));
  for (const field of document.querySelectorAll("[data-slider] input")) slide(field);
}

// Each date gets a slider over the days of the case; letting go of it shows the case as it was, or was known, then.
function slide(field) {
  const from = Date.parse(field.dataset.from);
  const days = Math.round((Date.parse(field.dataset.until) - from) / DAY_MS);
  if (!(days > 0)) return;
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

hold();
