"""The task by the peers of Python: scipy and libRoadRunner; the hold model by SimPy. One JSON line a figure.

    peers.py SUBJECTS.csv FOLDER
"""

import csv
import json
import random
import sys
import time
from pathlib import Path

import numpy as np

N, DAYS, ROWS = 8, 90, 90 * 96 + 1
RATES = [(0, 10.0), (6, 18.0), (12, 8.0), (18, 14.0)]
SHIFT = 556_230_589_850 / 3.6e12
YEARS = DAYS / 365.25


def stretches(off):
    """Start, end, rate, bolus at the start."""
    shift = SHIFT if off else 0.0
    points = []
    for day in range(DAYS):
        for hour, rate in RATES:
            points.append((24 * day + hour + shift, rate, 0.0))
            if hour == 6:
                points.append((24 * day + 8 + shift, rate, 25.0))
    out = [(0.0, shift, 0.0, 0.0)] if off else []
    ends = [p[0] for p in points[1:]] + [24.0 * DAYS]
    return out + [(at, end, rate, bolus) for (at, rate, bolus), end in zip(points, ends)]


def rows_in(start, end, last):
    first, stop = int(np.ceil(start / 0.25)), int(np.ceil(end / 0.25))
    return np.arange(first, stop + 1 if last else stop)


def matrix(q, d, v, ke, keo):
    a = np.zeros((N, N))
    for i in range(7):
        a[i, i] -= ke
        if i > 0:
            a[i, i - 1] += (q + d) / v
            a[i, i] -= d / v
        if i < 6:
            a[i, i + 1] += d / v
            a[i, i] -= (q + d) / v
    a[6, 6] -= q / v
    a[7, 4], a[7, 7] = keo / v, -keo
    return a


def scipy_by(method):
    from scipy.integrate import solve_ivp

    def solve(parameters, off):
        a = matrix(*parameters)
        x, out = np.zeros(N), np.zeros((ROWS, N))
        all_of_them = stretches(off)
        for i, (start, end, rate, bolus) in enumerate(all_of_them):
            x[4] += bolus
            b = np.zeros(N)
            b[4] = rate
            wanted = rows_in(start, end, i + 1 == len(all_of_them))
            at = np.unique(np.append(wanted * 0.25, end))
            r = solve_ivp(lambda t, y: a @ y + b, (start, end), x, method, at, rtol=1e-6, atol=1e-9)
            out[wanted] = r.y.T[: len(wanted)]
            x = r.y[:, -1].copy()
        return out

    return solve


def sbml():
    names = [f"x{i}" for i in range(1, 9)]
    rates = ["(-(q+d)/v - ke)*x1 + d/v*x2"]
    rates += [f"(q+d)/v*x{i - 1} - ((q+2*d)/v + ke)*x{i} + d/v*x{i + 1}" + (" + r" if i == 5 else "") for i in range(2, 7)]
    rates += ["(q+d)/v*x6 - ((q+d)/v + ke)*x7", "keo*(x5/v - x8)"]
    lines = ["model task"] + [f"  {n}' = {r}; {n} = 0;" for n, r in zip(names, rates)]
    return "\n".join(lines + ["  q = 3; d = 20; v = 12; ke = 0.25; keo = 0.5; r = 0;", "end"]), names


def roadrunner_solver():
    """Compiled once; rates and boluses are set between stretches, as its documentation shows."""
    import antimony
    import roadrunner

    roadrunner.Logger.disableLogging()
    text, names = sbml()
    assert antimony.loadAntimonyString(text) >= 0, antimony.getLastError()
    rr = roadrunner.RoadRunner(antimony.getSBMLString("task"))
    rr.integrator.relative_tolerance = 1e-6
    rr.integrator.absolute_tolerance = 1e-9
    rr.selections = names

    def solve(parameters, off):
        rr.resetAll()
        for name, value in zip(["q", "d", "v", "ke", "keo"], parameters):
            rr[name] = value
        out = np.zeros((ROWS, N))
        all_of_them = stretches(off)
        for i, (start, end, rate, bolus) in enumerate(all_of_them):
            rr["r"] = rate
            rr["x5"] = rr["x5"] + bolus
            wanted = rows_in(start, end, i + 1 == len(all_of_them))
            at = wanted * 0.25
            grid = np.unique(np.concatenate(([start], at, [end])))
            rr.integrator.restart(start)
            r = np.array(rr.simulate(times=list(grid)))
            out[wanted] = r[np.isin(grid, at)]
        return out

    return solve


def error(rows, truth, off):
    peak = 1e-6 * np.abs(truth).max(axis=0)
    e = np.abs(rows - truth) / np.maximum(np.abs(truth), peak)
    if not off:
        e[32::96] = 0.0
    return float(e.max())


def report(**figures):
    print(json.dumps(figures), flush=True)


def linear(subjects, folder):
    tools = [("scipy LSODA, 1e-6/1e-9", lambda: scipy_by("LSODA"), 1), ("scipy RK45, 1e-6/1e-9", lambda: scipy_by("RK45"), 1)]
    tools.append(("libRoadRunner CVODE, 1e-6/1e-9", roadrunner_solver, 3))
    for name, make, repeats in tools:
        try:
            solve = make()
        except ImportError as problem:
            report(what="missing", tool=name, why=str(problem))
            continue
        for off in (False, True):
            worst, best = 0.0, np.inf
            for number, *values in subjects[: 5 if repeats > 1 else 2]:
                truth = np.fromfile(folder / f"reference-{'off' if off else 'on'}-{number}.f64").reshape(ROWS, N)
                start = time.process_time()
                rows = solve([float(v) for v in values], off)
                best = min(best, (time.process_time() - start) / YEARS)
                worst = max(worst, error(rows, truth, off))
            report(what="linear", tool=name, off=off, seconds=best, error=worst)


def hold(pending, cancelling, events):
    import simpy

    env = simpy.Environment()
    luck = random.Random(1)
    left = [events]
    done = env.event()

    def item():
        while True:
            yield env.timeout(luck.randint(1, 1 << 20))
            left[0] -= 1
            if left[0] == 0:
                done.succeed()
            if cancelling:
                env.timeout(1 << 40)

    for _ in range(pending):
        env.process(item())
    start = time.process_time()
    env.run(done)
    return events / (time.process_time() - start) * 1e-6


def engine():
    for cancelling in (False, True):
        for pending in (10, 1_000, 100_000):
            rate = max(hold(pending, cancelling, 200_000) for _ in range(2))
            report(what="engine", tool="SimPy", pending=pending, cancelling=cancelling, rate=rate)


def main():
    from importlib.metadata import PackageNotFoundError, version

    for package in ("scipy", "numpy", "libroadrunner", "simpy", "mpmath"):
        try:
            report(what="version", tool=package, version=version(package))
        except PackageNotFoundError:
            pass
    linear(list(csv.reader(open(sys.argv[1]))), Path(sys.argv[2]))
    engine()


main()
