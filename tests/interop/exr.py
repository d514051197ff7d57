#!/usr/bin/env python3
"""Opens plates with OpenImageIO and OpenEXR and checks what they say of themselves.

    pip install OpenImageIO OpenEXR numpy
    exr.py --space ACES2065-1 --timecode 10:20:30:00 --reel A001 plates/A001/*.exr
    exr.py --matrix DIR        DIR as written by the example `exr_interop` of rushes-proxy

Prints the facts of each file as one line of JSON. Exits with 1 when a check fails.
Timecodes above 30 frames/s are written as hh:mm:ss:ff with the frame number of the label; the
file holds the pair number and the field flag.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import OpenEXR
import OpenImageIO as oiio

SPACES = {
    "ACES2065-1": ("lin_ap0_scene", (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767)),
    "ACEScg": ("lin_ap1_scene", (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)),
}
# The largest error that DWA at level 45 may make, as a fraction of the value plus a floor.
DWA_RELATIVE, DWA_FLOOR = 0.08, 0.02


def label(tc, fps):
    frame = tc.frame * 2 + int(tc.fieldPhase) if fps > 30 else tc.frame
    return f"{tc.hours:02}:{tc.minutes:02}:{tc.seconds:02}{';' if tc.dropFrame else ':'}{frame:02}"


def facts_of(path):
    buf = oiio.ImageBuf(str(path))
    if buf.has_error:
        raise ValueError(f"{path}: {buf.geterror()}")
    spec = buf.spec()
    with OpenEXR.File(str(path), separate_channels=True) as f:
        header = dict(f.header())
        planes = {name: np.array(c.pixels) for name, c in f.channels().items()}
    # RGB order; OpenImageIO and OpenEXR must see the same pixels.
    names = [c for c in "RGB" if c in planes]
    by_oiio = buf.get_pixels(oiio.FLOAT)
    for i, name in enumerate(names):
        if not np.array_equal(by_oiio[..., i], planes[name].astype(np.float32), equal_nan=True):
            raise ValueError(f"{path}: OpenImageIO and OpenEXR differ in {name}")
    rate = header.get("framesPerSecond")
    fps = float(rate) if rate else 0.0
    facts = {
        "file": path.name,
        "size": [spec.width, spec.height],
        "channels": {name: str(p.dtype) for name, p in planes.items()},
        "compression": spec.get_string_attribute("compression"),
        "oiio:ColorSpace": spec.get_string_attribute("oiio:ColorSpace"),
        "colorInteropID": header.get("colorInteropID"),
        "acesImageContainerFlag": header.get("acesImageContainerFlag"),
        "chromaticities": [round(float(v), 6) for v in header["chromaticities"]] if "chromaticities" in header else None,
        "timeCode": label(header["timeCode"], fps) if "timeCode" in header else None,
        "framesPerSecond": fps,
        "reelName": header.get("reelName"),
        "imageCounter": header.get("imageCounter"),
    }
    return facts, np.stack([planes[c] for c in names])


def check(facts, args):
    wrong = []

    def want(what, got, expected):
        if got != expected:
            wrong.append(f"{what} is {got!r}, not {expected!r}")

    if args.space:
        interop, xy = SPACES[args.space]
        want("colorInteropID", facts["colorInteropID"], interop)
        want("oiio:ColorSpace", facts["oiio:ColorSpace"], interop)
        got = facts["chromaticities"] or [0] * 8
        if max(abs(a - b) for a, b in zip(got, xy)) > 1e-6:
            wrong.append(f"chromaticities are {got}")
    if args.timecode:
        want("timeCode", facts["timeCode"], args.timecode)
    if args.reel:
        want("reelName", facts["reelName"], args.reel)
    if facts["acesImageContainerFlag"] and (
        facts["compression"] != "none"
        or facts["colorInteropID"] != "lin_ap0_scene"
        or set(facts["channels"].values()) != {"float16"}
        or set(facts["channels"]) != set("RGB")
    ):
        wrong.append("acesImageContainerFlag is set on a file that is no ST 2065-4 file")
    return wrong


def compare(planes, pixels, compression):
    want = pixels.astype(np.float16)
    if not compression.startswith("dwa"):
        return np.array_equal(planes, want), 0.0
    error = np.abs(planes.astype(np.float32) - want.astype(np.float32))
    allowed = DWA_RELATIVE * np.abs(want.astype(np.float32)) + DWA_FLOOR
    return bool((error <= allowed).all()), float(error.max())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("files", nargs="*", type=pathlib.Path)
    p.add_argument("--space", choices=SPACES)
    p.add_argument("--timecode", help="of the first file; the others are printed only")
    p.add_argument("--reel")
    p.add_argument("--pixels", type=pathlib.Path, help=".npy of float32 (3, rows, columns) that the files must hold")
    p.add_argument("--matrix", type=pathlib.Path)
    args = p.parse_args()
    if args.matrix:
        args.files = sorted(args.matrix.glob("*/plates/*/*.exr"))
        args.pixels = args.matrix / "pixels.npy"
        args.space, args.timecode, args.reel = "ACES2065-1", "10:20:30:47", "A001C002"
    if not args.files:
        p.error("no files")
    pixels = np.load(args.pixels) if args.pixels else None
    bad = 0
    for i, path in enumerate(args.files):
        facts, planes = facts_of(path)
        if i > 0 and not args.matrix:
            args.timecode = None
        wrong = check(facts, args)
        if pixels is not None:
            same, facts["max_error"] = compare(planes, pixels, facts["compression"])
            if not same:
                wrong.append("the pixels differ")
        print(json.dumps(facts | {"wrong": wrong}))
        bad += bool(wrong)
    print(f"{len(args.files) - bad} of {len(args.files)} files are as they should be", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
