"""What a run starts from, which sizes it works through, and how many steps it makes at each."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..arguments import check_whole, is_whole
from ..choices import STARTS, STARTS_FROM
from ..images.arrays import MINIMUM_SIDE, as_image, resize
from ..images.colours import match_colours
from ..masks.mask import as_mask

__all__ = [
    "STARTS",
    "smaller_size",
    "smallest_scale",
    "start_image",
    "step_counts",
    "white_noise",
    "working_sizes",
]


def white_noise(height, width, seed=0):
    """Make an image of independent normal values, mean 0.5, standard deviation 0.15.

    Parameters
    ----------
    height, width : int
        In pixels.
    seed : int, default 0
        0 or larger; the same seed gives the same image.

    Returns
    -------
    array, float32, shape (1, height, width, 3), clipped to [0, 1]

    Raises
    ------
    ValueError
        If height or width is no whole number of at least 1, or the seed none of at least 0.

    Examples
    --------
    >>> noise = white_noise(64, 64)
    >>> noise.shape, bool(abs(noise.mean() - 0.5) < 0.01)
    ((1, 64, 64, 3), True)
    """
    size = check_whole("height", height, 1), check_whole("width", width, 1)
    generator = np.random.default_rng(check_whole("seed", seed, 0))
    values = generator.normal(0.5, 0.15, (1, *size, 3))
    return np.clip(values, 0.0, 1.0).astype("float32")


def start_image(objective, start, seed):
    """Find or make the image that a run starts from.

    Parameters
    ----------
    objective : Objective
        Its terms hold the images.
    start, seed
        As :func:`nsthelpers.synthesize` takes them.

    Returns
    -------
    array, float32, shape (1, H, W, 3), RGB, range [0, 1]

    Raises
    ------
    ValueError
        For an unknown word, one whose terms the objective does not have, or a bad array.
    TypeError
        For what is neither a word nor an array.

    Examples
    --------
    >>> from nsthelpers import Objective
    >>> start_image(Objective([]), np.zeros((32, 48, 3)), seed=0).shape
    (1, 32, 48, 3)
    """
    held = {label: term.image for label, term in objective.terms.items() if term.image is not None}
    if not isinstance(start, str):
        return as_image(start)
    if start == "noise":
        if not held:
            raise ValueError("nothing fixes the size of the noise; pass an image as start=")
        sized = held.get("content", next(iter(held.values())))
        return white_noise(*sized.shape[1:3], seed=seed)
    if start not in STARTS:
        raise ValueError(
            f"unknown start {start!r}; expected 'content', 'recoloured', 'style', 'noise' or an "
            "image"
        )
    missing = [label for label in STARTS_FROM[start] if label not in held]
    if missing:
        raise ValueError(
            f"start={start!r}, but the objective has no {' and no '.join(missing)} term; pass "
            "start='noise' or an image of your own"
        )
    if start == "recoloured":
        return _recoloured(held["content"], objective)
    image = held[start]
    if start == "style" and "content" in held:  # the canvas is the content's
        return _cover(image, held["content"].shape[1:3])
    return image


def working_sizes(size, scales):
    """List the sizes that a run works through.

    Parameters
    ----------
    size : (int, int)
        Height and width of the start image.
    scales : int, sequence of int or None
        Long sides, rising; None for the size itself.

    Returns
    -------
    list of (int, int)
        Heights and widths.

    Raises
    ------
    ValueError
        If a side is too small for the network at any scale, or the scales do not rise.

    Examples
    --------
    >>> working_sizes((300, 400), [128, 256])
    [(96, 128), (192, 256)]
    """
    floor, longest = MINIMUM_SIDE, max(size)
    if scales is None:
        if min(size) < floor:
            raise ValueError(
                f"the start image is {size[1]} x {size[0]} pixels; expected at least {floor} on "
                "both sides"
            )
        return [tuple(size)]
    scales = [scales] if is_whole(scales) else list(scales)
    whole = all(is_whole(scale, floor) for scale in scales)
    if not scales or not whole or sorted(set(scales)) != scales:
        raise ValueError(
            f"scales are {scales}; expected long sides in whole pixels, at least {floor}, rising"
        )
    sizes = [tuple(round(side * scale / longest) for side in size) for scale in scales]
    if min(sizes[0]) < floor:
        raise ValueError(
            f"at the scale {scales[0]} the start image of {size[1]} x {size[0]} pixels becomes "
            f"{sizes[0][1]} x {sizes[0][0]}; expected at least {floor} on both sides: the smallest "
            f"possible scale is {smallest_scale(size)}"
        )
    return sizes


def smallest_scale(size):
    """Find the smallest long side at which an image is still large enough for the network.

    Parameters
    ----------
    size : (int, int)
        Height and width of the image, in pixels.

    Returns
    -------
    int
        A long side, in pixels.

    Examples
    --------
    >>> smallest_scale((300, 400)), smallest_scale((100, 1000))
    (21, 155)
    """
    longest, shortest = max(size), min(size)
    scale = (2 * MINIMUM_SIDE - 1) * longest // (2 * shortest)  # here the short side is rounded up
    while round(shortest * scale / longest) < MINIMUM_SIDE:
        scale += 1
    return scale


def smaller_size(size, above=None):
    """Find the size to go on at where memory runs out: half as many pixels.

    Parameters
    ----------
    size : (int, int)
        Height and width, in pixels.
    above : (int, int), optional
        A size that has been worked at already; no more than that would be of no use.

    Returns
    -------
    (int, int) or None
        None if there is none that is large enough.

    Examples
    --------
    >>> smaller_size((400, 600)), smaller_size((400, 600), above=(300, 450)), smaller_size((20, 30))
    ((283, 424), None, None)
    """
    height, width = (round(side / 2**0.5) for side in size)
    too_small = min(height, width) < MINIMUM_SIDE
    return None if too_small or (above and height <= above[0]) else (height, width)


def step_counts(steps, count):
    """List the number of steps for each of ``count`` sizes.

    Parameters
    ----------
    steps : int or sequence of int
        The same for all sizes, or one for each.
    count : int

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        If a number is no positive whole number, or there are more or fewer than ``count``.

    Examples
    --------
    >>> step_counts(100, 2), step_counts([50, 100], 2)
    ([100, 100], [50, 100])
    """
    several = isinstance(steps, Iterable) and not isinstance(steps, str)
    counts = list(steps) if several else [steps] * count
    if len(counts) != count:
        raise ValueError(
            f"{len(counts)} step counts for {count} sizes; expected one for each, or one for all"
        )
    return [check_whole("steps", number, 1) for number in counts]


def _recoloured(photo, objective):
    """A photograph in the paintings' colours; in each region in those of its own paintings."""
    styles = [term for term in objective.terms.values() if term.label == "style"]
    if not all(hasattr(style, "region") for style in styles) or not any(s.region for s in styles):
        return match_colours(photo, *_palette_of(styles[0]))
    found = photo.copy()
    for style in styles:
        region = as_mask(np.ones(photo.shape[1:3])) if style.region is None else style.region
        here = region.inside(*photo.shape[1:3])
        found[:, here] = match_colours(region.pixels(photo), *_palette_of(style))[:, 0]
    return found


def _palette_of(style):
    """The pictures whose colours a style has, cut down to their regions, and their shares."""
    paintings = list(getattr(style, "images", [style.image]))
    regions = getattr(style, "source_regions", [None] * len(paintings))
    cut = [
        painting if region is None else region.pixels(painting)
        for painting, region in zip(paintings, regions, strict=True)
    ]
    return cut, getattr(style, "image_weights", None)


def _cover(image, size):
    """Resize to cover the size, and cut off what stands out, equally on both sides."""
    height, width = image.shape[1:3]
    zoom = max(size[0] / height, size[1] / width)
    kept_height, kept_width = (max(1, round(side / zoom)) for side in size)
    top, left = (height - kept_height) // 2, (width - kept_width) // 2
    return resize(image[:, top : top + kept_height, left : left + kept_width], size=size)
