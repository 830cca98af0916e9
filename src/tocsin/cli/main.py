"""The command `tocsin`: the verbs, and the one door at which errors become words and exit codes."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click
from typing_extensions import override

import tocsin
from tocsin.cli import (
    access,
    admin,
    agreements,
    alerts,
    backup,
    calendar_import,
    calendars,
    examples,
    heartbeats,
    incident_parts,
    incidents,
    integrations,
    notify,
    page_verbs,
    pages,
    paging,
    people,
    resources,
    routes,
)
from tocsin.cli.client import Runtime
from tocsin.kernel.errors import Refused


class _Top(click.Group):
    """The group of all commands."""

    @override
    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; refusals end with their exit code, bugs with 1 and without a traceback."""
        try:
            return super().invoke(ctx)
        except click.BadParameter as error:
            raise _meant(error) from None
        except click.exceptions.ClickException:
            raise
        except (click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click's own ways to end
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            _end(ctx, error)


def _meant(error: click.BadParameter) -> click.BadParameter:
    """Add which choice was probably meant; click says so for commands and options."""
    kind = error.param.type if error.param else None
    if isinstance(error, click.MissingParameter) or not isinstance(kind, click.Choice):
        return error
    from difflib import get_close_matches

    given = error.message.removeprefix("'").partition("'")[0]
    near = get_close_matches(given, [str(one) for one in kind.choices], n=1)
    words = f"{error.message} Did you mean {near[0]!r}?" if near else error.message
    return click.BadParameter(words, error.ctx, error.param, error.param_hint)


def _end(ctx: click.Context, error: Exception) -> NoReturn:
    refused = _refusal(error)
    if refused is not None:
        click.echo(f"Error: {refused.detail}", err=True)
        ctx.exit(refused.exit_code)
    words = str(error) or "no words"
    click.echo(f"Error: {type(error).__name__}: {words}", err=True)
    click.echo("Tocsin did not expect this; `tocsin --debug …` shows where it was.", err=True)
    ctx.exit(1)


def _refusal(error: BaseException) -> Refused | None:
    """Return the first refusal in what was raised, also from inside a task group."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_refusal, error.exceptions)), None)
    return None


class _Late(click.Command):
    """A command whose module is imported when it is used."""

    def __init__(self, name: str, module: str, short_help: str) -> None:
        super().__init__(name, short_help=short_help)
        self._module = module

    def _real(self) -> click.Command:
        found: click.Command = getattr(import_module(self._module), str(self.name))
        found.epilog = self.epilog
        return found

    @override
    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        return self._real().make_context(info_name, args, parent, **extra)

    @override
    def get_help(self, ctx: click.Context) -> str:
        return self._real().get_help(ctx)


@click.group(cls=_Top, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(tocsin.__version__, prog_name="tocsin")
@click.option("--debug", is_flag=True, help="Show a traceback when Tocsin itself fails.")
def cli(*, debug: bool) -> None:
    """Tocsin: detect, page, respond, prove. No page is lost.

    With TOCSIN_TOKEN set, or after `tocsin login`, commands talk to the Tocsin at that URL;
    without they open the database that the settings name, and act as `local:<os-user>`.
    """


_COMMANDS: Sequence[click.Command] = (
    admin.serve, admin.demo, admin.doctor, admin.migrate, backup.backup, backup.restore,
    backup.support_bundle,
    paging.log_level,
    access.login, access.logout, access.whoami, people.person, access.token, access.link,
    integrations.integration, integrations.change, heartbeats.heartbeat,
    resources.plan, resources.apply, resources.diff, resources.export, resources.history,
    resources.rollback, resources.schema,
    incidents.incident, incident_parts.search, alerts.alert, routes.route, routes.policy,
    routes.service, pages.oncall,
    pages.page, paging.paging, notify.notify,
    admin.reactions, admin.api, admin.version, admin.completion,
    _Late("run", "tocsin.cli.run", "Run a command, and tell a heartbeat how it went."),
    _Late("sentinel", "tocsin.cli.sentinel", "Watch a Tocsin and page when it is gone."),
)  # fmt: skip
for _command in _COMMANDS:
    cli.add_command(_command)
for _name, _help in (
    ("show", "Show who has a schedule when."),
    ("gaps", "Say when nobody is on call."),
    ("me", "Say until when you are on call, and when it is your turn again."),
):
    pages.oncall.add_command(_Late(_name, "tocsin.cli.oncall", _help))
pages.oncall.add_command(
    _Late("preview", "tocsin.cli.preview", "Resolve schedules from files, without a database.")
)
for _command in (*agreements.COMMANDS, *calendars.COMMANDS, calendar_import.import_):
    pages.oncall.add_command(_command)
for _name, _help in (
    ("check", "Prove that every alert reaches somebody who can be woken, or say when not."),
    ("simulate", "Say whom a policy would call when if nobody answered."),
):
    routes.policy.add_command(_Late(_name, "tocsin.cli.assurance", _help))
for _verb in page_verbs.VERBS:
    pages.page.add_command(_verb)
incidents.incident.add_command(
    _Late("watch", "tocsin.cli.incident_watch", "Watch incidents, or one, until interrupted.")
)
examples.show(cli)


def run(runtime: Runtime) -> NoReturn:
    """Do what the command line of this process says, and end it."""
    cli.main(prog_name="tocsin", obj=runtime)
    raise AssertionError("click ends the process")
