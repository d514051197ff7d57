#!/usr/bin/env python3
"""Compares the debayer's linear filters with colour-demosaicing, in all four Bayer phases.

    python3 -m pip install colour-demosaicing
    python3 tests/interop/debayer.py [path of the `debayer` example; built with cargo when left out]

Two checks for bilinear and Malvar 2004, each to 1e-5:
- inside the borders (the filters' radius left out), against the tool's plain result;
- everywhere, against the tool run on the mosaic mirrored without repeating its edge, which is our border rule.
Prints the largest differences; exits with 1 when one is too large.
"""

import os
import subprocess
import sys
import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import colour_demosaicing as cd

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT = 1e-5
RADIUS = {"bilinear": 1, "malvar": 2}
THEIRS = {
    "bilinear": cd.demosaicing_CFA_Bayer_bilinear,
    "malvar": cd.demosaicing_CFA_Bayer_Malvar2004,
}


def build():
    subprocess.run(
        ["cargo", "build", "--release", "--quiet", "-p", "rushes-debayer", "--example", "debayer"],
        cwd=ROOT,
        check=True,
    )
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    return os.path.join(target, "release", "examples", "debayer")


def ours(binary, mosaic, cfa, method):
    height, width = mosaic.shape
    done = subprocess.run(
        [binary, str(width), str(height), cfa, method],
        input=mosaic.astype(np.float32).tobytes(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return np.frombuffer(done.stdout, np.float32).reshape(3, height, width).transpose(1, 2, 0)


def main():
    binary = sys.argv[1] if len(sys.argv) > 1 else build()
    rng = np.random.default_rng(2004)
    failed = False
    for method, theirs in THEIRS.items():
        radius = RADIUS[method]
        for cfa in ("RGGB", "BGGR", "GRBG", "GBRG"):
            inside = everywhere = 0.0
            for width, height in ((64, 48), (37, 53), (53, 12), (6, 6), (5, 7)):
                mosaic = rng.uniform(-0.1, 1.2, (height, width)).astype(np.float32)
                got = ours(binary, mosaic, cfa, method)
                want = theirs(mosaic.astype(np.float64), cfa)
                cut = slice(radius, -radius)
                inside = max(inside, np.abs(got - want)[cut, cut].max())
                # An even pad keeps the phase.
                padded = np.pad(mosaic.astype(np.float64), 4, mode="reflect")
                want = theirs(padded, cfa)[4:-4, 4:-4]
                everywhere = max(everywhere, np.abs(got - want).max())
            bad = not (inside <= LIMIT and everywhere <= LIMIT)
            failed |= bad
            verdict = "FAILED" if bad else "ok"
            print(f"{method:9} {cfa}  inside {inside:.2e}  with mirrored borders {everywhere:.2e}  {verdict}")
    print(f"colour-demosaicing {cd.__version__}, limit {LIMIT:g}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
