"""What every command of `voucher` is made with: the group, where its data is, plain refusals."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from voucher_service import serving
from voucher_service.i18n import DEFAULT
from voucher_service.infra import core as core_module
from voucher_service.infra.core import Core
from voucher_service.kernel.actor import Actor
from voucher_service.kernel.errors import DomainError
from voucher_service.settings import Settings, SettingsError

DAY = click.DateTime(formats=["%Y-%m-%d"])
F = TypeVar("F", bound=Callable[..., Any])
DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".voucher"),
    show_default=True,
    help="Directory of the data; attached to when it is being served,"
    " else started for the command.",
)


def _locale(_context: click.Context, _option: click.Parameter, language: str) -> str:
    return DEFAULT if language == "zh" else language


LANG = click.option(
    "--lang",
    "locale",
    type=click.Choice(["zh", "en"]),
    default="en",
    show_default=True,
    callback=_locale,
)


def plainly(command: F) -> F:
    """Tell a person what is wrong in a sentence, not in a stack of calls; in the language of LANG,
    or in English.
    """

    @wraps(command)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (SettingsError, serving.ServingError) as error:
            raise click.ClickException(str(error)) from error
        except DomainError as error:
            from voucher_service.i18n import faults, gettext, sentence

            locale = kwargs.get("locale", "en")
            said = [f"{sentence(error, locale)} [{error.code}]"]
            said += [f"{where}: {what}" for where, what in faults(error, locale)]
            errors = error.extra.get("errors", {})
            said += [f"{name}: {gettext(str(text), locale)}" for name, text in errors.items()]
            raise click.ClickException("\n".join(said)) from error

    return cast(F, told)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A city's consumption vouchers, from budget to leverage ratio."""


@contextlib.contextmanager
def servers(data: Path) -> Iterator[serving.Addresses]:
    """The servers of a data directory, with a database that this version works on.

    Servers that are started here are brought to the newest schema; others are as they are found.
    """
    with serving.servers(data) as addresses:
        serving.expect_fitting(addresses)
        yield addresses


@contextlib.contextmanager
def attached(data: Path) -> Iterator[tuple[Core, Settings]]:
    """A core on the servers of a data directory; they are started where nobody serves it."""
    with servers(data) as addresses:
        settings = serving.settings_for(addresses, data)
        core = core_module.build(settings)
        try:
            yield core, settings
        finally:
            core.close()


def member(core: Core, username: str) -> Actor:
    """The member of staff of a name, with their roles; refuses where nobody at work has it."""
    from voucher_service.identity import service as identity

    with core.transaction() as session:
        staff = identity.staff_called(session, username=username)
    actor = identity.staff_actor(core, staff) if staff else None
    if actor is None:
        raise click.ClickException(
            f"nobody at work is called {username}: sign-in names stand at /staff"
        )
    return actor
