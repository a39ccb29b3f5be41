"""MAIL ADDRESSES: at which mailbox a station can be reached, and how it tells the hub."""

import re
from typing import Annotated

from msgspec import Meta, Struct

from agent.domain.messages import Parameters

LONGEST_ADDRESS = 254
"""RFC 5321: what fits between the angle brackets of one command, characters."""

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_WORD = "[A-Za-z0-9_+'=~&-]+"
ADDRESS_PATTERN = (
    rf"\A(?=.{{3,{LONGEST_ADDRESS}}}\Z)(?=[A-Za-z0-9_][^@]{{0,63}}@){_WORD}(\.{_WORD})*@{_LABEL}(\.{_LABEL})*\Z"
)
"""`local@host` in ASCII, without quotes, comments or blanks: nothing that begins another header, command or option.

The old ways to route through somebody else's server (`%` and `!` before the @) are no addresses either.
"""

_address = re.compile(ADDRESS_PATTERN)
Address = Annotated[str, Meta(pattern=ADDRESS_PATTERN)]
AddressOrNone = Annotated[str, Meta(pattern=rf"\A\Z|{ADDRESS_PATTERN}")]


def is_address(text: str) -> bool:
    """Whether `text` may be a mail address of ours."""
    return _address.fullmatch(text) is not None


class Mailbox(Struct, frozen=True, forbid_unknown_fields=True):
    """Where somebody takes mail: `mail` is the address, "" for nowhere.

    With `plus` its server delivers `local+anything@host` to the same mailbox.
    """

    mail: AddressOrNone = ""
    plus: bool = True


NOWHERE = Mailbox()


class MailAddress(Parameters, frozen=True, kw_only=True):
    """Station to hub: from now on this is my mailbox (see Mailbox)."""

    mail: AddressOrNone
    plus: bool = True


MAILS: dict[str, type[Parameters]] = {"mail.address": MailAddress}
"""Every type of message about mail."""
