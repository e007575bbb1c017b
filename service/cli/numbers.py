"""Numbers in a terminal."""


def number(value: float | None) -> str:
    """As short as it stays useful; – for none."""
    return "–" if value is None else f"{value:.3g}"
