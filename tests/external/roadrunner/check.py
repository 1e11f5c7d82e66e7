"""Compares the shipped scenarios with two computations that share no code with itbsim.

1. libRoadRunner (CVODE) solves the SBML that `itbsim export --format sbml` writes; every
   column of timeseries.csv that the model has as an assignment rule must agree.
2. An interpreter of NONMEM records advances the control stream of `--format nonmem-control`
   with the doses of `--format nonmem` by the matrix exponential; every concentration of
   a compartment with a volume must agree.

libSBML must find nothing to complain about in the documents, units included.
"""

import argparse
import contextlib
import csv
import ctypes
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import libsbml
import numpy
import roadrunner

# Largest accepted difference, relative to the peak of the column.
ACCEPTED = 1e-5
# The interpreter has no integration error of its own.
ACCEPTED_RECORDS = 1e-8

# Short, and between them: bolus, arms, drain and leak (the matrix changes), oral drug and rescue
# drugs, pocket, gas pump, a course of care.
FEW = [
    "screening-bolus",
    "catheter-kink",
    "csf-leak-along-catheter",
    "overdose-rescue",
    "oral-cannot-replace",
    "pocket-fill",
    "gas-pump-altitude",
    "withdrawal-rescue",
]

FIELDS = [
    "scenario",
    "arm",
    "rows",
    "columns",
    "changes",
    "worst_relative",
    "worst_column",
    "nonmem_relative",
    "solver",
    "accepted",
]


def read_table(path):
    """Columns of a table by name."""
    with open(path, newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        rows = numpy.array([[float(cell) if cell else math.nan for cell in row] for row in reader])
    return {name: rows[:, i] for i, name in enumerate(header)}


def complaints(document):
    """What libSBML finds wrong, units included."""
    found = libsbml.readSBMLFromString(document)
    found.checkConsistency()
    return [found.getError(i).getMessage().strip() for i in range(found.getNumErrors())]


def relative(told, found):
    """Largest difference relative to the peak; of a column that stays empty, the difference."""
    difference = numpy.max(numpy.abs(told - found))
    peak = numpy.max(numpy.abs(told))
    return float(difference / peak if peak > 0 else difference)


@contextlib.contextmanager
def without_warnings():
    """CVODE tells of every small step after an event; failures still raise."""
    library = ctypes.CDLL(None)
    sys.stdout.flush()
    kept, nowhere = [os.dup(1), os.dup(2)], os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    try:
        yield
    finally:
        library.fflush(None)
        for stream, old in zip((1, 2), kept):
            os.dup2(old, stream)
            os.close(old)
        os.close(nowhere)


def by_roadrunner(document, table):
    """Relative difference of every column, and the number of events."""
    model = libsbml.readSBMLFromString(document).getModel()
    rules = [model.getRule(i) for i in range(model.getNumRules())]
    names = [r.getVariable() for r in rules if r.isAssignment()]
    times = table["time_h"]
    solver = roadrunner.RoadRunner(document)
    integrator = solver.getIntegrator()
    integrator.setValue("relative_tolerance", 1e-10)
    integrator.setValue("absolute_tolerance", 1e-12)
    integrator.setValue("stiff", True)
    integrator.setValue("maximum_num_steps", 10_000_000)
    solver.timeCourseSelections = ["time"] + names
    with without_warnings():
        values = numpy.array(solver.simulate(times=list(times)))
    assert numpy.array_equal(values[:, 0], times), "other instants than asked for"
    differences = {n: relative(table[n], values[:, k + 1]) for k, n in enumerate(names)}
    return differences, model.getNumEvents()


def exponential(matrix):
    """exp of a matrix: scaling, Taylor series, squaring."""
    norm = numpy.linalg.norm(matrix, 1)
    halvings = max(0, math.ceil(math.log2(norm)) + 4) if norm > 0 else 0
    small = matrix / 2.0**halvings
    total = term = numpy.eye(len(matrix))
    for k in range(1, 16):
        term = term @ small / k
        total = total + term
    for _ in range(halvings):
        total = total @ total
    return total


class Stream:
    """Matrices and outputs of a control stream."""

    def __init__(self, text):
        self.size = len(re.findall(r"^  COMP=", text, re.M))
        base, variants, number = {}, {}, 1
        for line in text.splitlines():
            if found := re.match(r"  IF \(MATRIX\.EQ\.(\d+)\)", line):
                number = int(found[1])
                variants[number] = {}
            elif found := re.match(r" +K(\d+)T(\d+) = (\S+)", line):
                entry = (int(found[1]) - 1, int(found[2]) - 1)
                (base if number == 1 else variants[number])[entry] = float(found[3])
        self.matrices = {1: self.matrix(base)}
        for number, changed in variants.items():
            self.matrices[number] = self.matrix(base | changed)
        self.outputs = {
            name.lower(): (int(state) - 1, 1000.0 / float(volume))
            for state, volume, name in re.findall(r"^  C\d+ = 1000\*A\((\d+)\)/(\S+) ; (\w+), ng/mL", text, re.M)
        }

    def matrix(self, constants):
        a = numpy.zeros((self.size, self.size))
        for (source, target), value in constants.items():
            a[target, source] += value
            a[source, source] -= value
        return a


def by_records(control, doses, table):
    """Relative difference of every concentration, from control stream and dose table alone."""
    stream = Stream(control)
    lines = list(csv.DictReader(doses.splitlines()))
    # What happens, in order: the end of a stretch names its matrix (as NONMEM has it).
    happenings = []
    for r in lines:
        at, matrix = float(r["TIME"]), int(r.get("MATRIX", 1))
        happenings.append((at, 0, "end of stretch", matrix, 0, 0.0))
        if r["EVID"] != "1":
            continue
        state, amount, rate = int(r["CMT"]) - 1, float(r["AMT"]), float(r["RATE"])
        if rate == 0:
            happenings.append((at, 1, "bolus", matrix, state, amount))
        else:
            happenings.append((at, 1, "on", matrix, state, rate))
            happenings.append((at + amount / rate, 1, "off", None, state, rate))
    happenings += [(t, 2, "look", None, 0, 0.0) for t in table["time_h"]]
    happenings.sort(key=lambda h: h[:2])
    # The matrix of a stretch is the one named by the next record.
    current = 1
    matrices = []
    for h in reversed(happenings):
        matrices.append(current)
        if h[2] == "end of stretch":
            current = matrices[-1] = h[3]
    matrices.reverse()

    n = stream.size
    x, b, now = numpy.zeros(n), numpy.zeros(n), 0.0
    found, steps = [], {}
    for (at, _, what, _, state, value), number in zip(happenings, matrices):
        # An end computed as start + AMT/RATE may miss its instant by rounding.
        step = at - now
        if step > 1e-9:
            key = (number, round(step, 9))
            if key not in steps:
                if len(steps) > 500:
                    steps.clear()
                # Inputs enter through the integral of the exponential, columnwise.
                double = numpy.zeros((2 * n, 2 * n))
                double[:n, :n] = stream.matrices[number]
                double[:n, n:] = numpy.eye(n)
                whole = exponential(double * step)
                steps[key] = whole[:n, :n], whole[:n, n:]
            forward, forced = steps[key]
            x = forward @ x + forced @ b
            now = at
        if what == "bolus":
            x[state] += value
        elif what == "on":
            b[state] += value
        elif what == "off":
            b[state] = b[state] - value if abs(b[state] - value) > 1e-9 * value else 0.0
        elif what == "look":
            found.append(x.copy())
    found = numpy.array(found)
    differences = {}
    for name, (state, weight) in stream.outputs.items():
        column = f"{ {'central': 'plasma'}.get(name, name) }_ng_per_ml"
        if column in table:
            differences[column] = relative(table[column], weight * found[:, state])
    assert len(differences) >= 28, "levels, cisterns, head, plasma and brain"
    return differences


def export(program, folder, arm, form):
    """A document of a run."""
    words = [program, "export", str(folder), "--format", form] + (["--arm", arm] if arm else [])
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def check(program, scenario, desk):
    """One line a run of the scenario."""
    folder = desk / scenario.stem
    words = [program, "run", str(scenario), "--no-plots", "--out", str(folder)]
    ended = subprocess.run(words, capture_output=True, text=True)
    if ended.returncode not in (0, 1):
        raise SystemExit(f"{scenario}: {ended.stderr}")
    arms = sorted(p.parent.name for p in folder.glob("*/timeseries.csv")) or [""]
    for arm in arms:
        began = time.perf_counter()
        table = read_table(folder / arm / "timeseries.csv")
        document = export(program, folder, arm, "sbml")
        wrong = complaints(document)
        differences, events = by_roadrunner(document, table)
        worst = max(differences, key=lambda n: (math.isnan(differences[n]), differences[n]))
        control = export(program, folder, arm, "nonmem-control")
        records = by_records(control, export(program, folder, arm, "nonmem"), table)
        yield {
            "scenario": scenario.stem,
            "arm": arm,
            "rows": len(table["time_h"]),
            "columns": len(differences),
            "changes": events,
            "worst_relative": differences[worst],
            "worst_column": worst,
            "nonmem_relative": max(records.values()),
            "complaints": wrong,
            "seconds": time.perf_counter() - began,
        }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    shipped = sorted(pathlib.Path("scenarios").glob("*.toml"))
    if args.files:
        scenarios = args.files
    elif args.all or args.update:
        scenarios = shipped
    else:
        scenarios = [p for p in shipped if p.stem in FEW]
        assert len(scenarios) == len(FEW), "a named scenario is not shipped"
    page = pathlib.Path("docs/data/roadrunner-agreement.csv")
    roadrunner.Logger.setLevel(roadrunner.Logger.LOG_ERROR)

    rows, bad = [], 0
    print(f"libRoadRunner {roadrunner.__version__}, libSBML {libsbml.getLibSBMLDottedVersion()}")
    print(f"{'run':45} {'rows':>6} {'events':>6} {'RoadRunner':>11} {'records':>9}  worst column")
    with tempfile.TemporaryDirectory() as desk:
        for scenario in scenarios:
            for row in check(args.program, scenario, pathlib.Path(desk)):
                rows.append(row)
                fine = (
                    row["worst_relative"] <= ACCEPTED
                    and row["nonmem_relative"] <= ACCEPTED_RECORDS
                    and not row["complaints"]
                )
                bad += not fine
                label = "/".join(filter(None, [row["scenario"], row["arm"]]))
                print(
                    f"{label:45} {row['rows']:6} {row['changes']:6} {row['worst_relative']:11.1e}"
                    f" {row['nonmem_relative']:9.1e}  {row['worst_column']}"
                    f" ({row['seconds']:.1f} s){'' if fine else '  <-- NOT ACCEPTED'}",
                    flush=True,
                )
                for words in row["complaints"][:3]:
                    print(f"    libSBML: {words}")
    worst = max(rows, key=lambda r: r["worst_relative"])
    print(
        f"{len(rows)} runs of {len(scenarios)} scenarios; the worst column is off by"
        f" {worst['worst_relative']:.1e} of its peak ({worst['scenario']}); accepted {ACCEPTED:.0e}"
    )
    if args.update and not bad:
        page.parent.mkdir(exist_ok=True)
        kept = []
        if args.files and page.exists():
            # Only these scenarios are new; a table of two versions would be refused by its reader.
            with open(page, newline="") as file:
                kept = [r for r in csv.DictReader(file) if r["scenario"] not in {p.stem for p in scenarios}]
        with open(page, "w", newline="") as file:
            table = csv.DictWriter(file, FIELDS, extrasaction="ignore", lineterminator="\n")
            table.writeheader()
            for row in rows:
                # Digits beyond the first two differ between machines.
                both = {k: f"{row[k]:.1e}" for k in ("worst_relative", "nonmem_relative")}
                by = {"solver": f"libRoadRunner {roadrunner.__version__}", "accepted": f"{ACCEPTED:.0e}"}
                kept.append(row | both | by)
            # A stable sort: arms of a scenario stay in their order.
            table.writerows(sorted(kept, key=lambda r: r["scenario"]))
        print(f"wrote {page}")
    elif page.exists():
        with open(page, newline="") as file:
            known = {line["scenario"] for line in csv.DictReader(file)}
        missing = [p.stem for p in shipped if p.stem not in known]
        if missing:
            print(f"not yet in {page}: {', '.join(missing)} (tests/external/roadrunner/run --update)")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
