# SPDX-License-Identifier: BSD-2-Clause
"""What apt's complaints mean: its messages turned into our errors, each with a remedy."""

from __future__ import annotations

from dataclasses import dataclass

from rumprun.command import CommandFailed
from rumprun.errors import InputError, MissingError, RumprunError, SystemFault


class NotOnMirror(MissingError):
    """The index lists a file that the mirror does not have (404)."""


@dataclass(frozen=True, kw_only=True)
class _Complaint:
    phrases: tuple[str, ...]
    error: type[RumprunError]
    summary: str
    hint: str


# In this order: apt ends nearly every failure with "Failed to fetch" as well. The phrases are
# those of apt-pkg and its methods in the C locale.
_COMPLAINTS = (
    _Complaint(
        phrases=("No space left on device", "have enough free space", "Disk quota exceeded"),
        error=SystemFault,
        summary="no space left on the disk",
        hint="free some, or point XDG_CACHE_HOME at a larger disk",
    ),
    _Complaint(
        phrases=("Hash Sum mismatch", "has unexpected size", "Mirror sync in progress"),
        error=InputError,
        summary="a downloaded file is not what the archive signed: wrong size or hash",
        hint="try again later or with another mirror; a proxy may be altering downloads",
    ),
    _Complaint(
        phrases=(
            "NO_PUBKEY",
            "is not signed",
            "signatures were invalid",
            "signatures couldn't be verified",
            "EXPKEYSIG",
            "no longer signed",
        ),
        error=InputError,
        summary="the archive's signature does not verify",
        hint="install the archive's current keyring package",
    ),
    _Complaint(
        phrases=("404  Not Found", "File not found - "),
        error=NotOnMirror,
        summary="the mirror does not have what its index lists",
        hint="run again when the mirror is in step, or choose another version with NAME/SUITE",
    ),
    _Complaint(
        phrases=("Could not get lock",),
        error=SystemFault,
        summary="another apt holds the lock",
        hint="wait for it to end",
    ),
    _Complaint(
        phrases=("Permission denied", "Read-only file system"),
        error=SystemFault,
        summary="apt may not write where it has to",
        hint="point XDG_CACHE_HOME at a place that you may write to",
    ),
    _Complaint(
        phrases=(
            "Could not resolve",
            "Temporary failure",
            "Could not connect",
            "Unable to connect",
            "Cannot initiate the connection",
            "Connection timed out",
            "Connection failed",
            "Network is unreachable",
            "Failed to fetch",
            "Some index files failed to download",
        ),
        error=MissingError,
        summary="the mirror cannot be reached",
        hint="check the network, http_proxy and apt's Acquire::http::Proxy",
    ),
)


def explain(failure: CommandFailed, *, doing: str) -> RumprunError:
    """The error that ``failure`` of an apt command stands for; ``doing`` names the attempt.

    Returns ``failure`` itself where apt said nothing that is known here.
    """
    lines = f"{failure.completed.stderr}\n{failure.completed.stdout}".splitlines()
    # Every download of root's into a private directory says that, and it names a permission.
    said = "\n".join(line for line in lines if "performed unsandboxed as root" not in line)
    for complaint in _COMPLAINTS:
        if any(phrase in said for phrase in complaint.phrases):
            evidence = _evidence(said, complaint.phrases)
            return complaint.error(
                f"{doing}: {complaint.summary} ({evidence})", hint=complaint.hint
            )
    return failure


def _evidence(said: str, phrases: tuple[str, ...]) -> str:
    """The line of apt's that tells most: an error line with the phrase, else any with it."""
    lines = [" ".join(line.split()) for line in said.splitlines()]
    wanted = [" ".join(phrase.split()) for phrase in phrases]
    hits = [line for line in lines if any(phrase in line for phrase in wanted)]
    best = next((line for line in hits if line.startswith("E: ")), hits[0])
    return best.removeprefix("E: ").removeprefix("W: ")
