"""From measurements to tables and ratios; RESULTS.md is always made from all raw output that lies there."""

import json
import statistics
from collections import defaultdict

SCENARIOS = {
    "unchanged": "Unchanged sweep, the same bytes",
    "reordered": "Unchanged sweep, items in another order",
    "changed": "Sweep with 1 % renewed",
    "baseline": "First sweep",
    "decree": "Decree day: all ends move, 1 % lapse",
    "commands": "Single commands",
    "daemons": "Several daemons, answers after 50 ms",
    "concurrency": "Concurrency of one process, answers after 50 ms",
    "growth": "Growth of the database",
}

# A ratio may fall to this share of the recorded one: machines differ, and so do their neighbours.
LEAST_SHARE = 0.5


def each(figures, name, scale=1.0):
    """A figure by company or call."""
    if figures.get(name) is None or not figures.get("calls"):
        return None
    return figures[name] * scale / figures["calls"]


def calls_per_cpu_s(figures):
    return figures["calls"] / figures["cpu_s"] if figures.get("calls") and figures.get("cpu_s") else None


def plain(name, scale=1.0):
    def read(figures):
        return None if figures.get(name) is None else figures[name] * scale

    return read


CPU_US = ("us of process", lambda figures: each(figures, "cpu_s", 1e6), "{:,.1f}")
PG_US = ("us of PostgreSQL", lambda figures: each(figures, "pg_cpu_s", 1e6), "{:,.1f}")
WAL = ("WAL bytes a company", lambda figures: each(figures, "wal_bytes"), "{:,.0f}")
CPU_S = ("CPU s of process", plain("cpu_s"), "{:,.2f}")
PG_S = ("CPU s of PostgreSQL", plain("pg_cpu_s"), "{:,.2f}")
PEAK = ("peak MB", plain("peak_mb"), "{:,.0f}")
WALL = ("wall s", plain("wall_s"), "{:,.2f}")
CALLS = ("calls", plain("calls"), "{:,.0f}")
CALLS_PER_S = ("calls per s", plain("calls_per_s"), "{:,.0f}")

SWEEP_COLUMNS = [
    ("calls per CPU s", calls_per_cpu_s, "{:,.0f}"), CPU_US, PG_US, WAL,
    ("statements a company", lambda figures: each(figures, "statements"), "{:,.3f}"),
    ("transactions a company", lambda figures: each(figures, "transactions"), "{:,.3f}"),
    PEAK, WALL,
]
COLUMNS = {
    "unchanged": SWEEP_COLUMNS,
    "reordered": SWEEP_COLUMNS,
    "changed": SWEEP_COLUMNS,
    "baseline": [
        ("holdings per s", plain("holdings_per_s"), "{:,.0f}"),
        ("first to last call, holdings per s", plain("holdings_per_s_of_sweep"), "{:,.0f}"),
        CPU_S, PG_S, WAL, PEAK, ("peak MB of `validate`", plain("file_mb"), "{:,.0f}"),
        ("database MB", plain("database_mb"), "{:,.0f}"), WALL,
    ],
    "decree": [WALL, CPU_S, PG_S, WAL, PEAK, ("mails", plain("mails"), "{:,.0f}"),
               ("most mails for one", plain("mails_a_reader"), "{:,.0f}"), ("news", lambda figures: figures.get("events"), "{}")],
    "commands": [
        ("wall ms", plain("wall_s", 1e3), "{:,.0f}"), ("CPU ms of process", plain("cpu_s", 1e3), "{:,.0f}"),
        ("CPU ms of PostgreSQL", plain("pg_cpu_s", 1e3), "{:,.1f}"), PEAK,
    ],
    "daemons": [CALLS, CALLS_PER_S, CPU_US, PG_US, PEAK],
    "concurrency": [CALLS, CALLS_PER_S, ("of ideal", plain("of_ideal"), "{:.0%}"), CPU_US, PG_US, PEAK],
    "growth": [("database MB", plain("database_mb"), "{:,.1f}"), ("grown by", plain("grown"), "{:.1%}")],
}


def by_program(measurements):
    """In the order in which they were first measured."""
    programs = defaultdict(list)
    for measurement in measurements:
        programs[measurement["program"]].append(measurement)
    return programs


def cell(runs, read, form):
    values = [value for value in map(read, runs) if value is not None]
    if not values:
        return ""
    if isinstance(values[0], dict):
        return ", ".join(f"{count:,} {kind}" for kind, count in sorted(values[-1].items()))
    if len(values) == 1:
        return form.format(values[0])
    least, most = form.format(min(values)), form.format(max(values))
    middle = form.format(statistics.median(values))
    return middle if least == most else f"{middle} ({least}-{most})"


def table(scenario, measurements):
    columns = COLUMNS[scenario]
    lines = ["| program | " + " | ".join(title for title, _, _ in columns) + " |", "| --- |" + " ---: |" * len(columns)]
    for program, runs in by_program(measurements).items():
        cells = [cell(runs, read, form) for _, read, form in columns]
        lines.append(f"| {program} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def ratios(scenario, measurements):
    """What the results are: the product against what stood beside it in the same run. More is better."""
    programs = by_program(measurements)

    def median(program, read):
        values = [value for value in map(read, programs.get(program, [])) if value is not None]
        return statistics.median(values) if values else None

    def against(others, read):
        theirs = [value for value in (median(other, read) for other in others) if value]
        ours = median("qualwatch", read)
        return ours / max(theirs) if theirs and ours else None

    python = [program for program in programs if program.startswith("python ")]
    found = {}
    if scenario in ("unchanged", "reordered", "changed"):
        found["calls per CPU s, of bare reqwest"] = against(["bare reqwest"], calls_per_cpu_s)
        found["calls per CPU s, of the best python"] = against(python, calls_per_cpu_s)
        found["calls per CPU s, of urlwatch"] = against(["urlwatch"], calls_per_cpu_s)
    elif scenario == "baseline":
        found["calls per CPU s, of the best python"] = against(python, calls_per_cpu_s)
        found["holdings per s, of the best python"] = against(python, plain("holdings_per_s"))
    elif scenario == "daemons":
        for program in programs:
            if program.startswith("qualwatch: 4 x"):
                one, four = (median(name, plain("calls_per_s")) for name in (program.replace(": 4 x", ": 1 x"), program))
                found[f"four daemons of one, {program.rpartition(' x ')[2]}"] = four / one if one else None
    return {name: ratio for name, ratio in found.items() if ratio is not None}


def section(about, measurements):
    scenario, companies = measurements[0]["scenario"], measurements[0]["companies"]
    runs = max(measurement["run"] for measurement in measurements)
    # Some scenarios ask as many as make some seconds.
    size = f": {companies:,} companies" if companies else ""
    lines = [f"## {SCENARIOS[scenario]}{size}", ""]
    lines += [
        f"Medians (least-most) of {runs} runs; {about['processor']}, {about['cores']} cores, PostgreSQL {about['postgres']}, "
        f"load {about['load']} at the start; commit {about['commit']}.",
        "",
    ]
    lines += [table(scenario, measurements), ""]
    headlines = {measurement.get("headline") for measurement in measurements} - {None}
    lines += [f"- Headline of the reader of all companies: {headline}" for headline in sorted(headlines)]
    lines += [f"- **{ratio:.2f}** {name}" for name, ratio in ratios(scenario, measurements).items()]
    return "\n".join(lines).rstrip() + "\n"


class Results:
    """The files of the results, in `folder`: raw/*.jsonl, RESULTS.md, recorded.json."""

    def __init__(self, folder, about):
        self.folder, self.about = folder, about
        self.measured = defaultdict(list)
        (folder / "raw").mkdir(parents=True, exist_ok=True)

    def add(self, measurement):
        """Written at once: a run that breaks off leaves what it had."""
        key = measurement["scenario"], measurement["companies"]
        self.measured[key].append(measurement)
        lines = [{"about": self.about}, *self.measured[key]]
        path = self.folder / "raw" / (f"{key[0]}-{key[1]}.jsonl" if key[1] else f"{key[0]}.jsonl")
        path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))

    def write(self):
        """RESULTS.md and recorded.json anew, of all that lies there."""
        files = []
        for path in (self.folder / "raw").glob("*.jsonl"):
            first, *rest = (json.loads(line) for line in path.read_text().splitlines())
            files.append((first["about"], rest))
        order = list(SCENARIOS)
        files.sort(key=lambda file: (order.index(file[1][0]["scenario"]), file[1][0]["companies"]))
        head = "# Results\n\nWritten by `benches/run`; [README.md](README.md) says how to read it. Raw output: [raw/](raw/).\n\n"
        (self.folder / "RESULTS.md").write_text(head + "\n".join(section(*file) for file in files))
        recorded = {
            f"{rest[0]['scenario']}@{rest[0]['companies']}": ratios(rest[0]["scenario"], rest) for _, rest in files
        }
        text = json.dumps({key: found for key, found in recorded.items() if found}, indent=2)
        (self.folder / "recorded.json").write_text(text + "\n")

    def print(self):
        """What this run measured, for a person."""
        for measurements in self.measured.values():
            print("\n" + section(self.about, measurements))

    def undershot(self, recorded):
        """The ratios of this run below half of what is recorded, each as a sentence."""
        found = []
        for (scenario, companies), measurements in self.measured.items():
            wanted = recorded.get(f"{scenario}@{companies}", {})
            for name, ratio in ratios(scenario, measurements).items():
                if name in wanted and ratio < wanted[name] * LEAST_SHARE:
                    found.append(f"{scenario} of {companies}: {ratio:.2f} {name}, recorded is {wanted[name]:.2f}")
        return found
