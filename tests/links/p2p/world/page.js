// One station: it logs in, calls or is called, beats, and takes messages. ICE, DTLS and SCTP are the browser's own.
"use strict";

const LIFE_MS = 60000;
const BEAT_MS = 2000;

class Connection {
  constructor(station, peer, pc) {
    Object.assign(this, { station, peer, pc, n: 0, heard: 0, heardAt: 0, beatN: 0, proven: false, rtt: null });
    this.sent = new Map();
    this.rtc = new RTCPeerConnection({ iceServers: [] });
    this.channel = this.rtc.createDataChannel("nmr", { negotiated: true, id: 0 });
    this.channel.binaryType = "arraybuffer";
    this.channel.onopen = () => this.beat();
    this.channel.onmessage = ({ data }) => this.came(new Uint8Array(data));
    this.timer = setInterval(() => this.beat(), BEAT_MS);
  }

  described() {
    const lines = this.rtc.localDescription.sdp.split("\r\n").filter((line) => line);
    const [said] = lines.filter((line) => line.startsWith("a=fingerprint:"));
    return { sdp: lines, fp: this.station.falseFp ?? said.replace("a=fingerprint:sha-256 ", "") };
  }

  async call() {
    let said;
    const offered = new Promise((done) => (said = done));
    this.rtc.onicecandidate = async ({ candidate }) => {
      await offered; // the browser may find the first before it hands out the description
      if (candidate?.candidate) this.trickle(candidate.candidate);
    };
    await this.rtc.setLocalDescription(await this.rtc.createOffer());
    this.offer = { pc: this.pc, n: 0, ...this.described() };
    this.station.say(this.peer, "signal.offer", this.offer);
    said();
  }

  trickle(candidate) {
    this.station.say(this.peer, "signal.ice", { pc: this.pc, n: ++this.n, candidate });
  }

  async take(offer) {
    await this.rtc.setRemoteDescription({ type: "offer", sdp: offer.sdp.join("\r\n") + "\r\n" });
    await this.rtc.setLocalDescription(await this.rtc.createAnswer());
    await this.gathered();
    const offer_hash = toB64u(await sha256(pae("nmr1/offer", offer.pc, String(offer.n), offer.fp, ...offer.sdp)));
    this.station.say(this.peer, "signal.answer", { pc: this.pc, n: 0, ...this.described(), offer_hash });
  }

  async gathered() {
    while (this.rtc.iceGatheringState !== "complete")
      await new Promise((done) => this.rtc.addEventListener("icegatheringstatechange", done, { once: true }));
  }

  async join(answer) {
    await this.rtc.setRemoteDescription({ type: "answer", sdp: answer.sdp.join("\r\n") + "\r\n" });
  }

  beat() {
    if (this.channel.readyState !== "open" || this.station.mute) return;
    const form = new DataView(new ArrayBuffer(16));
    this.sent.set(++this.beatN, performance.now());
    [0x4e4d5250, this.beatN, this.heard, this.heard ? Math.round(performance.now() - this.heardAt) : 0].forEach(
      (word, at) => form.setUint32(4 * at, word),
    );
    this.channel.send(form.buffer);
  }

  came(raw) {
    const form = new DataView(raw.buffer);
    if (raw.length !== 16 || form.getUint32(0) !== 0x4e4d5250) {
      this.station.take(this.peer, raw);
      return;
    }
    const [, n, echo, held] = [0, 4, 8, 12].map((at) => form.getUint32(at));
    const first = this.heard === 0;
    if (n > this.heard) [this.heard, this.heardAt] = [n, performance.now()];
    if (this.sent.has(echo)) {
      this.proven = true;
      this.rtt = performance.now() - this.sent.get(echo) - held;
    }
    if (first) this.beat();
  }

  close() {
    clearInterval(this.timer);
    this.rtc.close();
  }
}

class Station {
  constructor() {
    Object.assign(this, { connections: new Map(), messages: [], echo: false, mute: false, falseFp: null, said: [] });
  }

  async begin({ site, station, keys, members, url }) {
    Object.assign(this, { site, station, members: {} });
    const [sign, receive] = keys.map(fromHex);
    for (const [name, pair] of Object.entries(members)) {
      const [verifies, receives] = pair.map(fromHex);
      const signer = await publicKey("Ed25519", verifies, ["verify"]);
      this.members[name] = { signer, receive: receives, kid: await kidOf(verifies) };
    }
    this.me = {
      kid: this.members[station].kid,
      receive: this.members[station].receive,
      signing: await privateKey("Ed25519", sign, ["sign"]),
      receiving: await privateKey("X25519", receive, ["deriveBits"]),
    };
    this.turn = Promise.resolve();
    this.socket = new WebSocket(url);
    const host = new URL(url).host;
    await new Promise((done, fail) => {
      this.socket.onerror = () => fail(new Error("no signaling server"));
      this.socket.onmessage = async ({ data }) => {
        const told = JSON.parse(data);
        if (told.challenge) {
          const login = await this.frame({ hub: true }, "signal.login", { challenge: told.challenge, host });
          this.socket.send(JSON.stringify({ login: toText(login) }));
        } else if (told.ok) done();
        else if (told.error) fail(new Error(told.error));
        else if (told.sealed) this.inTurn(() => this.heard(told.from, fromB64u(told.sealed)));
      };
    });
  }

  // One thing after the other, in the order in which it came or was said.
  inTurn(deed) {
    this.turn = this.turn.then(deed).catch((error) => this.said.push(String(error)));
    return this.turn;
  }

  async frame(to, type, p) {
    const at = now();
    const told = { v: 1, site: this.site, id: toHex(random(16)), from: this.station, to, type, at, exp: at + LIFE_MS };
    return signFrame({ ...told, re: null, want: 0, prio: 0, head: null, p }, this.me);
  }

  say(to, type, p) {
    const sealing = this.frame({ station: to }, type, p).then((frame) =>
      seal(frame, this.site, this.members[to].kid, this.members[to].receive),
    );
    this.speaking = Promise.all([this.speaking, sealing]).then(([, sealed]) =>
      this.socket.send(JSON.stringify({ to, sealed: toB64u(sealed) })),
    );
  }

  async heard(sender, sealed) {
    const envelope = await readFrame(await openSealed(sealed, this.site, this.me), this.members[sender].signer);
    if (envelope.from !== sender || envelope.to.station !== this.station) throw new Error("not for us");
    const { type, p } = envelope;
    this.said.push(`${sender} ${type}`);
    const mine = this.connections.get(sender);
    if (type === "signal.offer") await this.offered(sender, p, mine);
    else if (mine?.pc !== p.pc) return;
    else if (type === "signal.answer") await mine.join(p);
    else if (type === "signal.ice") await mine.rtc.addIceCandidate({ candidate: p.candidate, sdpMLineIndex: 0 });
    else if (type === "signal.bye") this.drop(sender);
  }

  async offered(sender, offer, mine) {
    if (mine?.pc === offer.pc) return; // said again
    if (mine && mine.offer && !mine.proven && this.station > sender) {
      this.say(sender, "signal.offer", mine.offer); // glare: the higher name goes on
      return;
    }
    const [fp] = offer.sdp.filter((line) => line.startsWith("a=fingerprint:sha-256 "));
    if (fp !== `a=fingerprint:sha-256 ${offer.fp}`) throw new Error("fingerprint");
    this.drop(sender);
    await this.made(sender, offer.pc).take(offer);
  }

  made(peer, pc) {
    const made = new Connection(this, peer, pc);
    this.connections.set(peer, made);
    return made;
  }

  drop(peer) {
    this.connections.get(peer)?.close();
    this.connections.delete(peer);
  }

  call(peer) {
    return this.inTurn(() => this.made(peer, toHex(random(16))).call());
  }

  take(peer, raw) {
    this.messages.push(raw);
    if (this.echo) this.connections.get(peer).channel.send(raw);
  }

  // What the test asks.

  isOpen(peer) {
    return this.connections.get(peer)?.proven ?? false;
  }

  rtt(peer) {
    return this.connections.get(peer)?.rtt ?? null;
  }

  send(peer, count, size) {
    const { channel } = this.connections.get(peer);
    for (let number = 0; number < count; number++) {
      const raw = new Uint8Array(size);
      raw.set(bigEndian(number, 8));
      raw.set(bigEndian(0, 8), 8);
      channel.send(raw);
    }
  }

  numbers() {
    const said = this.messages.map((raw) => [Number(new DataView(raw.buffer).getBigUint64(0)), raw.length]);
    this.messages = [];
    return said;
  }
}

const station = new Station();
