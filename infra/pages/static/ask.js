// Asks without loading the page anew; the form does the same by itself. Ctrl+Enter asks.

const form = document.getElementById("ask");
const query = document.getElementById("query");
const answer = document.getElementById("answer");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  answer.setAttribute("aria-busy", "true");
  const asked = new XMLHttpRequest();
  asked.open("POST", form.action);
  asked.responseType = "document";
  asked.onload = () => {
    const fresh = asked.response?.getElementById("answer");
    // Who was signed out meanwhile gets another page: the form by itself leads there.
    if (fresh) answer.textContent = fresh.textContent;
    else form.submit();
  };
  asked.onloadend = () => answer.removeAttribute("aria-busy");
  asked.send(new URLSearchParams(new FormData(form)));
});
query.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
});
