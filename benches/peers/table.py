"""Figures to a table in Markdown; with a third argument also between the marks of that page."""

import json
import platform
import sys
from pathlib import Path

BEGIN, END = "<!-- measured: written by benches/peers/run --write -->", "<!-- end -->"


def cpu():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def main():
    figures = [json.loads(line) for line in open(sys.argv[1])]
    packages = {p["name"]: p["version"] for p in json.load(open(sys.argv[2]))["packages"] if p["name"] != "diffsol"}
    newest = [p["version"] for p in json.load(open(sys.argv[2]))["packages"] if p["name"] == "diffsol"]
    packages["diffsol"] = max(newest, key=lambda v: [int(x) for x in v.split(".")])
    python = {f["tool"]: f["version"] for f in figures if f["what"] == "version"}
    linear = [f for f in figures if f["what"] == "linear"]
    out = [f"On {cpu()}, one core, shared with other work: CPU time, the best of several.", ""]
    out += ["| tool | on grid [s] | error | off grid [s] | error | off grid, of the bare loop |", "|---|---|---|---|---|---|"]
    bare = {f["off"]: f["seconds"] for f in linear if f["tool"].startswith("bare")}
    for tool in dict.fromkeys(f["tool"] for f in linear):
        on, off = ({f["off"]: f for f in linear if f["tool"] == tool}[side] for side in (False, True))
        out.append(
            f"| {tool} | {on['seconds']:.3g} | {on['error']:.0e} | {off['seconds']:.3g} | {off['error']:.0e} "
            f"| {off['seconds'] / bare[True]:.3g} |"
        )
    ours = next(f for f in linear if f["tool"] == "itbsim Gridded" and not f["off"])
    out += ["", f"On the grid `Gridded` takes {ours['seconds'] / bare[False]:.2f} times the bare loop's time.", ""]
    for f in figures:
        if f["what"] == "bands":
            out += [
                f"10,000 subjects over 90 days to hourly bands (5, 25, 50, 75, 95 %) of three outputs: {f['wall']:.1f} s on "
                f"{f['threads']} threads ({f['cpu']:.1f} s of CPU), {f['memory']} at most; the bands differ from sorted values "
                f"by {100 * f['error']:.2f} % at most.",
                "",
            ]
        if f["what"] == "missing":
            out += [f"{f['tool']} could not be had: {f['why']}", ""]
    engine = [f for f in figures if f["what"] == "engine"]
    if engine:
        sizes = [10, 1_000, 100_000]
        out += ["Million events a second, so many pending:", ""]
        head = [f"{n:,}" for n in sizes] + [f"{n:,}, with timeouts taken back" for n in sizes]
        out += ["| engine | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
        for tool in dict.fromkeys(f["tool"] for f in engine):
            by = {(f["cancelling"], f["pending"]): f["rate"] for f in engine if f["tool"] == tool}
            cells = [f"{by[c, n]:.2g}" if (c, n) in by else "-" for c in (False, True) for n in sizes]
            out.append(f"| {tool} | " + " | ".join(cells) + " |")
        out.append("")
    names = ["itbsim", "ode_solvers", "diffsol", "pharmsol", "nexosim"]
    versions = [f"{n} {packages[n]}" for n in names if n in packages] + [f"{n} {v}" for n, v in python.items()]
    out.append("Versions: " + ", ".join(versions) + ".")
    text = "\n".join(out)
    print(text)
    if len(sys.argv) > 3:
        page = Path(sys.argv[3])
        before, rest = page.read_text().split(BEGIN)
        _, after = rest.split(END)
        page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


main()
