"""Minimal colour profiles, made byte by byte, and what they mean in float64."""

from __future__ import annotations

import struct

import numpy as np

WHITE_D50 = np.array([0.9642, 1.0, 0.8249])
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
PRIMARIES = {  # x and y of red, green, blue
    "srgb": [(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)],
    "display p3": [(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)],
    "adobe rgb": [(0.64, 0.33), (0.21, 0.71), (0.15, 0.06)],
}
GAMMAS = {"adobe rgb": 563 / 256}  # the others have sRGB's curve


def xyz(x, y):
    return np.array([x / y, 1, (1 - x - y) / y])


WHITE_D65 = xyz(0.3127, 0.3290)


def adaptation(source, target):
    """From one white to another: Bradford's matrix."""
    gains = (BRADFORD @ target) / (BRADFORD @ source)
    return np.linalg.inv(BRADFORD) @ np.diag(gains) @ BRADFORD


def to_xyz(space):
    """Linear RGB to XYZ, both at D65 (Lindbloom)."""
    columns = np.stack([xyz(*primary) for primary in PRIMARIES[space]], axis=1)
    return columns * np.linalg.solve(columns, WHITE_D65)


def decoded(values):
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def encoded(values):
    values = np.clip(values, 0, 1)
    return np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)


def linear(values, space):
    return values ** GAMMAS[space] if space in GAMMAS else decoded(values)


def in_srgb(values, space):
    """What values of shape (..., 3) of a space should become, in float64."""
    matrix = np.linalg.inv(to_xyz("srgb")) @ to_xyz(space)
    return encoded(linear(values, space) @ matrix.T)


def lab_in_srgb(lab):
    """What a colour of the profile connection space should become."""
    y = (lab[0] + 16) / 116
    cubes = np.array([y + lab[1] / 500, y, y - lab[2] / 200])
    relative = np.where(cubes > 6 / 29, cubes**3, 3 * (6 / 29) ** 2 * (cubes - 4 / 29))
    at_d65 = adaptation(WHITE_D50, WHITE_D65) @ (relative * WHITE_D50)
    return encoded(np.linalg.inv(to_xyz("srgb")) @ at_d65)


def profile(kind, space, tags, connection=b"XYZ "):
    """A whole ICC profile of version 2.4, or 4.0 where a parametric curve needs it."""
    version = 0x04000000 if any(data[:4] == b"para" for data in tags.values()) else 0x02400000
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data
    size = start + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"test", version, kind, space, connection)
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    header += b"".join(map(number, WHITE_D50))
    header += bytes(128 - len(header))
    return header + struct.pack(">I", len(tags)) + table + body


def number(value):
    return struct.pack(">i", round(value * 65536))


def point(values):
    return b"XYZ " + bytes(4) + b"".join(map(number, values))


def curve(gamma):
    """One number: a power; None: sRGB's curve."""
    if gamma is None:
        numbers = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
        return b"para" + bytes(4) + struct.pack(">HH", 3, 0) + b"".join(map(number, numbers))
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))


def described(tags):
    text = b"test\0"
    return {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78),
        b"cprt": b"text" + bytes(4) + text,
        b"wtpt": point(WHITE_D50),
        **tags,
    }


def rgb_profile(space):
    columns = (adaptation(WHITE_D65, WHITE_D50) @ to_xyz(space)).T
    names = (b"rXYZ", b"gXYZ", b"bXYZ")
    tags = {name: point(column) for name, column in zip(names, columns, strict=True)}
    tags |= {name: curve(GAMMAS.get(space)) for name in (b"rTRC", b"gTRC", b"bTRC")}
    return profile(b"mntr", b"RGB ", described(tags))


def grey_profile(gamma):
    return profile(b"mntr", b"GRAY", described({b"kTRC": curve(gamma)}))


def cmyk_profile(corners):
    """Inks that mix between ``corners``: CIELAB of each of the 16 corners, black changing first."""
    ramp = struct.pack(">2H", 0, 65535)
    lab = np.asarray(corners) * (65280 / 100, 256, 256) + (0, 32768, 32768)
    table = lab.round().astype(">u2").tobytes()
    unit = b"".join(map(number, np.eye(3).ravel()))
    lut = b"mft2" + bytes(4) + struct.pack(">4B", 4, 3, 2, 0) + unit + struct.pack(">2H", 2, 2)
    lut += 4 * ramp + table + 3 * ramp
    return profile(b"prtr", b"CMYK", described({b"A2B0": lut}), b"Lab ")
