"""A stand-in for pylibsrtp: aiortc can be imported and opens data channels, and no media is sealed or opened."""

from typing import NoReturn

__version__ = "1.0.0+nomedia"


class Error(Exception):
    """What pylibsrtp raises when libsrtp fails; aiortc catches it."""


class NoMedia(RuntimeError):
    """Somebody wanted sound or pictures of a build that only has data channels."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"pylibsrtp.{what}: this build opens data channels only; install pylibsrtp in place of its stand-in"
        )


class Policy:
    """How media would be sealed; aiortc makes some for every connection, with media or without."""

    SRTP_PROFILE_AES128_CM_SHA1_80 = 1
    SRTP_PROFILE_AES128_CM_SHA1_32 = 2
    SRTP_PROFILE_AEAD_AES_128_GCM = 7
    SRTP_PROFILE_AEAD_AES_256_GCM = 8
    SSRC_UNDEFINED, SSRC_SPECIFIC, SSRC_ANY_INBOUND, SSRC_ANY_OUTBOUND = range(4)

    def __init__(
        self,
        key: bytes | None = None,
        ssrc_type: int = SSRC_UNDEFINED,
        ssrc_value: int = 0,
        srtp_profile: int = SRTP_PROFILE_AES128_CM_SHA1_80,
    ) -> None:
        self.key, self.ssrc_type, self.ssrc_value, self.srtp_profile = key, ssrc_type, ssrc_value, srtp_profile
        self.allow_repeat_tx, self.window_size = False, 0


class Session:
    """One direction of media; there are none."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy

    def protect(self, _packet: bytes) -> NoReturn:
        """Seal sound or pictures; raises NoMedia."""
        raise NoMedia("Session.protect")

    protect_rtcp = protect

    def unprotect(self, _packet: bytes) -> NoReturn:
        """Open them; raises Error, for what comes in is a stranger's and must end nothing."""
        raise Error("media on a connection that has none")

    unprotect_rtcp = unprotect
