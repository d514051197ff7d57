#!/usr/bin/env python3
"""Makes the golden numbers of the debayer's tests from others' implementations.

    make.py linear > linear.txt      # needs colour-demosaicing
    make.py gbtf > gbtf.txt          # the formulas over whole arrays, in float64
    make.py rcd DRIVER > rcd.txt     # DRIVER WIDTH HEIGHT CFA: f32 mosaic in, planar f32 RGB out, from librtprocess
"""

import subprocess
import sys

import numpy as np

CFAS = ("RGGB", "BGGR", "GRBG", "GBRG")


def linear():
    import colour_demosaicing as cd

    tools = {"bilinear": cd.demosaicing_CFA_Bayer_bilinear, "malvar": cd.demosaicing_CFA_Bayer_Malvar2004}
    y, x = np.mgrid[0:10, 0:12]
    mosaic = ((31 * y * y + 17 * x * x + 7 * x * y + 13 * x + 5 * y) % 251).astype(np.float64)
    print(f"# colour-demosaicing {cd.__version__}, times 16; 12x10; mosaic padded with numpy's reflect, then cut")
    for method, tool in tools.items():
        for cfa in CFAS:
            rgb = 16 * tool(np.pad(mosaic, 4, mode="reflect"), cfa)[4:-4, 4:-4]
            plain = 16 * tool(mosaic, cfa)
            assert np.array_equal(rgb[2:-2, 2:-2], plain[2:-2, 2:-2])
            assert np.array_equal(rgb, np.round(rgb))
            print(method, cfa)
            for plane in range(3):
                for row in rgb[..., plane]:
                    print(*(int(v) for v in row))


def picture():
    y, x = np.mgrid[0:28, 0:30]
    wave = 200 + (x * x + 2 * y * y) % 97 + 9 * x
    mosaic = ((wave + 180 * (x + y > 29) + (37 * x * y + 11 * x + 5 * y) % 61) / 1024).astype(np.float32)
    assert mosaic.max() < 1
    return mosaic


def gbtf():
    """Written for these numbers from the description in src/gbtf/mod.rs, not from the Rust."""
    print(f"# float64 in NumPy {np.__version__}; 30x28, mirrored borders; rows 0 to 9 and columns 10 to 19")
    mosaic = picture().astype(np.float64)

    def at(a, dy, dx):
        height, width = a.shape
        return np.pad(a, 4, mode="reflect")[4 + dy : 4 + dy + height, 4 + dx : 4 + dx + width]

    # The mosaic is mirrored, what follows from it is computed on the wider picture: 16 keeps the phase.
    wide = np.pad(mosaic, 16, mode="reflect")
    rows, cols = np.indices(wide.shape)
    for cfa in CFAS:
        index = cfa.index("R")
        red = (rows % 2 == index // 2) & (cols % 2 == index % 2)
        blue = (rows % 2 != index // 2) & (cols % 2 != index % 2)
        chroma, sign = red | blue, np.where(red | blue, 1.0, -1.0)

        sides, rest = [], []
        for dy, dx in ((1, 0), (0, 1)):
            mean = (at(wide, dy, dx) + at(wide, -dy, -dx)) / 2
            curve = (2 * wide - at(wide, 2 * dy, 2 * dx) - at(wide, -2 * dy, -2 * dx)) / 4
            line = sign * (mean + 0.75 * curve - wide)
            change = np.abs(at(line, dy, dx) - at(line, -dy, -dx))
            change = change + at(change, dx, dy) + at(change, -dx, -dy)
            for way in (-1, 1):
                step = lambda a, n: at(a, n * way * dy, n * way * dx)
                sides.append((3 * line + 2 * step(line, 1) + step(line, 2)) / 6)
                rest.append(sum(step(change, n) for n in range(4)) ** 2 + 1e-6)
        difference = sum(s / r for s, r in zip(sides, rest)) / sum(1 / r for r in rest)
        green = np.where(chroma, wide + difference, wide)

        def adapt(of, ways):
            total = weights = 0
            for dy, dx in ways:
                across = np.abs(at(of, dy, dx) - at(of, -dy, -dx))
                along = np.abs(at(of, dy, dx) - at(of, 3 * dy, 3 * dx))
                weight = 1 / (across + along + np.abs(green - at(green, 2 * dy, 2 * dx)) + 1e-4)
                total, weights = total + weight * at(of, dy, dx), weights + weight
            return total / weights

        opposite = adapt(difference, ((-1, -1), (-1, 1), (1, -1), (1, 1)))
        planes = [None, green, None]
        for plane, own, other in ((0, red, blue), (2, blue, red)):
            known = np.where(own, difference, np.where(other, opposite, 0))
            around = adapt(known, ((-1, 0), (1, 0), (0, -1), (0, 1)))
            planes[plane] = green - np.where(chroma, known, around)
        print("gbtf", cfa)
        for plane in planes:
            for row in plane[16:26, 26:36]:
                print(*(f"{v:.7f}" for v in row))


def rcd(driver):
    mosaic = picture()
    print("# librtprocess 9a85827 with the diagonal high-pass on red and blue sites; 30x28, 10 cut off all round")
    for cfa in CFAS:
        out = subprocess.run([driver, "30", "28", cfa], input=mosaic.tobytes(), stdout=subprocess.PIPE, check=True)
        rgb = np.frombuffer(out.stdout, np.float32).reshape(3, 28, 30)[:, 10:-10, 10:-10]
        # It clips at 0; these numbers must not depend on that.
        assert rgb.min() > 0
        print("rcd", cfa)
        for row in rgb.reshape(-1, 10):
            print(*(f"{v:.7f}" for v in row))


if sys.argv[1] == "linear":
    linear()
elif sys.argv[1] == "gbtf":
    gbtf()
else:
    rcd(sys.argv[2])
