"""The trials of remedies as a person reads them in a terminal."""

import json
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from service.cli.numbers import number

COLUMNS = {
    "remedy": "left", "cured": "left", "metric": "right", "± 95 %": "right", "gradient": "right",
    "learning rate": "right", "time/step": "right",
}  # fmt: skip


def trials_block(diagnosis: dict[str, Any]) -> RenderableType | None:
    """What was tried and what came of it, and the prescription; None if nothing was to be tried."""
    trials = diagnosis["trials"]
    if not trials and diagnosis["remedies_summary"] is None:
        return None
    parts: list[RenderableType] = [_table(trials)] if trials else []
    parts += [_refusal(trial) for trial in trials if trial["reason"]]
    parts.append(_prescription(diagnosis))
    return Group(*parts)


def _table(trials: list[dict[str, Any]]) -> Table:
    table = Table(title="remedies tried", title_justify="left", box=None, title_style="bold")
    for name, justify in COLUMNS.items():
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for trial in trials:
        measured = trial["after"] or (trial["before"] if trial["remedy"] == "control" else None)
        if measured is not None:
            table.add_row(*_cells(trial, measured))
    return table


def _cells(trial: dict[str, Any], measured: dict[str, Any]) -> list[str]:
    metric, gradient = measured["metric"], measured["attenuation"]["mean"]
    spread = None if metric["low"] is None else (metric["high"] - metric["low"]) / 2
    seconds = measured["cost"]["seconds_per_step"]
    return [
        title(trial),
        _cured(trial),
        number(metric["mean"]),
        number(spread),
        "–" if gradient is None else f"10^{gradient:.1f}",
        number(measured["learning_rate"]),
        "–" if seconds is None else f"{1000 * seconds:.3g} ms",
    ]


def title(trial: dict[str, Any]) -> str:
    """The remedy with its variant and what it is combined with."""
    name = f"{trial['remedy']} ({trial['variant']})" if trial["variant"] else trial["remedy"]
    return " + ".join([name, *trial["also"]])


def _cured(trial: dict[str, Any]) -> str:
    if trial["remedy"] == "control":
        return ""
    words = ["learns" if trial["learned"] else "does not learn"]
    if trial["resolved"] is not None:
        words.insert(0, "gone" if trial["resolved"] else "still ill")
    return ", ".join(words)


def _refusal(trial: dict[str, Any]) -> Text:
    return Text(f"{title(trial)}: {trial['status'].replace('_', ' ')}: {trial['reason']}", style="dim")


def _prescription(diagnosis: dict[str, Any]) -> RenderableType:
    prescription = diagnosis["prescription"]
    if prescription is None:
        return Panel(
            Text(diagnosis["remedies_summary"] or ""),
            title=_no_prescription(diagnosis),
            border_style="yellow",
        )
    lines = [Text(prescription["why"])]
    if prescription["runners_up"]:
        lines.append(Text("Also worked: " + ", ".join(prescription["runners_up"])))
    lines += [
        Text(f"{file} is not there: {reason}") for file, reason in prescription["files_missing"].items()
    ]
    change = prescription["change"]
    lines.append(Text(change["description"], style="dim"))
    body = Group(*lines)
    return Panel(body, title=f"[bold]prescription: {_prescribed(prescription)}[/bold]", border_style="green")


def _no_prescription(diagnosis: dict[str, Any]) -> str:
    outcome = diagnosis["remedies_outcome"]
    return f"no prescription: {outcome.replace('_', ' ')}" if outcome else "no prescription"


def _prescribed(prescription: dict[str, Any]) -> str:
    return str(prescription["title"]) or " + ".join(prescription["remedies"])


def next_request(diagnosis: dict[str, Any]) -> str | None:
    """The prescribed way of training as a job request, JSON; None without a prescription."""
    if diagnosis["prescription"] is None:
        return None
    change = diagnosis["prescription"]["change"]
    return json.dumps({name: change[name] for name in ("model", "data", "training")}, indent=2)
