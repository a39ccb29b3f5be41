"""The signed frame: JWS compact serialisation with Ed25519.

    frame     = B64U(header) "." B64U(body) "." B64U(signature)            RFC 7515, 8037, 9864
    header    = {"alg":"Ed25519","kid":"<22 characters>","typ":"nmr+1"}    compared byte for byte, never parsed
    signature = Ed25519 over the ASCII bytes B64U(header) "." B64U(body)

The signature covers the transmitted bytes, so nothing is ever serialised again to verify it.
"""

from binascii import Error as Base64Error
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import ValidationError, convert, to_builtins

from agent.domain.envelope import FRAME_BYTES, Envelope, body_limit
from agent.domain.heads import HEADS
from agent.domain.keys import from_b64u, to_b64u
from agent.domain.mail import MAILS
from agent.domain.messages import PARAMETERS, Parameters
from agent.domain.signals import SIGNALS
from agent.domain.tasks import TASKS
from agent.domain.texts import TEXTS
from agent.wire.keys import Identity
from agent.wire.strict_json import NotStrict, decode, encode


class FrameRefused(Exception):
    """A frame or its body is not acceptable; `code` is its counter's name."""

    def __init__(self, code: str, why: str = "") -> None:
        super().__init__(why or code)
        self.code = code


class UnknownType(FrameRefused):
    """An envelope of a type this version does not speak; who sent it may be told."""

    def __init__(self, envelope: Envelope) -> None:
        super().__init__("type", envelope.type)
        self.envelope = envelope


class TooLarge(ValueError):
    """A message of ours is larger than its type may be."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A frame taken apart, nothing verified yet."""

    kid: bytes
    signed: bytes
    body: bytes
    signature: bytes


@lru_cache(maxsize=2048)
def _header(kid: bytes) -> bytes:
    return to_b64u(b'{"alg":"Ed25519","kid":"%s","typ":"nmr+1"}' % to_b64u(kid).encode()).encode()


@lru_cache(maxsize=2048)
def _public_key(sign: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(sign)


_KID_FROM, _KID_TO = len('{"alg":"Ed25519","kid":"'), len('{"alg":"Ed25519","kid":"') + 22

_SCHEMAS = {**PARAMETERS, **SIGNALS, **TEXTS, **MAILS, **TASKS, **HEADS}


def sign_frame(envelope: Envelope, me: Identity) -> bytes:
    """Return the frame of an envelope; raises TooLarge."""
    body = encode(to_builtins(envelope))
    if len(body) > body_limit(envelope.type):
        raise TooLarge(f"{envelope.type} of {len(body)} bytes, {body_limit(envelope.type)} allowed")
    signed = _header(me.kid) + b"." + to_b64u(body).encode()
    frame = signed + b"." + to_b64u(me.signing.sign(signed)).encode()
    if len(frame) > FRAME_BYTES:
        raise TooLarge(f"frame of {len(frame)} bytes, {FRAME_BYTES} allowed")
    return frame


def take_apart(frame: bytes) -> Parts:
    """Check the grammar of a frame and split it; raises FrameRefused("size" | "frame" | "version")."""
    if len(frame) > FRAME_BYTES:
        raise FrameRefused("size")
    try:
        header, body, signature = frame.decode("ascii").split(".")
        kid = from_b64u(from_b64u(header)[_KID_FROM:_KID_TO].decode("ascii"))
        if _header(kid) != header.encode():
            raise FrameRefused("version" if b"nmr+" in from_b64u(header) else "frame")
        parts = Parts(kid, f"{header}.{body}".encode(), from_b64u(body), from_b64u(signature))
    except (ValueError, Base64Error) as error:
        raise FrameRefused("frame") from error
    return parts


def verify(parts: Parts, sign: bytes) -> None:
    """Check the signature with a raw Ed25519 public key; raises FrameRefused("signature")."""
    try:
        _public_key(sign).verify(parts.signature, parts.signed)
    except InvalidSignature as error:
        raise FrameRefused("signature") from error


def read_body(body: bytes) -> tuple[Envelope, Parameters]:
    """Return the envelope and its typed parameters; raises FrameRefused("json" | "schema" | "type" | "size")."""
    try:
        envelope = convert(decode(body), Envelope)
    except NotStrict as error:
        raise FrameRefused("json", str(error)) from error
    except ValidationError as error:
        raise FrameRefused("schema", str(error)) from error
    if len(body) > body_limit(envelope.type):
        raise FrameRefused("size")
    if envelope.audience is None:
        raise FrameRefused("schema", "no audience")
    schema = _SCHEMAS.get(envelope.type)
    if schema is None:
        raise UnknownType(envelope)
    try:
        return envelope, convert(envelope.p, schema)
    except ValidationError as error:
        raise FrameRefused("schema", str(error)) from error
