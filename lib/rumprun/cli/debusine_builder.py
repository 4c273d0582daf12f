# SPDX-License-Identifier: BSD-2-Clause
"""The debusine builder that a command line describes."""

from __future__ import annotations

import argparse
import os

from rumprun.archive.builder import Builder
from rumprun.archive.chroot import Chroot
from rumprun.archive.clean_builder import CleanOptions
from rumprun.archive.debusine.api import Api
from rumprun.archive.debusine.builder import DebusineBuilder
from rumprun.archive.debusine.client import Client
from rumprun.archive.debusine.configuration import read_server
from rumprun.archive.debusine.results import Results
from rumprun.archive.debusine.state import State
from rumprun.archive.debusine.submit import BuildOptions, Submitter
from rumprun.archive.debusine.supplies import Published, Supplies
from rumprun.errors import UsageError
from rumprun.source.apt_root import base_suite

# Below the repository: it is what the server has of the builds for that.
_STATE = "debusine"


def builder(arguments: argparse.Namespace, architecture: str, clean: CleanOptions) -> Builder:
    """The builder that the command line describes.

    Raises what :func:`read_server` raises, and :class:`UsageError`.
    """
    if arguments.at_once < 1 or arguments.stuck_after <= 0:
        raise UsageError("--at-once and --stuck-after have to be more than nothing")
    published = None
    if arguments.debusine_repo_url is not None:
        if arguments.key is None:
            raise UsageError(
                "workers take packages from a signed repository only", hint="give --key"
            )
        published = Published(url=arguments.debusine_repo_url, key=arguments.key)
    server = read_server(
        arguments.debusine_config,
        name=arguments.debusine_server,
        workspace=arguments.debusine_workspace,
    )
    api = Api(Client(server))
    state = State(arguments.repo.absolute() / _STATE, server)
    suite = arguments.suite or base_suite()
    # Only root can make one without subordinate ids; to builds it is the same.
    mode = "root" if os.geteuid() == 0 else "unshare"
    chroot = Chroot(suite=suite, architecture=architecture, mode=mode)
    supplies = Supplies(api, state, chroot, arguments.debusine_environment)
    options = BuildOptions(
        clean=clean,
        architecture=architecture,
        environment=arguments.debusine_environment or suite,
        published=published,
    )
    return DebusineBuilder(
        api,
        state,
        Submitter(api, state, supplies, options),
        Results(api, state, clean),
        stuck_after=arguments.stuck_after * 60,
    )
