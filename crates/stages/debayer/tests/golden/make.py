#!/usr/bin/env python3
"""Makes the golden numbers of the debayer's tests from others' implementations.

    make.py linear > linear.txt      # needs colour-demosaicing
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


def rcd(driver):
    y, x = np.mgrid[0:28, 0:30]
    wave = 200 + (x * x + 2 * y * y) % 97 + 9 * x
    mosaic = ((wave + 180 * (x + y > 29) + (37 * x * y + 11 * x + 5 * y) % 61) / 1024).astype(np.float32)
    assert mosaic.max() < 1
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
else:
    rcd(sys.argv[2])
