#!/usr/bin/env python3
"""Compares the debayer with others' implementations, and measures its quality on photographs.

    python3 -m pip install colour-demosaicing
    python3 tests/interop/debayer.py [path of the `debayer` example; built with cargo when left out]

Two checks for bilinear and Malvar 2004 against colour-demosaicing, in all four Bayer phases, each to 1e-5:
- inside the borders (the filters' radius left out), against the tool's plain result;
- everywhere, against the tool run on the mosaic mirrored without repeating its edge, which is our border rule.
Then, where ../shared/footage/demosaic is (and imageio to read it), the CPSNR of each method on its pictures:
bilinear and Malvar must have those its facts.json states; RCD must be 1.5 dB better than Malvar in the mean, and
GBTF 0.5 dB better than colour-demosaicing's best, Menon 2007.
Prints the largest differences and the mean CPSNR; exits with 1 when a check fails.
"""

import json
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


def equal(binary):
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
    return not failed


def cpsnr(got, truth, border):
    cut = slice(border, -border)
    error = (np.clip(got, 0.0, 1.0) - truth)[cut, cut]
    return -10 * np.log10(np.mean(error**2))


def quality(binary):
    folder = os.path.join(os.path.dirname(ROOT), "shared", "footage", "demosaic")
    facts = os.path.join(folder, "facts.json")
    if not os.path.exists(facts):
        print(f"SKIPPED: no pictures to measure quality on, {facts} is absent")
        return True
    try:
        import imageio.v3 as imageio
    except ImportError:
        print("SKIPPED: no imageio to read the pictures with")
        return True
    with open(facts) as f:
        images = json.load(f)["images"]
    methods = ["bilinear", "malvar", "rcd", "gbtf"]
    methods += [json.dumps({"method": method, "domain": "linear"}) for method in ("rcd", "gbtf")]
    means, good = {}, True
    for name, fact in images.items():
        truth = imageio.imread(os.path.join(folder, name))[..., :3] / 255.0
        mosaic = truth[..., 1].copy()
        mosaic[::2, ::2] = truth[::2, ::2, 0]
        mosaic[1::2, 1::2] = truth[1::2, 1::2, 2]
        db = {m: cpsnr(ours(binary, mosaic, "RGGB", m), truth, 8) for m in methods}
        for mine, theirs in (("bilinear", "bilinear"), ("malvar", "malvar2004")):
            if abs(db[mine] - fact[theirs]["cpsnr"]) > 2e-3:
                print(f"{name}: {mine} {db[mine]:.3f} dB, not {fact[theirs]['cpsnr']}  FAILED")
                good = False
        db["Menon 2007"] = fact["menon2007"]["cpsnr"]
        for method, value in db.items():
            means.setdefault((os.path.dirname(name), method), []).append(value)
    for (pictures, method), values in sorted(means.items()):
        print(f"{pictures:14} {method:40} mean CPSNR {np.mean(values):.2f} dB")
    for pictures in sorted({pictures for pictures, _ in means}):
        if np.mean(means[pictures, "rcd"]) < np.mean(means[pictures, "malvar"]) + 1.5:
            print(f"{pictures}: RCD is not 1.5 dB better than Malvar  FAILED")
            good = False
        # The pictures are coded for display: no square roots.
        if np.mean(means[pictures, methods[-1]]) < np.mean(means[pictures, "Menon 2007"]) + 0.5:
            print(f"{pictures}: GBTF is not 0.5 dB better than Menon 2007  FAILED")
            good = False
    return good


def main():
    binary = sys.argv[1] if len(sys.argv) > 1 else build()
    results = [equal(binary), quality(binary)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
