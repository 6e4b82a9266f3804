"""What the shipped painter is worth: photographs that it has not seen, in all its paintings.

    python benchmarks/painter_losses.py [--quick] [--folder DIR]

Every picture is judged at 384 pixels by one ruler, the terms of the training: content beside the
photograph in the painting's colours, content beside the photograph as it is, style, and style as a
part of what the photograph itself has. Twelve of them stand beside what ``nst.stylize`` makes of
the same two pictures with its defaults; those are kept in DIR, with the sheet of all, so that a
run that was stopped goes on.
"""

from __future__ import annotations

import statistics
from pathlib import Path

import measure
import numpy as np

SIDE, PAINTING_SIDE = (384, 512) if not measure.QUICK else (96, 128)
SEARCHED = 3  # paintings of each photograph that are searched for as well
LIMITS = {"share": 0.35, "content": 0.9}


def photographs():
    """Free ones that no shipped painter has seen: of scikit-image, and matplotlib's (US Navy)."""
    import matplotlib.cbook
    import skimage

    import nsthelpers as nst

    data = Path(skimage.__file__).parent / "data"
    hopper = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    files = {
        "chelsea": data / "chelsea.png",
        "grace_hopper": hopper,
        "motorcycle": data / "motorcycle_left.png",
        "hubble": data / "hubble_deep_field.jpg",
    }
    return {name: nst.load_image(file, max_side=SIDE) for name, file in files.items()}


def ruler(photo, painting):
    """A function of an image: its terms, whatever it was asked for."""
    import nsthelpers as nst

    terms = nst.Content(nst.match_colours(photo, painting)) + 20 * nst.Style(painting)
    bound = terms.at(*photo.shape[1:3])
    own = (1.0 * nst.Content(photo)).at(*photo.shape[1:3])

    def judge(image):
        found = bound.evaluate(image).terms
        return {**found, "own_colours": own.evaluate(image).loss}

    return judge


def search(photo, painting, path):
    """What ``stylize`` makes of them, and its seconds; from DIR where it is there."""
    import nsthelpers as nst

    if not path.is_file():
        made = nst.stylize(photo, painting, max_side=SIDE, progress=False)
        np.savez(path, image=made.image, seconds=made.seconds)
    kept = np.load(path)
    return kept["image"], float(kept["seconds"])


def main():
    given, began = measure.arguments(__doc__, folder="output/painter_losses"), measure.facts()
    import nsthelpers as nst

    folder = Path(given.folder) / str(SIDE)
    folder.mkdir(parents=True, exist_ok=True)
    painter, rows, pictures = nst.load_painter("swirling_night"), [], []
    photos = photographs()
    for place, (name, photo) in enumerate(photos.items()):
        # Each photograph beside other paintings, so that all eight have their turn.
        searched = [painter.names[(SEARCHED * place + k) % 8] for k in range(SEARCHED)]
        for painting_name in painter.names:
            painting = nst.samples.load(painting_name, max_side=PAINTING_SIDE)
            judge = ruler(photo, painting)
            before = judge(photo)["style"]
            image = painter(photo, painting_name)
            row = {"photo": name, "painting": painting_name, **judge(image)}
            row["share"] = row["style"] / before
            if painting_name in searched:
                found, seconds = search(photo, painting, folder / f"{name}_{painting_name}.npz")
                row["searched"] = {**judge(found), "seconds": seconds}
            rows.append(row)
            pictures.append(image)
    heads = ("photograph, painting", "content", "own colours", "style", "of the photograph's",
             "searched: content", "style", "s")  # fmt: skip
    measure.show(heads, [_line(row) for row in rows])
    beside = [row for row in rows if "searched" in row]
    ratios = [row["style"] / row["searched"]["style"] for row in beside]
    for key, limit in LIMITS.items():
        within = sum(row[key] <= limit for row in rows)
        print(f"{key} at most {limit}: {within} of {len(rows)}")
    print(f"style beside the search's: median {statistics.median(ratios):.1f} times, "
          f"{min(ratios):.1f} to {max(ratios):.1f}")  # fmt: skip
    sheet = nst.plots.image_grid(
        pictures, columns=8, row_labels=list(photos), column_labels=list(painter.names), width=24
    )
    getattr(sheet, "figure", sheet).savefig(folder / "sheet.png", dpi=150)
    measure.save("painter_losses", {"rows": rows, "ratios": ratios}, began)


def _line(row):
    numbers = [f"{row[key]:.2f}" for key in ("content", "own_colours")]
    numbers += [f"{row['style']:.3f}", f"{row['share']:.2f}"]
    if "searched" in row:
        beside = row["searched"]
        numbers += [
            f"{beside['content']:.2f}",
            f"{beside['style']:.3f}",
            f"{beside['seconds']:.0f}",
        ]
    else:
        numbers += [""] * 3
    return (f"{row['photo']}, {row['painting']}", *numbers)


if __name__ == "__main__":
    main()
