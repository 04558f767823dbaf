/* Has the puzzle solved beside the page and sends the claim with the answer. */
"use strict";
(() => {
  const form = document.getElementById("puzzle");
  const send = () => (form.requestSubmit ? form.requestSubmit() : form.submit()); // older phones
  const challenge = JSON.parse(form.dataset.challenge);
  const stuck = () => {
    document.getElementById("busy").hidden = true;
    document.getElementById("stuck").hidden = false;
  };
  if (!("Worker" in window)) {
    stuck();
    return;
  }
  const worker = new Worker(form.dataset.worker);
  worker.onerror = stuck;
  worker.onmessage = ({ data: number }) => {
    worker.terminate();
    if (number === null) {
      stuck();
      return;
    }
    form.elements.proof.value = btoa(JSON.stringify({ ...challenge, number }));
    send();
  };
  worker.postMessage(challenge);
})();
