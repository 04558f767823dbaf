/* Asks the browser for a passkey and sends what it answered with the form. Without scripts, or in a
   browser that knows no passkeys, the button stays hidden and the other ways work. */
"use strict";
(() => {
  const known = window.PublicKeyCredential;
  if (!known || !known.parseRequestOptionsFromJSON) return;

  const ask = async (form) => {
    const answer = await fetch(form.dataset.options, { headers: { Accept: "application/json" } });
    if (answer.redirected) {
      location.assign(answer.url); // the other factor is asked for first
      return null;
    }
    if (!answer.ok) throw new Error(answer.statusText);
    const asked = await answer.json();
    const made =
      form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey: known.parseCreationOptionsFromJSON(asked) })
        : await navigator.credentials.get({ publicKey: known.parseRequestOptionsFromJSON(asked) });
    return JSON.stringify(made.toJSON());
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const button = form.querySelector("[data-do=passkey]");
    const failed = form.querySelector("[data-failed]");
    button.hidden = false;
    button.addEventListener("click", async () => {
      failed.hidden = true;
      button.disabled = true;
      try {
        const told = await ask(form);
        if (told) {
          form.elements.passkey.value = told;
          form.noValidate = form.dataset.passkey === "get";
          form.requestSubmit();
        }
      } catch {
        failed.hidden = false;
      }
      button.disabled = false;
    });
  }
})();
