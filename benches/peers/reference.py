"""The exact solution with 50 digits: what all results of the task are checked against.

    reference.py SUBJECTS.csv FOLDER

For each subject, on and off the grid, the states at every quarter of an hour as 64-bit floats.
The exponential is a Taylor sum over a short step, squared; its digits are checked by doing the
whole again with other steps for the first subject.
"""

import csv
import struct
import sys
from pathlib import Path

from mpmath import mp, mpf

mp.dps = 60
N = 8
DAYS = 90
RATES = {0: 10, 6: 18, 12: 8, 18: 14}
BOLUS = {8: 25}
SHIFT_NS = 556_230_589_850
HOUR_NS = 3_600_000_000_000
STEP_NS = 900_000_000_000


def matrix(q, d, v, ke, keo):
    """Flow from column to row, and the input as a ninth state."""
    a = [[mpf(0)] * (N + 1) for _ in range(N + 1)]
    for i in range(7):
        a[i][i] = -ke
        if i > 0:
            a[i][i - 1] += (q + d) / v
            a[i][i] -= d / v
        if i < 6:
            a[i][i + 1] += d / v
            a[i][i] -= (q + d) / v
    a[6][6] -= q / v  # nothing lies beyond, so only the flow leaves
    a[7][4] = keo / v
    a[7][7] = -keo
    a[4][8] = mpf(1)
    return a


def product(a, b):
    m = len(a)
    out = []
    for i in range(m):
        row = [mpf(0)] * m
        for k in range(m):
            if a[i][k] != 0:
                for j in range(m):
                    if b[k][j] != 0:
                        row[j] += a[i][k] * b[k][j]
        out.append(row)
    return out


def exponential(a, h, halvings=6, terms=40):
    m = len(a)
    small = [[x * h / 2**halvings for x in row] for row in a]
    one = [[mpf(int(i == j)) for j in range(m)] for i in range(m)]
    total, term = one, one
    for k in range(1, terms):
        term = [[x / k for x in row] for row in product(term, small)]
        total = [[x + y for x, y in zip(r, s)] for r, s in zip(total, term)]
    for _ in range(halvings):
        total = product(total, total)
    return total


def events(off):
    shift = SHIFT_NS if off else 0
    all_events = {}
    for day in range(DAYS):
        for hour in range(24):
            if hour in RATES or hour in BOLUS:
                at = (24 * day + hour) * HOUR_NS + shift
                all_events[at] = (RATES.get(hour), BOLUS.get(hour, 0))
    return all_events


def solve(a, off, halvings=6, terms=40):
    planned = events(off)
    step = {ns: exponential(a, mpf(ns) / HOUR_NS, halvings, terms) for ns in {STEP_NS, SHIFT_NS, STEP_NS - SHIFT_NS}}

    def ahead(x, rate, ns):
        phi = step[ns]
        return [sum((phi[i][j] * x[j] for j in range(N)), phi[i][N] * rate) for i in range(N)]

    x, rate, rows = [mpf(0)] * N, mpf(0), []
    for k in range(DAYS * 96 + 1):
        now = k * STEP_NS
        if now in planned:
            new, bolus = planned[now]
            rate = rate if new is None else mpf(new)
            x[4] += bolus
        rows.append(list(x))
        between = now + SHIFT_NS
        if off and between in planned:
            x = ahead(x, rate, SHIFT_NS)
            new, bolus = planned[between]
            rate = rate if new is None else mpf(new)
            x[4] += bolus
            x = ahead(x, rate, STEP_NS - SHIFT_NS)
        else:
            x = ahead(x, rate, STEP_NS)
    return rows


def main():
    subjects, folder = Path(sys.argv[1]), Path(sys.argv[2])
    for number, line in enumerate(csv.reader(subjects.open())):
        name, *values = line
        a = matrix(*[mpf(float(v)) for v in values])
        for off in (False, True):
            path = folder / f"reference-{'off' if off else 'on'}-{name}.f64"
            if path.exists():
                continue
            rows = solve(a, off)
            if number == 0 and not off:
                again = solve(a, off, halvings=9, terms=34)
                worst = max(abs(x - y) / abs(x) for r, s in zip(rows[1:], again[1:]) for x, y in zip(r, s))
                assert worst < mpf(10) ** -45, worst
                print(f"reference: two ways agree to {mp.nstr(worst, 2)}", file=sys.stderr)
            flat = [float(x) for row in rows for x in row]
            path.write_bytes(struct.pack(f"<{len(flat)}d", *flat))


main()
