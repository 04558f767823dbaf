/* Shows the code of the moment and keeps the next ones for two minutes without network; live.js turns to
   the next page. Without it the page asks for itself again when the code ends. */
"use strict";
(() => {
  const box = document.getElementById("code");
  const svg = box.querySelector("svg");
  const path = svg.querySelector("path");
  const life = box.querySelector("progress");
  const left = box.querySelector(".note b");
  const word = box.querySelector(".match b");
  const short = box.querySelector(".short b");
  const net = document.getElementById("net");
  const stale = document.getElementById("stale");
  const seconds = Number(box.dataset.seconds);

  let codes = [];
  let drawn = null;
  let fetching = false;
  // What the server's clock says, carried on by the page's own steps.
  let serverMs = 0;
  let heardAt = 0;
  const now = () => serverMs + (performance.now() - heardAt);
  const firstEnd = performance.now() + Number(box.dataset.left) * 1000;

  const ask = async (address) => {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    net.hidden = true;
    return answer;
  };

  const fetchCodes = async () => {
    if (fetching) return;
    fetching = true;
    try {
      const asked = performance.now();
      const answer = await ask(box.dataset.codes);
      if (answer.redirected || answer.status === 404 || answer.status === 409 || answer.status === 410) {
        location.reload(); // signed out, redeemed or expired: the server has the page for it
        return;
      }
      if (!answer.ok) return;
      const told = await answer.json();
      codes = told.codes;
      document.querySelector("[data-kept]").hidden = false;
      heardAt = (asked + performance.now()) / 2;
      serverMs = told.now_ms;
      show();
    } catch {
      net.hidden = false;
    } finally {
      fetching = false;
    }
  };

  const count = (rest) => {
    life.value = rest;
    left.textContent = rest;
  };

  const show = () => {
    if (codes.length === 0) {
      count(Math.max(0, Math.ceil((firstEnd - performance.now()) / 1000)));
      return;
    }
    const instant = now();
    const code = codes.find((one) => one.from_ms <= instant && instant < one.until_ms);
    box.hidden = !code;
    stale.hidden = Boolean(code);
    if (!code) return;
    if (code !== drawn) {
      svg.setAttribute("viewBox", `0 0 ${code.size} ${code.size}`);
      path.setAttribute("d", code.path);
      word.textContent = code.word;
      short.textContent = code.short;
      drawn = code;
    }
    count(Math.max(1, Math.min(seconds, Math.ceil((code.until_ms - instant) / 1000))));
  };

  /* As bright as a page can be: the code on white from edge to edge. */
  box.querySelector(".qr").addEventListener("click", () => box.closest(".ticket").classList.toggle("bright"));

  // The last code in hand ends in less than a minute and a half: time for new ones.
  const low = () => codes.length === 0 || codes[codes.length - 1].until_ms - now() < 3 * seconds * 1000;
  setInterval(show, 1000);
  setInterval(() => low() && fetchCodes(), 4000);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    fetchCodes(); // a phone that slept may have stopped its clock
  });
  addEventListener("online", fetchCodes);
  fetchCodes();
})();
