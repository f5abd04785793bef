// Draws each chart of a page once more, by Vega, so that it answers to pointing: it says what is pointed at, and a click
// leads to the list behind it. Until then, and where this does not work, the picture from the server stays, as it does
// in print. Expressions are interpreted (ast), not compiled: the Content-Security-Policy forbids that.

const dark = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("(max-width: 45rem)");

async function draw(figure) {
  const picture = figure.querySelector("picture");
  await picture.querySelector("img").decode(); // what is printed is there before anything hides it
  const asked = [dark.matches, narrow.matches];
  const address = new URL(asked[0] ? figure.dataset.dark : figure.dataset.light, location);
  if (asked[1]) address.searchParams.set("narrow", 1);
  const answer = await fetch(address);
  const specification = await answer.json(); // who was signed out meanwhile gets a page, which is none
  await import(figure.dataset.program);
  const drawn = document.createElement("div");
  // Vega-Embed empties its place by innerHTML, which trusted types forbid; this does the same.
  Object.defineProperty(drawn, "innerHTML", { set: () => drawn.replaceChildren() });
  const pointed = figure.querySelector(".pointed");
  const tooltip = (_handler, _event, _item, text) => (pointed.textContent = text ?? "");
  await vegaEmbed(drawn, specification, { ast: true, actions: false, defaultStyle: false, renderer: "svg", tooltip });
  if (asked[0] !== dark.matches || asked[1] !== narrow.matches) return;
  // Vega names axes and marks in English; the whole has its name, and the table beside it says the rest.
  drawn.querySelector("svg").setAttribute("aria-hidden", "true");
  drawn.setAttribute("role", "img");
  drawn.removeAttribute("aria-roledescription");
  drawn.setAttribute("aria-label", picture.querySelector("img").alt);
  figure.querySelector(".vega-embed")?.remove();
  picture.after(drawn);
  figure.classList.add("drawn");
}

const charts = [...document.querySelectorAll("figure.chart")];
const seen = new IntersectionObserver((entries) => {
  for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
    seen.unobserve(target);
    draw(target).catch(() => {}); // the picture says the same
  }
});
for (const figure of charts) seen.observe(figure);
const again = () => charts.filter((one) => one.matches(".drawn")).forEach((one) => draw(one).catch(() => {}));
for (const media of [dark, narrow]) media.addEventListener("change", again);
