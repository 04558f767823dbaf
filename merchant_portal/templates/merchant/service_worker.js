/* Keeps the files of the till on the phone and has a page for the time without network. Pages with data
   and everything that is sent go to the server and nowhere else. A new version waits until the till is
   closed, and takes over at its next start. */
"use strict";
const [name, files, offline] = ["till-{{ version }}", {{ files|tojson }}, {{ offline|tojson }}];

addEventListener("install", (event) => {
  event.waitUntil(caches.open(name).then((kept) => kept.addAll([...files, offline])));
});
addEventListener("activate", (event) => {
  const old = (names) => names.filter((one) => one !== name).map((one) => caches.delete(one));
  event.waitUntil(caches.keys().then((names) => Promise.all(old(names))));
});
addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname, search } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  const kept = (address) => caches.match(address, { ignoreVary: true });
  if (files.includes(pathname + search)) {
    event.respondWith(kept(request).then((found) => found ?? fetch(request)));
  } else if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => kept(offline)));
  }
});
