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
    # What belongs to each value besides, such as the same without us: `{"nginx": values}`.
    beside: dict = dataclasses.field(default_factory=dict)

    @classmethod
    def merged(cls, runs):
        """One line of the lines of all runs."""

        def joined(lists):
            return [value for values in lists for value in values]

        beside = {name: joined(row.beside[name] for row in runs) for name in runs[0].beside}
        return dataclasses.replace(runs[0], values=joined(row.values for row in runs), beside=beside)

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def more_is_better(self):
        return self.unit.endswith("/s") or self.unit == SHARE_OF_A_RATE

    def advantage_over(self, other):
        """How many times better this line is than another, as text."""
        if self.median <= 0 or other.median <= 0:
            # What is added can be lost in the noise of what it is added to.
            return ""
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

    def beside_text(self, name):
        """The median of what stands beside, in the same unit."""
        return number(statistics.median(self.beside[name])) if name in self.beside else ""

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
