"""A job's outcome as a person reads it in a terminal."""

import math
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from service.cli.numbers import number
from service.cli.render_trials import trials_block

VERDICT_STYLES = {"healthy": "green", "at_risk": "yellow", "unhealthy": "red", "inconclusive": "cyan"}
SEVERITY_STYLES = {"critical": "red", "warning": "yellow", "note": "cyan"}
MOST_LAYERS_SHOWN = 40
BAR_WIDTH = 32
LEAST_DECADES = 3.0
"""Range of the bars, so that small differences look small."""


def render_job(job: dict[str, Any], console: Console) -> None:
    """Print a job that is final: its diagnosis, and why there is none or it is not finished."""
    if job["diagnosis"]:
        render_diagnosis(job["diagnosis"], console)
    if job["error"]:
        error = job["error"]
        again = " Sending it again may help." if error["retryable"] else ""
        console.print(
            Panel(Text(error["detail"] + again), title=f"failed: {error['code']}", border_style="red")
        )
    elif job["status"] != "succeeded":
        console.print(f"{job['id']} {job['status']}")


def render_diagnosis(diagnosis: dict[str, Any], console: Console) -> None:
    """Print a diagnosis: verdict, findings with their evidence, and the gradient's way through the layers."""
    style = VERDICT_STYLES[diagnosis["verdict"]]
    console.print(
        Panel(
            Group(Text(diagnosis["summary"]), *(Text(line, style="dim") for line in facts(diagnosis))),
            title=f"[bold]{diagnosis['verdict']}[/bold]",
            border_style=style,
        )
    )
    for finding in diagnosis["findings"]:
        console.print(finding_block(finding))
    profile = gradient_profile(diagnosis)
    if profile:
        console.print(profile)
    trials = trials_block(diagnosis)
    if trials:
        console.print(trials)
    for gap in diagnosis["not_checked"]:
        console.print(Text(f"not checked: {gap}", style="dim"))


def facts(diagnosis: dict[str, Any]) -> list[str]:
    """The outcome, and what was foretold, a line each."""
    lines = [outcome_line(diagnosis)]
    foretold = diagnosis["trainability"]
    if foretold and foretold["probability"] is not None:
        seen = f"its first {foretold['steps_seen']} steps" if foretold["steps_seen"] else "its initialisation"
        lines.append(f"foretold from {seen}: {foretold['probability']:.1%} likely not to learn")
    return lines


def outcome_line(diagnosis: dict[str, Any]) -> str:
    """Loss and metric before and after, and what the run cost, in one line."""
    outcome, runtime = diagnosis["outcome"], diagnosis["runtime"]
    parts = [f"loss {number(outcome['loss_first'])} → {number(outcome['loss_last'])}"]
    if outcome["metric"]:
        metric = outcome["metric"].replace("_", " ")
        parts.append(f"{metric} {number(outcome['value'])} (chance {number(outcome['chance'])})")
    parts.append(f"{runtime['steps']} steps in {runtime['seconds']:.1f} s on {runtime['device']}")
    return " · ".join(parts)


def finding_block(finding: dict[str, Any]) -> RenderableType:
    """One finding: a headline, the explanation, the evidence."""
    style = SEVERITY_STYLES[finding["severity"]]
    name = finding["condition"] + (f" (through {finding['axis']})" if finding["axis"] else "")
    headline = Text.assemble(
        ("● ", style),
        (name, f"bold {style}"),
        f"  {finding['severity']}, confidence {finding['confidence']:.2f}",
    )
    evidence = Table(box=None, padding=(0, 2), header_style="dim")
    for column in ("measured", "value", "threshold", "unit", "where"):
        evidence.add_column(column, justify="right" if column in {"value", "threshold"} else "left")
    for item in finding["evidence"]:
        where = [f"layer {item['layer']}"] if item["layer"] is not None else []
        where += [f"step {item['step']}"] if item["step"] is not None else []
        evidence.add_row(
            item["measure"], number(item["value"]), number(item["threshold"]), item["unit"], ", ".join(where)
        )
    body: list[RenderableType] = [Text(finding["explanation"]), evidence]
    if finding["consequences"]:
        body.append(Text("It causes: " + "; ".join(finding["consequences"])))
    return Group(headline, Padding(Group(*body), (0, 0, 1, 2)))


def gradient_profile(diagnosis: dict[str, Any]) -> RenderableType | None:
    """The size of the backpropagated gradient at each layer with parameters, as bars on a log scale."""
    rows = [
        (layer, math.log10(layer["backpropagated"]["norm"]))
        for layer in diagnosis["layers"]
        if layer["parameters"] and layer["backpropagated"] and layer["backpropagated"]["norm"]
    ]
    if len(rows) < 2:
        return None
    highest = max(size for _, size in rows)
    lowest = min(highest - LEAST_DECADES, *(size for _, size in rows))
    table = Table(
        title="gradient at each layer's output at the last probed step, log10 of its norm",
        title_justify="left",
        box=None,
        title_style="bold",
    )
    for column in ("layer", "op", "log10", "", "update/weight"):
        table.add_column(column, justify="right" if column in {"log10", "update/weight"} else "left")
    for layer, size in rows[:MOST_LAYERS_SHOWN]:
        filled = round(BAR_WIDTH * (size - lowest) / (highest - lowest))
        table.add_row(
            layer["name"], layer["op"], f"{size:.1f}", "█" * max(filled, 1), number(layer["update_ratio"])
        )
    if len(rows) > MOST_LAYERS_SHOWN:
        table.add_row("…", f"{len(rows) - MOST_LAYERS_SHOWN} more", "", "", "")
    return table
