/* The camera of the till. Pictures are read on this phone, in a worker, and never leave it. Where there is
   no camera, no permission or no script, the box takes a code that is typed, pasted or scanned by hand. */
"use strict";
(() => {
  const form = document.querySelector("form[data-decoder]");
  if (!form) return;
  const part = (name) => form.querySelector(`[data-${name}]`);
  const [video, hint, photo] = [form.querySelector("video"), part("hint"), part("photo")];
  const ours = /^[0-9A-Z-]{10,80}$/; // what else there is on counters, an address for one, is not sent
  const atLeast = 100; // milliseconds from one frame to the next: an old phone stays cool
  const [frameSide, photoSide] = [640, 1600]; // pixels of a picture's longer side that are looked at

  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  let [stream, worker, wanted, taken] = [null, null, false, false];
  const say = (name) => {
    if (hint.textContent !== hint.dataset[name]) hint.textContent = hint.dataset[name];
  };
  const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  const decoder = () => {
    const made = new Worker(form.dataset.decoder);
    const formats = form.dataset.formats?.split(" ") ?? [];
    made.postMessage({ library: form.dataset.library, compiled: form.dataset.compiled, formats });
    return made;
  };
  /* The text of the code in a picture, or null. Throws when this phone can't run the library. */
  const read = (picture, width, height, side) =>
    new Promise((done, failed) => {
      const scale = Math.min(1, side / Math.max(width, height));
      [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
      pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
      const dots = pen.getImageData(0, 0, canvas.width, canvas.height).data;
      worker ??= decoder();
      worker.onmessage = ({ data }) => (data.broken ? failed(data.broken) : done(data.text));
      worker.onerror = failed;
      worker.postMessage({ dots, width: canvas.width }, [dots.buffer]);
    });
  /* The numbers on a package: each goes into its box, by its form. The camera stays open for the next. */
  const fill = (code) => {
    const { gtin, serial, imei1, imei2 } = form.elements;
    const box = /^(\d{8}|\d{12,14})$/.test(code)
      ? gtin
      : /^\d{15}$/.test(code) && imei1
        ? [imei1, imei2].find((one) => !one.value || one.value === code)
        : serial;
    if (!box || box.value === code || !/^[0-9A-Z./-]{4,40}$/.test(code)) return;
    box.value = code;
    navigator.vibrate?.(60);
    if (gtin.value && serial.value && (!imei1 || imei1.value)) close();
  };
  const take = (text) => {
    const code = text.trim().toUpperCase();
    if (form.dataset.unit) return fill(code);
    if (!ours.test(code)) return say("other");
    taken = true;
    close();
    form.elements.code.value = code;
    form.requestSubmit();
  };

  const look = async (mine) => {
    while (stream === mine && !taken) {
      const began = performance.now();
      try {
        const text = video.videoWidth && (await read(video, video.videoWidth, video.videoHeight, frameSide));
        if (text && stream === mine) take(text);
      } catch {
        close();
        return say("broken");
      }
      await sleep(Math.max(10, atLeast - (performance.now() - began)));
    }
  };
  const close = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = video.srcObject = null;
    video.hidden = true;
    part("torch").hidden = part("zoom").hidden = true;
    part("open").hidden = !navigator.mediaDevices;
  };
  /* A button that switches one ability of the camera on and off, where this camera has it. */
  const offer = (name, track, able, on, off) => {
    const button = part(name);
    button.hidden = !able;
    button.setAttribute("aria-pressed", "false");
    button.onclick = () => {
      const pressed = button.getAttribute("aria-pressed") !== "true";
      track.applyConstraints({ advanced: [pressed ? on : off] }).catch(() => (button.hidden = true));
      button.setAttribute("aria-pressed", String(pressed));
    };
  };
  const open = async () => {
    if (stream || taken) return;
    wanted = true;
    try {
      const video = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } };
      stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    } catch (error) {
      wanted = false;
      return say(error.name === "NotAllowedError" ? "denied" : "none");
    }
    if (document.hidden) return close();
    remember();
    video.srcObject = stream;
    video.hidden = false;
    part("open").hidden = true;
    say("aim");
    document.activeElement?.blur(); // no keyboard over the picture; a scanner that types needs no focus
    const [track] = stream.getVideoTracks();
    const able = track.getCapabilities?.() ?? {};
    offer("torch", track, able.torch, { torch: true }, { torch: false });
    offer("zoom", track, able.zoom?.max >= 2, { zoom: 2 }, { zoom: able.zoom?.min });
    track.onended = close;
    video.play().catch(() => {});
    navigator.wakeLock?.request("screen").catch(() => {});
    look(stream);
  };

  /* Whoever allowed it once isn't asked again; some browsers don't tell, so we note it too. */
  const remember = () => {
    try {
      localStorage.setItem("camera", "yes");
    } catch {
      /* a browser that keeps nothing asks each time */
    }
  };
  const allowed = async () => {
    try {
      const { state } = await navigator.permissions.query({ name: "camera" });
      return state === "granted";
    } catch {
      return localStorage.getItem("camera") === "yes";
    }
  };

  photo.hidden = false;
  photo.querySelector("input").addEventListener("change", async ({ target }) => {
    if (!target.files.length) return;
    try {
      const picture = await createImageBitmap(target.files[0]);
      const text = await read(picture, picture.width, picture.height, photoSide);
      if (text) take(text);
      else say("unread");
    } catch {
      say("broken");
    }
    target.value = "";
  });
  if (!navigator.mediaDevices) return;
  part("open").hidden = false;
  part("open").addEventListener("click", open);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) close();
    else if (wanted) open();
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", ({ persisted }) => {
    taken = false;
    if (persisted && wanted) open();
  });
  /* Beside the boxes of a unit it is opened by hand, with the part of the page that it is in. */
  if (form.dataset.unit) part("camera").addEventListener("toggle", ({ target }) => ((wanted = target.open) ? open() : close()));
  else allowed().then((yes) => yes && open(), () => {});
})();
