/* Reads the code in a picture, off the page's thread. It is told first where the library and its compiled
   part lie, and which kinds of codes to look for besides QR; then it answers each picture with the code's text, or null. Keeps and sends nothing. */
"use strict";
const options = { formats: ["QRCode"], maxNumberOfSymbols: 1, tryHarder: true };

onmessage = async ({ data }) => {
  try {
    if (data.library) {
      options.formats.push(...data.formats);
      importScripts(data.library);
      await ZXingWASM.prepareZXingModule({ overrides: { locateFile: () => data.compiled }, fireImmediately: true });
      return;
    }
    const [found] = await ZXingWASM.readBarcodes(new ImageData(data.dots, data.width), options);
    postMessage({ text: found?.isValid ? found.text : null });
  } catch (error) {
    postMessage({ broken: String(error) });
  }
};
