#!/usr/bin/env python3
"""Compares our colour with OpenColorIO on a dense grid.

    python3 -m pip install opencolorio numpy
    python3 tests/interop/color_ocio.py [path of the `transform` example; built with cargo when left out]

Prints the largest difference of each transform; exits with 1 when one is too large. For the output
transform, each channel is judged twice: its code value to 1e-4 where its display light is away from
the ends (0.001 to 0.9999), and its display light to 1e-4 everywhere, because next to black the gamma
turns rounding errors of 1e-8 of light into code values of 1e-3.
"""

import os
import subprocess
import sys

import numpy as np
import PyOpenColorIO as ocio

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def build():
    command = ["cargo", "build", "--release", "--quiet", "-p", "rushes-color", "--example", "transform"]
    subprocess.run(command, cwd=ROOT, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    return os.path.join(target, "release", "examples", "transform")


def ours(binary, name, pixels):
    run = subprocess.run([binary, name], input=pixels.astype("<f4").tobytes(), stdout=subprocess.PIPE, check=True)
    return np.frombuffer(run.stdout, "<f4").reshape(-1, 3)


def theirs(config, transform, pixels):
    cpu = config.getProcessor(transform).getOptimizedCPUProcessor(ocio.OPTIMIZATION_NONE)
    out = np.ascontiguousarray(pixels, dtype=np.float32).copy()
    cpu.applyRGB(out)
    return out


def grid():
    axis = np.concatenate([[-0.05, -0.005, 0.0], np.geomspace(0.0005, 16.0, 37)])
    lattice = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    # A lattice misses most hues: as many random pixels, half of them of moderate saturation.
    random = np.random.default_rng(2026)
    level = 10 ** random.uniform(-3, 1.2, (200_000, 1))
    spread = np.where(np.arange(200_000)[:, None] % 2 == 0, 0.3, 1.5)
    noise = level * 10 ** random.uniform(-spread, 0, (200_000, 3))
    return np.concatenate([lattice, noise]).astype(np.float32)


def main():
    binary = sys.argv[1] if len(sys.argv) > 1 else build()
    names = [c[0] for c in ocio.BuiltinConfigRegistry().getBuiltinConfigs()]
    name = [n for n in names if n.startswith("studio") and "aces-v2.0" in n][-1]
    config = ocio.Config.CreateFromBuiltinConfig(name)
    pixels = grid()
    print(f"OpenColorIO {ocio.GetVersion()}, {name}, {len(pixels)} pixels")
    failed = False

    def judge(what, error, limit):
        nonlocal failed
        worst = float(error.max()) if error.size else 0.0
        failed |= not worst <= limit
        print(f"{what}: max {worst:.3g}, 99.9 % below {np.quantile(error, 0.999) if error.size else 0:.3g}, limit {limit:g}")

    view = ocio.DisplayViewTransform(
        src="ACES2065-1", display="Rec.1886 Rec.709 - Display", view="ACES 2.0 - SDR 100 nits (Rec.709)"
    )
    a, b = ours(binary, "sdr-rec709", pixels), np.clip(theirs(config, view, pixels), 0.0, 1.0)
    light = b.astype(np.float64) ** 2.4
    inside = (light > 1e-3) & (light < 0.9999)
    print(f"output transform: {inside.sum()} of {inside.size} channels away from the ends of the display")
    judge("output transform, away from the ends", np.abs(a[inside] - b[inside]), 1e-4)
    judge("output transform, all, in display light", np.abs(a.astype(np.float64) ** 2.4 - light), 1e-4)

    for ours_name, space in (("acescg", "ACEScg"), ("acescct", "ACEScct")):
        t = ocio.ColorSpaceTransform(src="ACES2065-1", dst=space)
        a, b = ours(binary, ours_name, pixels), theirs(config, t, pixels)
        judge(f"ACES2065-1 to {space}, relative", np.abs(a - b) / np.maximum(1.0, np.abs(b)), 2e-6)

    for ours_name, style in (("cdl", ocio.CDL_ASC), ("cdl-no-clamp", ocio.CDL_NO_CLAMP)):
        t = ocio.CDLTransform()
        t.setStyle(style)
        t.setSlope((1.35, 1.1, 0.71))
        t.setOffset((0.05, -0.23, 0.11))
        t.setPower((0.93, 0.81, 1.27))
        t.setSat(1.239)
        a, b = ours(binary, ours_name, pixels), theirs(config, t, pixels)
        judge(f"{ours_name}, relative", np.abs(a - b) / np.maximum(1.0, np.abs(b)), 5e-6)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
