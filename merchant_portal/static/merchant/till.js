/* Makes the till quicker: the pad, the scanner that types, and the wait when an answer was lost.
   Each page works without it. */
"use strict";
(() => {
  const all = (selector, root = document) => root.querySelectorAll(selector);
  const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  /* Money: whole fen in, ¥1,234.50 out. NaN for what is no amount. */
  const fenOf = (text) => {
    const clean = text.normalize("NFKC").replace(/[,\s¥]/g, "");
    const match = /^(\d{1,9})(?:\.(\d{0,2}))?$/.exec(clean);
    return match ? Number(match[1]) * 100 + Number((match[2] ?? "").padEnd(2, "0")) : NaN;
  };
  const money = (fen) =>
    `¥${String(Math.floor(fen / 100)).replace(/\B(?=(\d{3})+$)/g, ",")}.${String(fen % 100).padStart(2, "0")}`;

  /* The pad writes into the amount box; what it is worth is said while one types. The server decides. */
  const startPad = (form) => {
    const amount = form.elements.amount;
    const [most, threshold, rate] = ["discount", "threshold", "rate"].map((name) => Number(form.dataset[name]));
    const box = (name) => fenOf(form.elements[name]?.value || "0") || 0;
    const show = (name, text) => (form.querySelector(`[data-show=${name}]`).textContent = text);
    const short = form.querySelector("[data-short]");
    const worth = (fen) => {
      if (fen < threshold) return 0;
      const off = rate ? Math.floor((fen * rate) / 10000) : fen;
      return Math.min(most, off, box("spend") || most);
    };
    const say = () => {
      const fen = fenOf(amount.value);
      const counts = fen - box("excluded");
      const discount = Number.isNaN(fen) ? most : worth(counts);
      amount.classList.toggle("long", amount.value.length > 6);
      show("discount", discount ? money(discount) : "–");
      const pays = fen - discount - box("bank_discount") - box("platform_discount");
      show("payable", Number.isNaN(fen) ? "–" : money(Math.max(0, pays)));
      const missing = fen > 0 && counts < threshold ? short.dataset.short.replace("{sum}", money(threshold - counts)) : "";
      if (short.textContent !== missing) short.textContent = missing;
    };
    const press = (key) => {
      const text = amount.value;
      const next = key === "back" ? text.slice(0, -1) : (text === "0" && key !== "." ? "" : text) + key;
      if (next === "" || !Number.isNaN(fenOf(next))) amount.value = next;
      say();
    };
    const pad = form.querySelector(".pad");
    pad.hidden = false;
    form.querySelector("[data-plain]").hidden = true;
    amount.inputMode = "none"; // the pad is the keyboard; a real one still types
    pad.addEventListener("click", (event) => {
      const key = event.target.closest("button.key");
      if (key) press(key.value);
    });
    form.addEventListener("input", say);
    say();
    place(form.querySelector("[data-position]"));
  };

  /* Where the till stands, if the browser has been allowed to say so already; nobody is asked. */
  const place = async (box) => {
    try {
      if ((await navigator.permissions.query({ name: "geolocation" })).state !== "granted") return;
    } catch {
      return;
    }
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => (box.value = [coords.latitude, coords.longitude, Math.ceil(coords.accuracy)].join(",")),
      () => {},
      { maximumAge: 600_000, timeout: 5_000 },
    );
  };

  /* A tone and a vibration of their own for yes, no and not known. */
  const signals = {
    yes: [[880, 1320], [60]],
    lock: [[880], [60]],
    no: [[220, 180], [90, 60, 90]],
    hold: [[520], [30]],
  };
  const signal = (kind) => {
    const [tones, shakes] = signals[kind];
    if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return;
    navigator.vibrate?.(shakes);
    try {
      const sound = new AudioContext();
      tones.forEach((hertz, i) => {
        const [voice, volume] = [sound.createOscillator(), sound.createGain()];
        volume.gain.value = 0.15;
        voice.frequency.value = hertz;
        voice.connect(volume).connect(sound.destination);
        voice.start(sound.currentTime + i * 0.16);
        voice.stop(sound.currentTime + i * 0.16 + 0.14);
      });
    } catch {
      /* a browser without sound still shows the colour and the word */
    }
  };

  /* An answer takes the page's place, as if the browser had gone there. */
  const show = async (answer) => {
    if (answer.redirected) return location.replace(answer.url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = page.title;
    document.querySelector(".phone").replaceWith(page.querySelector(".phone"));
    scrollTo(0, 0);
    start();
  };
  const ask = (address, body) => {
    const patience = new AbortController();
    setTimeout(() => patience.abort(), 8000);
    return fetch(address, { method: body ? "POST" : "GET", body, signal: patience.signal });
  };
  const known = (answer) =>
    answer.redirected || answer.status === 429 || (answer.status < 500 && !answer.headers.has("Retry-After"));

  /* The same request again does no harm: one key, one effect. An order is looked up first, the end of a
     freeze is not; then it is sent again, until somebody answers. */
  const untilKnown = async (address, body, resend) => {
    const began = performance.now();
    const hold = document.querySelector(".result.hold");
    const clock = Object.assign(document.createElement("p"), { className: "num", role: "timer" });
    hold.querySelector(".verdict").after(clock);
    const late = hold.querySelector(".late");
    late.hidden = true;
    const tick = setInterval(() => {
      const seconds = Math.floor((performance.now() - began) / 1000);
      clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      late.hidden = seconds < 60;
    }, 250);
    const reference = body.get("order_reference") || body.get("made_reference") || "";
    for (;;) {
      await sleep(2000);
      try {
        const found = resend ? null : await ask(`/orders?order_reference=${encodeURIComponent(reference)}`);
        const answer = found?.redirected ? found : await ask(address, body);
        if (known(answer)) {
          clearInterval(tick);
          return show(answer);
        }
      } catch {
        /* still no network: ask again */
      }
    }
  };
  const hold = (address, body, resend) => {
    const screen = document.getElementById("unknown").content.cloneNode(true);
    const reference = body.get("order_reference");
    if (reference) screen.querySelector(".late .num").textContent = reference;
    document.querySelector("main").replaceChildren(screen);
    document.querySelector(".top")?.remove();
    signal("hold");
    untilKnown(address, body, resend);
  };
  const send = async (form) => {
    const [address, body] = [form.action, new URLSearchParams(new FormData(form))];
    try {
      const answer = await ask(address, body);
      if (known(answer)) return show(answer);
    } catch {
      /* sent, perhaps, and no answer: not known */
    }
    hold(address, body, "resend" in form.dataset);
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!("lasting" in form.dataset) || event.defaultPrevented) return; // a second press
    event.preventDefault();
    send(form);
  });

  /* A hand-held scanner types a code and presses Enter, wherever the focus is. */
  let typed = "";
  document.addEventListener("keydown", (event) => {
    const form = document.querySelector("form[data-scan]");
    if (!form || event.target.closest("input, textarea, select")) return;
    if (event.key === "Enter" && typed.length > 20) {
      event.preventDefault();
      form.elements.code.value = typed;
      typed = "";
      form.requestSubmit();
    } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
      typed += event.key;
    }
  });

  /* Where a unit's numbers are asked for, Enter goes on to the next empty box: a scanner types it after
     each of them. */
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("form[data-unit]");
    if (event.key !== "Enter" || !form || !event.target.value) return;
    const boxes = form.dataset.unit.split(" ").map((name) => form.elements[name]);
    const next = boxes.find((box) => box && !box.value);
    if (!next) return;
    event.preventDefault();
    next.focus();
  });

  /* The till as a program on the phone. A browser that can't keep it still shows every page. */
  navigator.serviceWorker?.register("/service-worker.js").catch(() => {});

  /* A freeze counts down by what the server said. It ends here as soon as it has ended there: its time is
     over, or the customer unlocked it. */
  const countDown = (line) => {
    const over = performance.now() + Number(line.dataset.left) * 1000;
    const [figure, life] = [line.querySelector("b"), document.querySelector(".life")];
    const gone = () => !line.isConnected;
    const tick = setInterval(() => {
      if (gone()) return clearInterval(tick);
      const rest = Math.max(0, Math.ceil((over - performance.now()) / 1000));
      figure.textContent = life.value = rest;
      if (rest === 0) {
        clearInterval(tick);
        setTimeout(() => gone() || location.reload(), 500);
      }
    }, 250);
    const watch = setInterval(async () => {
      if (gone()) return clearInterval(watch);
      if (document.hidden) return;
      try {
        const answer = await ask(line.dataset.state);
        if (!gone() && answer.ok && (await answer.json()).status !== "frozen") location.reload();
      } catch {
        /* no network: the time runs on all the same */
      }
    }, 2000);
  };

  const online = () => {
    for (const bar of all("[data-offline]")) bar.hidden = navigator.onLine;
  };
  addEventListener("online", online);
  addEventListener("offline", online);

  /* The page without network stands at the address that was asked for, and goes there again as soon as
     the server answers. */
  const goBack = async () => {
    if (document.hidden || location.pathname === "/offline") return;
    try {
      await fetch(location.href, { method: "HEAD", cache: "no-store" });
      location.reload();
    } catch {
      /* still no network: ask again */
    }
  };
  if (document.querySelector("[data-offline-page]")) {
    setInterval(goBack, 4000);
    addEventListener("online", goBack);
  }

  const start = () => {
    for (const form of all("form[data-pad]")) startPad(form);
    document.querySelector("[autofocus]")?.focus();
    online();
    const result = document.querySelector("main .result");
    if (!result) return;
    signal(["yes", "lock", "no", "hold"].find((kind) => result.classList.contains(kind)));
    for (const line of all("[data-left]")) countDown(line);
    const again = document.querySelector("form[data-again]");
    if (again) untilKnown(again.action, new URLSearchParams(new FormData(again)), "resend" in again.dataset);
  };
  start();
})();
