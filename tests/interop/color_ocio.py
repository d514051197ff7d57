#!/usr/bin/env python3
"""Compares our colour with OpenColorIO on a dense grid.

    python3 -m pip install opencolorio numpy
    python3 tests/interop/color_ocio.py [path of the `transform` example; built with cargo when left out]

Prints the largest difference of each transform; exits with 1 when one is too large. For the output
transform, each channel is judged twice: its code value to 1e-4 where its display light is away from
the ends (0.001 to 0.9999), and its display light to 1e-4 everywhere, because next to black the gamma
turns rounding errors of 1e-8 of light into code values of 1e-3. HDR codes are judged to 1e-4 where they
are over 0.01 in both; the transform has edges, on whose other side a pixel may fall: three may differ.
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


def nits_of(name, code):
    """Display light of code values in nits: SMPTE ST 2084; for HLG, of greys on a display of 1,000 nits."""
    code = np.asarray(code, np.float64)
    if "hlg" in name:
        scene = np.where(code > 0.5, (np.exp((code - 0.5599107) / 0.17883277) + 0.28466892) / 12, code**2 / 3)
        return 1000 * scene**1.2
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    p = code ** (1 / m2)
    return 10_000 * (np.maximum(p - c1, 0) / (c2 - c3 * p)) ** (1 / m1)


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
    a, b = ours(binary, "rec709", pixels), np.clip(theirs(config, view, pixels), 0.0, 1.0)
    light = b.astype(np.float64) ** 2.4
    inside = (light > 1e-3) & (light < 0.9999)
    print(f"output transform: {inside.sum()} of {inside.size} channels away from the ends of the display")
    judge("output transform, away from the ends", np.abs(a[inside] - b[inside]), 1e-4)
    judge("output transform, all, in display light", np.abs(a.astype(np.float64) ** 2.4 - light), 1e-4)

    hdr = {"rec2100-hlg-1000": ("Rec.2100-HLG - Display", "ACES 2.0 - HDR 1000 nits (P3 D65)")}
    for nits in (500, 1000, 2000, 4000):
        for suffix, limit in (("", "P3 D65"), ("-rec2020", "Rec.2020")):
            view = f"ACES 2.0 - HDR {nits} nits ({limit})"
            hdr[f"rec2100-pq-{nits}{suffix}"] = ("Rec.2100-PQ - Display", view)
    for ours_name, (display, view) in hdr.items():
        t = ocio.DisplayViewTransform(src="ACES2065-1", display=display, view=view)
        a, b = ours(binary, ours_name, pixels), np.clip(theirs(config, t, pixels), 0.0, 1.0)
        # Next to black their way over XYZ makes code values of rounding errors: 0.01 nits are let pass.
        seen = np.abs(nits_of(ours_name, a) - nits_of(ours_name, b)) > 0.01
        error = np.where(seen & (a > 0.01) & (b > 0.01), np.abs(a - b), 0.0).max(axis=1)
        beyond = error > 1e-4
        print(f"{ours_name}: {beyond.sum()} of {len(pixels)} pixels on the other side of an edge")
        failed |= beyond.sum() > 3
        judge(f"{ours_name}, the others, code values", error[~beyond], 1e-4)

    for ours_name, space in (("acescg", "ACEScg"), ("acescct", "ACEScct")):
        t = ocio.ColorSpaceTransform(src="ACES2065-1", dst=space)
        a, b = ours(binary, ours_name, pixels), theirs(config, t, pixels)
        judge(f"ACES2065-1 to {space}, relative", np.abs(a - b) / np.maximum(1.0, np.abs(b)), 2e-6)

    logs = {
        "LogC3-EI800/AWG3": "ARRI LogC3 (EI800)",
        "LogC4/AWG4": "ARRI LogC4",
        "S-Log3/S-Gamut3": "S-Log3 S-Gamut3",
        "S-Log3/S-Gamut3.Cine": "S-Log3 S-Gamut3.Cine",
        "V-Log/V-Gamut": "V-Log V-Gamut",
        "Log3G10/REDWideGamutRGB": "Log3G10 REDWideGamutRGB",
        "BlackmagicFilm-Gen5/BWG": "BMDFilm WideGamut Gen5",
        "DaVinciIntermediate/DWG": "DaVinci Intermediate WideGamut",
    }
    for ours_name, space in logs.items():
        t = ocio.ColorSpaceTransform(src="ACES2065-1", dst=space)
        a, b = ours(binary, ours_name, pixels), theirs(config, t, pixels)
        # The straight part under the break goes down steeply: a few thousandths of light are whole code values.
        judge(f"ACES2065-1 to {space}, relative", np.abs(a - b) / np.maximum(1.0, np.abs(b)), 2e-5)

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
