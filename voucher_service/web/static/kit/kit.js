/* Makes pages quicker; each of them reads and works without it. Keeps nothing, asks no server by itself. */
"use strict";
(() => {
  const all = (selector, root = document) => root.querySelectorAll(selector);

  /* A clock counts down to its instant by the server's time: what the page said at loading, plus what
     has passed since, so that a wrong clock on the phone changes nothing. */
  const loaded = performance.now();
  const longest = 24 * 3600 * 1000;

  const boxes = (seconds) =>
    [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
      .map((part) => `<b>${String(part).padStart(2, "0")}</b>`)
      .join(":");

  const run = (clock) => {
    const left = Date.parse(clock.dataset.until) - Date.parse(clock.dataset.now);
    if (Number.isNaN(left) || left > longest) return;
    const tick = () => {
      const rest = Math.max(0, Math.ceil((left - (performance.now() - loaded)) / 1000));
      clock.innerHTML = boxes(rest);
      if (rest > 0) return;
      clearInterval(timer);
      const shown = document.getElementById(clock.dataset.reveal);
      if (shown) shown.hidden = false;
      // spread, so that not everyone asks in the same instant
      if ("reload" in clock.dataset) setTimeout(() => location.reload(), 300 + Math.random() * 1500);
    };
    const timer = setInterval(tick, 500);
    tick();
  };

  /* A form is sent once, and its button says that it is busy. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (form.method !== "post" || form.hasAttribute("hx-post")) return;
    form.dataset.sent = "yes";
    event.submitter?.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", () => {
    for (const form of all("form[data-sent]")) delete form.dataset.sent;
    for (const button of all("form [aria-busy=true]")) button.removeAttribute("aria-busy");
  });

  /* A part that asks for itself again says above it when no answer came: what it shows grows old. */
  document.addEventListener("htmx:afterRequest", (event) => {
    const lost = event.detail.elt.previousElementSibling;
    if (lost?.hasAttribute("data-lost")) lost.hidden = event.detail.successful === true;
  });

  const act = {
    print: () => print(),
    copy: (button, text) =>
      navigator.clipboard?.writeText(text.trim()).then(() => (button.textContent = button.dataset.done)),
    say: (button, text) => {
      if (!("speechSynthesis" in window)) return;
      const words = new SpeechSynthesisUtterance(text);
      words.lang = document.documentElement.lang;
      speechSynthesis.cancel();
      speechSynthesis.speak(words);
    },
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-do]");
    if (!button) return;
    const source = document.getElementById(button.dataset.from);
    act[button.dataset.do]?.(button, source?.innerText ?? "");
  });

  /* On a narrow screen a chart over time begins at its end: what is newest is seen first. */
  const newest = (box) => (box.scrollLeft = box.scrollWidth);
  const start = (root) => {
    all(".clock[data-until]", root).forEach(run);
    all("[data-newest]", root).forEach(newest);
  };
  start(document);
  document.addEventListener("htmx:load", (event) => start(event.detail.elt));
})();
