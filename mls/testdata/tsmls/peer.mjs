// Members of MLS groups by the package ts-mls, for live_test.go: a JSON object a line on the standard input asks, one on the standard
// output answers. "who" names the member; bytes are hex.
import * as M from "ts-mls"
import readline from "node:readline"
import { webcrypto } from "node:crypto"
import { shake256 } from "@noble/hashes/sha3.js"
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js"
import { x25519 } from "@noble/curves/ed25519.js"

globalThis.crypto ??= webcrypto // node 18 has it by this name only

const text = (s) => new TextEncoder().encode(s)
const hex = (b) => Buffer.from(b).toString("hex")
const unhex = (s) => new Uint8Array(Buffer.from(s, "hex"))
const join = (...parts) => Uint8Array.from(parts.flatMap((p) => [...p]))
const u16 = (n) => Uint8Array.of(n >> 8, n & 255)

// The post-quantum suite, which ts-mls doesn't name. @hpke/hybridkem-x-wing derives key pairs otherwise than draft-ietf-hpke-pq: that is mended.
async function postQuantum(id) {
  const impl = await M.getCiphersuiteImpl({
    hash: "SHA-384", hpke: { kem: "X-Wing", aead: "AES256GCM", kdf: "HKDF-SHA384" }, signature: "Ed25519", name: String(id),
  })
  const suite = join(text("KEM"), u16(0x647a))
  const label = text("DeriveKeyPair")
  impl.hpke.deriveKeyPair = async (ikm) => {
    const seed = shake256(join(ikm, text("HPKE-v1"), suite, u16(label.length), label, u16(32)), { dkLen: 32 })
    const e = shake256(seed, { dkLen: 96 })
    const publicKey = join(ml_kem768.keygen(e.slice(0, 64)).publicKey, x25519.getPublicKey(e.slice(64)))
    return { privateKey: await impl.hpke.importPrivateKey(seed), publicKey: await impl.hpke.importPublicKey(publicKey) }
  }
  return impl
}

async function suiteFor(id) {
  const name = Object.keys(M.ciphersuites).find((k) => M.ciphersuites[k] === id)
  return name ? M.getCiphersuiteImpl(M.getCiphersuiteFromName(name)) : postQuantum(id)
}

// The extension external_pub holds a vector (RFC 9420 §12.4.3.2); ts-mls writes and reads the bare key. These stand between.
function vector(b) {
  if (b.length < 64) return join(Uint8Array.of(b.length), b)
  return join(u16(0x4000 | b.length), b)
}
const unvector = (b) => (b[0] < 0x40 ? b.slice(1) : b.slice(2))
const writing = (impl) => ({ ...impl, hpke: { ...impl.hpke, exportPublicKey: async (k) => vector(await impl.hpke.exportPublicKey(k)) } })

// reading unwraps the one key that a GroupInfo brings; the tree's keys stay as they are.
function reading(impl, external) {
  const wrapped = hex(external)
  return { ...impl, hpke: { ...impl.hpke, importPublicKey: (b) => impl.hpke.importPublicKey(hex(b) === wrapped ? unvector(b) : b) } }
}

const wire = (wireformat, field, value) => hex(M.encodeMlsMessage({ version: "mls10", wireformat, [field]: value }))
const message = (s) => M.decodeMlsMessage(unhex(s), 0)[0]

function proposals(c) {
  const list = []
  for (const k of c.adds ?? []) list.push({ proposalType: "add", add: { keyPackage: message(k).keyPackage } })
  for (const r of c.removes ?? []) list.push({ proposalType: "remove", remove: { removed: r } })
  for (const p of c.psks ?? [])
    list.push({ proposalType: "psk", psk: { preSharedKeyId: { psktype: "external", pskId: unhex(p.id), pskNonce: unhex(p.nonce) } } })
  return list
}

const members = new Map()

class Member {
  async init(c) {
    this.impl = await suiteFor(c.suite)
    this.id = c.who
    this.psks = {}
    const now = BigInt(c.now)
    this.lifetime = { notBefore: now - 3600n, notAfter: now + 864000n }
    return this.keyPackage()
  }

  // keyPackage makes one for the member's signature key.
  async keyPackage() {
    const credential = { credentialType: "basic", identity: text(this.id) }
    const capabilities = { ...M.defaultCapabilities(), ciphersuites: [this.impl.name] }
    this.kp = this.key
      ? await M.generateKeyPackageWithKey(credential, capabilities, this.lifetime, [], this.key, this.impl)
      : await M.generateKeyPackage(credential, capabilities, this.lifetime, [], this.impl)
    this.key ??= { signKey: this.kp.privatePackage.signaturePrivateKey, publicKey: this.kp.publicPackage.leafNode.signaturePublicKey }
    return { message: wire("mls_key_package", "keyPackage", this.kp.publicPackage) }
  }

  psk(c) {
    this.psks[M.bytesToBase64(unhex(c.id))] = unhex(c.value)
    return {}
  }

  index() {
    return M.makePskIndex(this.state, this.psks)
  }

  async create(c) {
    this.state = await M.createGroup(unhex(c.group), this.kp.publicPackage, this.kp.privatePackage, [], this.impl)
    return this.where()
  }

  async join(c) {
    const tree = c.tree ? decodeTree(unhex(c.tree), 0)[0] : undefined
    this.state = undefined
    this.state = await M.joinGroup(message(c.message).welcome, this.kp.publicPackage, this.kp.privatePackage, this.index(), this.impl, tree)
    return this.where()
  }

  async commit(c) {
    const x = await M.createCommit({ state: this.state, cipherSuite: this.impl, pskIndex: this.index() },
      { extraProposals: proposals(c), ratchetTreeExtension: true, wireAsPublicMessage: !!c.public })
    this.before = this.state
    this.state = x.newState
    const welcome = x.welcome && wire("mls_welcome", "welcome", x.welcome)
    return { ...this.where(), message: hex(M.encodeMlsMessage(x.commit)), welcome }
  }

  // drop forgets the last commit: another one came first.
  drop() {
    this.state = this.before
    return this.where()
  }

  async propose(c) {
    const x = await M.createProposal(this.state, !!c.public, proposals(c)[0], this.impl)
    this.state = x.newState
    return { ...this.where(), message: hex(M.encodeMlsMessage(x.message)) }
  }

  async send(c) {
    const x = await M.createApplicationMessage(this.state, unhex(c.data), this.impl)
    this.state = x.newState
    return { message: wire("mls_private_message", "privateMessage", x.privateMessage) }
  }

  async receive(c) {
    const m = message(c.message)
    const r = m.wireformat === "mls_public_message"
      ? await M.processPublicMessage(this.state, m.publicMessage, this.index(), this.impl)
      : await M.processPrivateMessage(this.state, m.privateMessage, this.index(), this.impl)
    this.state = r.newState
    return { ...this.where(), data: r.message && hex(r.message) }
  }

  async info() {
    const info = await M.createGroupInfoWithExternalPubAndRatchetTree(this.state, [], writing(this.impl))
    return { message: wire("mls_group_info", "groupInfo", info) }
  }

  async external(c) {
    await this.keyPackage()
    const { groupInfo } = message(c.message)
    const impl = reading(this.impl, groupInfo.extensions.find((x) => x.extensionType === "external_pub").extensionData)
    const x = await M.joinGroupExternal(groupInfo, this.kp.publicPackage, this.kp.privatePackage, !!c.resync, impl)
    this.state = x.newState
    return { ...this.where(), message: wire("mls_public_message", "publicMessage", x.publicMessage) }
  }

  async exporter(c) {
    const secret = await M.mlsExporter(this.state.keySchedule.exporterSecret, c.label, unhex(c.data), c.length, this.impl)
    return { data: hex(secret) }
  }

  where() {
    const s = this.state
    return {
      authenticator: hex(s.keySchedule.epochAuthenticator), epoch: Number(s.groupContext.epoch), treeHash: hex(s.groupContext.treeHash),
      own: s.privatePath.leafIndex, removed: s.groupActiveState.kind === "removedFromGroup",
    }
  }
}

const { decodeRatchetTree: decodeTree } = await import("ts-mls/ratchetTree.js")
const operations = ["init", "keyPackage", "psk", "create", "join", "commit", "drop", "propose", "send", "receive", "info", "external", "exporter", "where"]
for await (const line of readline.createInterface({ input: process.stdin })) {
  let answer
  try {
    const c = JSON.parse(line)
    if (!operations.includes(c.op)) throw new Error(`no operation ${c.op}`)
    if (!members.has(c.who)) members.set(c.who, new Member())
    answer = await members.get(c.who)[c.op](c)
  } catch (e) {
    answer = { error: String((e && e.stack) || e) }
  }
  console.log(JSON.stringify(answer))
}
