// Keys for whoever reviews many: each does what its link, button, box or summary does by itself.
"use strict";

(() => {
  const OFF = "review-keys-off";
  const toggle = document.querySelector("[data-keys]");
  const box = toggle?.querySelector("input");
  if (!box) return;
  toggle.hidden = false;
  box.checked = localStorage.getItem(OFF) === null;
  box.addEventListener("change", () => {
    if (box.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), textarea, select");
    if (!box.checked || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const found = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!found) return;
    event.preventDefault();
    if (found.matches("input, textarea")) found.focus();
    else if (found.matches("details")) found.open = !found.open;
    else found.click();
  });
})();
