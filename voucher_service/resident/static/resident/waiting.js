/* Asks for the reader's place until it is their turn, then sends the claim. The server says when to ask
   again. Nothing is kept here: the place belongs to the resident, and a reload shows it. */
"use strict";
(() => {
  const form = document.getElementById("turn");
  const line = document.getElementById("line");
  const send = () => (form.requestSubmit ? form.requestSubmit() : form.submit()); // older phones
  if (form.dataset.turn === "now") {
    send();
    return;
  }
  const written = new Intl.NumberFormat(document.documentElement.lang);
  const show = (ticket) => {
    document.getElementById("drawn").hidden = !ticket.drawn;
    document.getElementById("undrawn").hidden = ticket.drawn;
    line.querySelector("[data-place]").textContent = written.format(ticket.position);
    line.querySelector("[data-ahead]").textContent = written.format(Math.max(0, ticket.position - 1));
  };

  let asking = false;
  let timer = 0;
  const later = (seconds) => {
    clearTimeout(timer);
    timer = setTimeout(ask, seconds * 1000);
  };
  const ask = async () => {
    if (asking) return;
    asking = true;
    let seconds = 2 + 3 * Math.random(); // no network, or the server is busy
    try {
      const answer = await fetch(line.dataset.address, { headers: { Accept: "application/json" } });
      if (answer.redirected) {
        location.reload(); // signed out
        return;
      }
      const ticket = answer.ok ? await answer.json() : null;
      // A turn, or an end, or a place that was lost: the claim has the answer, or a new place.
      if (answer.status === 404 || (ticket && ticket.state !== "waiting")) {
        send();
        return;
      }
      if (ticket) {
        show(ticket);
        seconds = ticket.poll_after_seconds;
      } else {
        seconds = Number(answer.headers.get("Retry-After")) || seconds;
      }
    } catch {
      // asked again in a moment
    } finally {
      asking = false;
    }
    later(seconds);
  };

  later(Number(line.dataset.seconds));
  const awake = () => !document.hidden && later(Math.random());
  document.addEventListener("visibilitychange", awake); // a phone that slept
  addEventListener("online", awake);
  navigator.wakeLock?.request("screen").catch(() => {});
})();
