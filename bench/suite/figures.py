"""Numbers from samples: medians, spread, and ratios with the interval in which they are known."""

import random
import statistics

RESAMPLES = 1000


def spread(samples):
    """Half the distance between the quartiles, as a share of the median: what a repetition typically strays by."""
    middle = statistics.median(samples)
    if len(samples) < 2 or middle == 0:
        return 0.0
    low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
    return (high - low) / 2 / middle


def ratio(above, below):
    """The ratio of two medians, or None where the one below is nothing."""
    divisor = statistics.median(below)
    return statistics.median(above) / divisor if divisor else None


def ratio_interval(above, below, seed=1):
    """Where 95% of the ratios of resampled medians lie (percentile bootstrap, Efron and Tibshirani 1993)."""
    draw = random.Random(seed)
    found = []
    for _ in range(RESAMPLES):
        one = ratio(draw.choices(above, k=len(above)), draw.choices(below, k=len(below)))
        if one is not None:
            found.append(one)
    if not found:
        return None
    found.sort()
    return found[int(len(found) * 0.025)], found[min(len(found) - 1, int(len(found) * 0.975))]


def text(value):
    """Three significant digits, and no more zeros than needed: 1234567, 123, 12.3, 1.23, 0.0123."""
    if value is None:
        return ""
    size = abs(value)
    if size >= 100 or value == int(value) and size >= 10:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 1 or value == 0:
        return f"{value:.2f}"
    return f"{value:.3g}"
