/* Tries numbers until SHA-256(salt + number) is the challenge. Own code, since the browser's own hash
   is made for few large texts and not for many small ones. */
"use strict";
const K = new Int32Array(64);
const START = new Int32Array(8);
{
  // The constants of FIPS 180-4: the first 32 bits of the fractions of roots of the first primes.
  const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) | 0;
  let found = 0;
  for (let n = 2; found < 64; n += 1) {
    let prime = true;
    for (let d = 2; d * d <= n; d += 1) if (n % d === 0) prime = false;
    if (!prime) continue;
    if (found < 8) START[found] = fraction(Math.sqrt(n));
    K[found] = fraction(Math.cbrt(n));
    found += 1;
  }
}

const w = new Int32Array(64);
const turn = (x, n) => (x >>> n) | (x << (32 - n));

/* The state after one block of 16 words at `at`. */
const compress = (state, words, at) => {
  for (let i = 0; i < 16; i += 1) w[i] = words[at + i];
  for (let i = 16; i < 64; i += 1) {
    const a = w[i - 15];
    const b = w[i - 2];
    const s0 = turn(a, 7) ^ turn(a, 18) ^ (a >>> 3);
    const s1 = turn(b, 17) ^ turn(b, 19) ^ (b >>> 10);
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
  }
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let i = 0; i < 64; i += 1) {
    const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
    const s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
};

/* SHA-256 of texts that begin alike: all but their last digits is put in place once. */
const hasher = (salt) => {
  const start = new TextEncoder().encode(salt);
  const blocks = (start.length + 20 + 9 + 63) >> 6;
  const state = new Int32Array(8);
  const words = new Int32Array(blocks * 16);
  const put = (byte, i) => {
    const shift = 24 - 8 * (i & 3);
    words[i >> 2] = (words[i >> 2] & ~(0xff << shift)) | (byte << shift);
  };
  start.forEach(put);
  return (number) => {
    const digits = String(number);
    let length = start.length;
    for (let i = 0; i < digits.length; i += 1) put(digits.charCodeAt(i), length++);
    put(0x80, length);
    const last = ((length + 8) >> 6) * 16 + 15;
    words[last] = length * 8;
    state.set(START);
    for (let at = 0; at < last; at += 16) compress(state, words, at);
    return state;
  };
};

const solve = ({ algorithm, challenge, salt, maxnumber }) => {
  if (algorithm !== "SHA-256") return null;
  const wanted = [];
  for (let i = 0; i < 64; i += 8) wanted.push(parseInt(challenge.slice(i, i + 8), 16) | 0);
  const hash = hasher(salt);
  for (let number = 0; number <= maxnumber; number += 1) {
    const state = hash(number); // longer numbers only come later, so no old digit is left behind
    if (state[0] === wanted[0] && wanted.every((word, i) => word === state[i])) return number;
  }
  return null;
};

if (typeof onmessage !== "undefined") onmessage = ({ data }) => postMessage(solve(data));
