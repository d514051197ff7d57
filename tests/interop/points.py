#!/usr/bin/env python3
"""Follows one frame through the chain with other people's arithmetic.

    points.py RUSHES FRAME.dng WORK-FOLDER

The mosaic is compared with rawpy's (LibRaw), levels with numpy, the bilinear debayer with
colour-demosaicing, the input transform with numpy (a matrix must explain all pixels, and take
AsShotNeutral to grey), and the display picture with OpenColorIO. Exits with 1 on a mismatch.
"""

import os
import subprocess
import sys
import warnings

import numpy as np
import PyOpenColorIO as ocio
import rawpy

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import colour_demosaicing as cd

rushes, path, work = sys.argv[1:4]
os.makedirs(work, exist_ok=True)
failed = False


def take(at, *more):
    out = os.path.join(work, at + ".npy")
    command = [rushes, "frame", path, "--at", at, "--out", out, "--overwrite", "--debayer", "bilinear", *more]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return np.load(out)


def judge(what, error, limit):
    global failed
    failed |= not error <= limit
    print(f"{what}: max difference {error:.3g}, limit {limit:g}")


with rawpy.imread(path) as raw:
    stored, pattern, white = raw.raw_image.copy(), raw.raw_pattern, raw.white_level
    neutral = 1 / np.array(raw.camera_whitebalance[:3])
    black = np.array(raw.black_level_per_channel, float)

mosaic = take("mosaic")
assert mosaic.dtype == np.uint16 and mosaic.shape == stored.shape, (mosaic.dtype, mosaic.shape)
judge("mosaic, LibRaw", float(np.abs(mosaic.astype(int) - stored).max()), 0)

linear = take("linear")[0]
judge("linear, numpy", float(np.abs(linear - (mosaic - black[0]) / (white - black[0])).max()), 1e-6)

camera = take("camera-rgb")
name = "".join("RGBG"[c] for c in pattern.flatten())
theirs = np.moveaxis(cd.demosaicing_CFA_Bayer_bilinear(linear.astype(np.float64), name), -1, 0)
judge("camera-rgb, colour-demosaicing", float(np.abs(camera - theirs)[:, 2:-2, 2:-2].max()), 1e-5)

aces = take("aces2065-1", "--keep-highlights")
x, y = camera.reshape(3, -1).T.astype(float), aces.reshape(3, -1).T.astype(float)
matrix = np.linalg.lstsq(x, y, rcond=None)[0]
judge("aces2065-1, one matrix for all pixels", float(np.abs(x @ matrix - y).max()), 1e-5)
grey = (neutral / neutral.max()) @ matrix
judge("aces2065-1, the neutral is grey", float(grey.max() / grey.min() - 1), 1e-3)

display = take("display")
names = [c[0] for c in ocio.BuiltinConfigRegistry().getBuiltinConfigs()]
config = ocio.Config.CreateFromBuiltinConfig([n for n in names if n.startswith("studio") and "aces-v2.0" in n][-1])
view = ocio.DisplayViewTransform(
    src="ACES2065-1", display="Rec.1886 Rec.709 - Display", view="ACES 2.0 - SDR 100 nits (Rec.709)"
)
cpu = config.getProcessor(view).getOptimizedCPUProcessor(ocio.OPTIMIZATION_NONE)
picture = np.ascontiguousarray(np.moveaxis(take("aces2065-1"), 0, -1)).reshape(-1, 3).copy()
cpu.applyRGB(picture)
picture = np.clip(picture, 0, 1)
light = picture.astype(float) ** 2.4
inside = (light > 1e-3) & (light < 0.9999)
ours = np.moveaxis(display, 0, -1).reshape(-1, 3)
judge("display, OpenColorIO", float(np.abs(ours - picture)[inside].max()), 1e-4)
sys.exit(1 if failed else 0)
