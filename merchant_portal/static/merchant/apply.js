// The position of the phone, into the box that a button names. Without it people type.
for (const button of document.querySelectorAll("[data-locate]")) {
  if (!navigator.geolocation) break;
  button.hidden = false;
  button.addEventListener("click", () => {
    button.setAttribute("aria-busy", "true");
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        button.removeAttribute("aria-busy");
        document.getElementById(button.dataset.locate).value =
          `${coords.latitude.toFixed(6)}, ${coords.longitude.toFixed(6)}`;
      },
      () => button.removeAttribute("aria-busy"),
      { enableHighAccuracy: true, timeout: 10000 },
    );
  });
}
