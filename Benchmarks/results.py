"""A line of the table of results."""

import dataclasses
import statistics

# The unit of a rate that is compared with another of the same run.
SHARE_OF_A_RATE = "% of that rate"


@dataclasses.dataclass
class Row:
    """One line of the table: what was measured, its goal (None where there is none), and the value of every run."""

    load: str
    goal: float | None
    unit: str
    values: list
    # The line of our own that a peer's line is to be compared with.
    compares_with: str | None = None

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def more_is_better(self):
        return self.unit.endswith("/s") or self.unit == SHARE_OF_A_RATE

    def advantage_over(self, other):
        """How many times better this line is than another, as text."""
        ratio = self.median / other.median if self.more_is_better else other.median / self.median
        return f"{number(ratio)} times"

    @property
    def is_reached(self):
        if self.goal is None:
            return None
        return self.median >= self.goal if self.more_is_better else self.median <= self.goal

    @property
    def text(self):
        low, high = min(self.values), max(self.values)
        spread = f" ({number(low)} to {number(high)})" if len(self.values) > 1 else ""
        return f"**{number(self.median)}** {self.unit}{spread}"

    @property
    def goal_text(self):
        if self.goal is None:
            return ""
        return f"{'>=' if self.more_is_better else '<='} {number(self.goal)} {self.unit}"


def number(value):
    """Three significant digits; thousands with a comma."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
