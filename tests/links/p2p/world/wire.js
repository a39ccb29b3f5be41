// Frames and seals as the protocol describes them, by WebCrypto: PAE, JWS with Ed25519, HPKE (RFC 9180, base mode).
"use strict";

const utf8 = (text) => new TextEncoder().encode(text);
const toText = (raw) => new TextDecoder().decode(raw);
const toB64u = (raw) => btoa(String.fromCharCode(...raw)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const fromB64u = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (two) => parseInt(two, 16));
const toHex = (raw) => [...raw].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const random = (size) => crypto.getRandomValues(new Uint8Array(size));
const now = () => Date.now();

function joined(...parts) {
  const raw = parts.map((part) => (typeof part === "string" ? utf8(part) : part));
  const whole = new Uint8Array(raw.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of raw) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function bigEndian(number, size) {
  const raw = new Uint8Array(size);
  for (let at = size - 1; at >= 0; at--, number = Math.floor(number / 256)) raw[at] = number % 256;
  return raw;
}

function pae(...parts) {
  const raw = parts.map((part) => (typeof part === "string" ? utf8(part) : part));
  return joined(bigEndian(raw.length, 8), ...raw.flatMap((part) => [bigEndian(part.length, 8), part]));
}

const sha256 = async (raw) => new Uint8Array(await crypto.subtle.digest("SHA-256", raw));
const kidOf = async (sign) => (await sha256(pae("nmr1/kid", sign))).slice(0, 16);

// Private keys come raw; WebCrypto takes them in PKCS #8.
const PKCS8 = { Ed25519: "302e020100300506032b657004220420", X25519: "302e020100300506032b656e04220420" };
const privateKey = (kind, raw, uses) =>
  crypto.subtle.importKey("pkcs8", joined(fromHex(PKCS8[kind]), raw), { name: kind }, false, uses);
const publicKey = (kind, raw, uses) => crypto.subtle.importKey("raw", raw, { name: kind }, true, uses);

async function signFrame(envelope, me) {
  const header = utf8(`{"alg":"Ed25519","kid":"${toB64u(me.kid)}","typ":"nmr+1"}`);
  const signed = `${toB64u(header)}.${toB64u(utf8(JSON.stringify(envelope)))}`;
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", me.signing, utf8(signed)));
  return utf8(`${signed}.${toB64u(signature)}`);
}

async function readFrame(frame, signer) {
  const [header, body, signature] = toText(frame).split(".");
  const good = await crypto.subtle.verify("Ed25519", signer, fromB64u(signature), utf8(`${header}.${body}`));
  if (!good) throw new Error("signature");
  return JSON.parse(toText(fromB64u(body)));
}

// HPKE: DHKEM(X25519, HKDF-SHA256) 0x0020, HKDF-SHA256 0x0001, ChaCha20-Poly1305 0x0003.
const KEM_SUITE = joined("KEM", fromHex("0020"));
const SUITE = joined("HPKE", fromHex("002000010003"));

async function hmac(key, raw) {
  const padded = key.length ? key : new Uint8Array(32); // an empty key is the same as one of zeros
  const made = await crypto.subtle.importKey("raw", padded, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", made, raw));
}

const extract = (suite, salt, label, ikm) => hmac(salt, joined("HPKE-v1", suite, label, ikm));
const expand = async (suite, prk, label, info, size) =>
  (await hmac(prk, joined(bigEndian(size, 2), "HPKE-v1", suite, label, info, fromHex("01")))).slice(0, size);

async function aead(mine, theirs, enc, recipient, info, use) {
  const dh = new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: theirs }, mine, 256));
  const shared = await expand(
    KEM_SUITE, await extract(KEM_SUITE, utf8(""), "eae_prk", dh), "shared_secret", joined(enc, recipient), 32,
  );
  const context = joined(
    fromHex("00"), await extract(SUITE, utf8(""), "psk_id_hash", ""), await extract(SUITE, utf8(""), "info_hash", info),
  );
  const secret = await extract(SUITE, shared, "secret", "");
  const raw = await expand(SUITE, secret, "key", context, 32);
  const key = await crypto.subtle.importKey("raw-secret", raw, { name: "ChaCha20-Poly1305" }, false, [use]);
  return [{ name: "ChaCha20-Poly1305", iv: await expand(SUITE, secret, "base_nonce", context, 12) }, key];
}

async function seal(frame, site, kid, receive) {
  const pair = await crypto.subtle.generateKey({ name: "X25519" }, true, ["deriveBits"]);
  const enc = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const recipient = await publicKey("X25519", receive, []);
  const how = await aead(pair.privateKey, recipient, enc, receive, pae("nmr1/seal", site, kid), "encrypt");
  return joined("NMR1", kid, enc, new Uint8Array(await crypto.subtle.encrypt(...how, frame)));
}

async function openSealed(sealed, site, me) {
  const [magic, kid, enc, rest] = [sealed.slice(0, 4), sealed.slice(4, 20), sealed.slice(20, 52), sealed.slice(52)];
  if (toText(magic) !== "NMR1" || toHex(kid) !== toHex(me.kid)) throw new Error("container");
  const sender = await publicKey("X25519", enc, []);
  const how = await aead(me.receiving, sender, enc, me.receive, pae("nmr1/seal", site, kid), "decrypt");
  return new Uint8Array(await crypto.subtle.decrypt(...how, rest));
}
