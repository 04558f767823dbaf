/* Fills the box of a position with where this machine is, when asked to. */
"use strict";
(() => {
  if (!("geolocation" in navigator)) return;
  for (const button of document.querySelectorAll("button[data-locate]")) {
    const box = document.getElementById(button.dataset.locate);
    button.hidden = false;
    button.addEventListener("click", () => {
      button.setAttribute("aria-busy", "true");
      const done = () => button.removeAttribute("aria-busy");
      navigator.geolocation.getCurrentPosition(
        ({ coords }) => {
          box.value = `${coords.latitude.toFixed(6)}, ${coords.longitude.toFixed(6)}`;
          button.nextElementSibling.hidden = true;
          done();
        },
        () => {
          button.nextElementSibling.hidden = false;
          done();
        },
        { enableHighAccuracy: true, timeout: 15000, maximumAge: 60000 },
      );
    });
  }
})();
