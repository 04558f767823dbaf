/* Turns to the next page at the moment the till freezes, redeems or unlocks: the server says what is on
   record, the page only asks, once a second while somebody looks at it. Keeps the screen awake. */
"use strict";
(() => {
  const live = document.querySelector("[data-live]");
  const net = document.getElementById("net");
  const patience = 5000;
  let [asking, turning] = [false, false];

  const turn = (page) => {
    turning = true;
    // A page that nobody touched may not tremble; to try is an error on its console.
    if (navigator.userActivation?.hasBeenActive ?? true) navigator.vibrate?.([80, 60, 80]);
    setTimeout(() => location.replace(page), 200); // a page that is left stops trembling
  };
  const look = async () => {
    if (document.hidden || asking || turning) return;
    asking = true;
    const waiting = new AbortController();
    const bell = setTimeout(() => waiting.abort(), patience);
    try {
      const answer = await fetch(live.dataset.live, { headers: { Accept: "application/json" }, signal: waiting.signal });
      if (net) net.hidden = true;
      if (answer.redirected || answer.status === 404) return location.reload();
      if (!answer.ok) return;
      const told = await answer.json();
      if (told.mark !== live.dataset.mark) turn(told.page);
    } catch {
      if (net) net.hidden = false;
    } finally {
      clearTimeout(bell);
      asking = false;
    }
  };

  const left = document.querySelector("[data-left]");
  if (left) {
    const over = performance.now() + Number(left.dataset.left) * 1000;
    const [figure, life] = [left.querySelector("b"), document.querySelector(".life")];
    setInterval(() => {
      figure.textContent = life.value = Math.max(0, Math.ceil((over - performance.now()) / 1000));
    }, 500);
  }

  const keepAwake = () => navigator.wakeLock?.request("screen").catch(() => {});
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    keepAwake();
    look(); // what happened while the phone slept
  });
  addEventListener("online", look);
  setInterval(look, 1000);
  keepAwake();
})();
