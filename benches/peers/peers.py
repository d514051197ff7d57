"""Times what people use today and Rushes in one run, and prints both as a table in Markdown.

    peers.py RUSHES SCRATCH FRAMES COMMIT    # SCRATCH/card is a synthetic card of 4096x2304
"""

import json
import os
import pathlib
import platform
import subprocess
import sys
import time

# One thread a library, before they are loaded; jobs use all cores.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import cv2
import numpy as np
import OpenEXR
import PyOpenColorIO as ocio
import rawpy

WIDTH, HEIGHT = 4096, 2304
cv2.setNumThreads(1)


def best(run, times=5):
    """Seconds of the fastest of some runs, after one that is not counted."""
    run()
    spent = []
    for _ in range(times):
        begun = time.perf_counter()
        run()
        spent.append(time.perf_counter() - begun)
    return min(spent)


def picture(height, width):
    """Slopes, edges and a little grain, 0 to 1, planes last."""
    y, x = np.mgrid[0:height, 0:width]
    grain = np.random.default_rng(1).random((height, width, 3), dtype=np.float32)
    slope = 0.2 + 0.4 * x / width
    edge = np.where((x // 90 + y // 70) % 2 == 0, 0.15, 0.0)
    planes = np.stack([slope + edge + 0.1 * p for p in range(3)], axis=-1)
    return (planes + 0.01 * grain).astype(np.float32)


def colour(processor, low=-8, high=3):
    """Pixels a second of light from 2^low to 2^high around grey, in all hues."""
    cpu = processor.getDefaultCPUProcessor()
    stops = np.random.default_rng(1).random((256, 1024, 3)) * (high - low) + low
    light = (0.18 * 2**stops).astype(np.float32)
    return light.shape[0] * light.shape[1] / best(lambda: cpu.applyRGB(light.copy()), 3)


def transform(display, view):
    config = ocio.Config.CreateFromBuiltinConfig("studio-config-v4.0.0_aces-v2.0_ocio-v2.5")
    return colour(config.getProcessor(ocio.DisplayViewTransform("ACES2065-1", display, view)))


def acescct():
    config = ocio.Config.CreateFromBuiltinConfig("studio-config-v4.0.0_aces-v2.0_ocio-v2.5")
    return colour(config.getProcessor("ACES2065-1", "ACEScct"))


def camera_log():
    config = ocio.Config.CreateFromBuiltinConfig("studio-config-v4.0.0_aces-v2.0_ocio-v2.5")
    return colour(config.getProcessor("S-Log3 S-Gamut3.Cine", "ACEScg"), -5, 2.4)


def lut():
    cube = ocio.Lut3DTransform(33)
    cube.setInterpolation(ocio.INTERP_TETRAHEDRAL)
    b, g, r = np.meshgrid(*[np.linspace(0, 1, 33)] * 3, indexing="ij")
    cube.setData(np.stack([r**1.1, 0.95 * g + 0.05 * b, b * b * 0.2 + 0.8 * b], axis=-1).astype(np.float32).ravel())
    return colour(ocio.Config.CreateRaw().getProcessor(cube), -5, 2.4)


def plate(scratch, compression):
    half = picture(HEIGHT // 4, WIDTH).astype(np.float16)
    header = {"compression": compression, "type": OpenEXR.scanlineimage}
    channels = {name: np.ascontiguousarray(half[..., i]) for i, name in enumerate("RGB")}
    path = str(scratch / "peer.exr")
    return half.shape[0] * half.shape[1] / best(lambda: OpenEXR.File(header, channels).write(path))


def prores(scratch, codec):
    raw = scratch / "peer.yuv"
    rgb = (picture(1080, 1920) * 65535).clip(0, 65535).astype("<u2")
    frames = 12
    to_yuv = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb48le", "-s", "1920x1080", "-i", "-"]
    to_yuv += ["-pix_fmt", "yuv422p10le", "-f", "rawvideo", raw]
    subprocess.run(to_yuv, input=rgb.tobytes(), check=True)
    raw.write_bytes(raw.read_bytes() * frames)
    encode = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv422p10le", "-s", "1920x1080"]
    encode += ["-i", raw, "-threads", "1", "-c:v", codec, "-profile:v", "0", "-f", "mov", scratch / "peer.mov"]
    return 1920 * 1080 * frames / best(lambda: subprocess.run(encode, check=True), 2)


def develop(frames):
    """LibRaw's AHD to half-float EXR with ZIP, a process a core."""
    code = (
        "import sys, rawpy, numpy, OpenEXR\n"
        "for path in sys.argv[1:]:\n"
        "    with rawpy.imread(path) as raw:\n"
        "        rgb = raw.postprocess(output_color=rawpy.ColorSpace.ACES, output_bps=16, gamma=(1, 1),"
        " no_auto_bright=True, use_camera_wb=True, demosaic_algorithm=rawpy.DemosaicAlgorithm.AHD)\n"
        "    half = (rgb / 65535).astype(numpy.float16)\n"
        "    channels = {n: numpy.ascontiguousarray(half[..., i]) for i, n in enumerate('RGB')}\n"
        "    header = {'compression': OpenEXR.ZIP_COMPRESSION, 'type': OpenEXR.scanlineimage}\n"
        "    OpenEXR.File(header, channels).write(path + '.exr')\n"
    )
    cores = os.cpu_count()
    begun = time.perf_counter()
    parts = [frames[i::cores] for i in range(cores)]
    processes = [subprocess.Popen([sys.executable, "-c", code, *map(str, part)]) for part in parts if part]
    if any(p.wait() for p in processes):
        sys.exit("rawpy failed")
    spent = time.perf_counter() - begun
    for frame in frames:
        pathlib.Path(f"{frame}.exr").unlink(missing_ok=True)
    return len(frames) / spent


def ffmpeg_proxy(frames, codec):
    """FFmpeg's own DNG decoder and ProRes, all cores, no colour management; None where it does not read the files."""
    pattern = str(frames[0])[: -len("000000.dng")] + "%06d.dng"
    out = frames[0].parent / "peer.mov"
    command = ["ffmpeg", "-v", "error", "-y", "-framerate", "24", "-i", pattern, "-vf", "scale=1920:1080"]
    command += ["-pix_fmt", "yuv422p10le", "-c:v", codec, "-profile:v", "0", out]
    begun = time.perf_counter()
    done = subprocess.run(command, stderr=subprocess.PIPE)
    spent = time.perf_counter() - begun
    whole = done.returncode == 0 and out.stat().st_size > 100_000
    out.unlink(missing_ok=True)
    return len(frames) / spent if whole else None


def main():
    rushes, scratch, count, commit = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    command = [rushes, "bench", "--json", "--frames", str(count), "--scratch", scratch]
    ours = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    kernels = {k["name"]: k["megapixels_s"] * 1e6 for k in ours["kernels"]}
    jobs = {j["name"]: j["frames_s"] for j in ours["jobs"]}

    mosaic = (picture(HEIGHT, WIDTH)[..., 0] * 65535).astype(np.uint16)
    full = picture(HEIGHT, WIDTH)
    area = best(lambda: cv2.resize(full, (1920, 1080), interpolation=cv2.INTER_AREA))
    bilinear = best(lambda: cv2.demosaicing(mosaic, cv2.COLOR_BayerRG2RGB))
    versions = {"OpenColorIO": ocio.__version__, "OpenCV": cv2.__version__, "OpenEXR": OpenEXR.__version__}
    rows = [
        ("debayer, bilinear", "debayer, bilinear", "OpenCV, 16 bit", WIDTH * HEIGHT / bilinear),
        (
            "ACES 2.0 output transform, Rec.709",
            "ACES 2.0 output transform",
            "OpenColorIO",
            transform("Rec.1886 Rec.709 - Display", "ACES 2.0 - SDR 100 nits (Rec.709)"),
        ),
        (
            "the same, PQ at 1,000 nits",
            "ACES 2.0 output transform, PQ 1,000 nits",
            "OpenColorIO",
            transform("Rec.2100-PQ - Display", "ACES 2.0 - HDR 1000 nits (P3 D65)"),
        ),
        ("ACES2065-1 to ACEScct", "ACES2065-1 to ACEScct", "OpenColorIO", acescct()),
        ("S-Log3, S-Gamut3.Cine to ACEScg", "S-Log3 and S-Gamut3.Cine to ACEScg", "OpenColorIO", camera_log()),
        ("33x33x33 LUT, tetrahedral", "33x33x33 LUT, tetrahedral", "OpenColorIO", lut()),
        ("scale to 1080p", "scale to 1080p, Lanczos3", "OpenCV, area (softer)", WIDTH * HEIGHT / area),
        ("EXR plate, half RGB, uncompressed", "EXR plate, uncompressed", "OpenEXR", plate(scratch, OpenEXR.NO_COMPRESSION)),
        ("EXR plate, half RGB, PIZ", "EXR plate, PIZ", "OpenEXR", plate(scratch, OpenEXR.PIZ_COMPRESSION)),
        ("EXR plate, half RGB, ZIP", "EXR plate, ZIP", "OpenEXR", plate(scratch, OpenEXR.ZIP_COMPRESSION)),
        ("ProRes 422 Proxy, 1080p", "Y'CbCr and ProRes 422 Proxy", "FFmpeg, prores_ks", prores(scratch, "prores_ks")),
        ("ProRes 422 Proxy, 1080p", "Y'CbCr and ProRes 422 Proxy", "FFmpeg, prores_aw", prores(scratch, "prores_aw")),
    ]
    print(f"{processor()}, {os.cpu_count()} cores, {ours['level']}; commit {commit}")
    print(", ".join(f"{k} {v}" for k, v in versions.items()) + f", rawpy {rawpy.__version__}, {ffmpeg_version()}\n")
    print("| one thread, Mpix/s | Rushes | | others | ratio |\n|---|---|---|---|---|")
    for what, name, peer, theirs in rows:
        mine = kernels[name]
        print(f"| {what} | {mine / 1e6:.0f} | {peer} | {theirs / 1e6:.1f} | {mine / theirs:.1f} |")

    frames = sorted((scratch / "card" / "A001_R1AB").rglob("*.dng"))
    plates = jobs["plates alone"]
    proxies = jobs["proxy alone, half-size debayer"]
    ends = [
        ("plates", plates, "rawpy AHD, OpenEXR ZIP", develop(frames)),
        ("proxies", proxies, "FFmpeg prores_aw, no colour management", ffmpeg_proxy(frames, "prores_aw")),
        ("proxies", proxies, "FFmpeg prores_ks, no colour management", ffmpeg_proxy(frames, "prores_ks")),
    ]
    print(f"\n| {count} frames of 4096x2304, 12 bit, all cores, frames/s | Rushes | | others | ratio |\n|---|---|---|---|---|")
    for what, mine, peer, theirs in ends:
        said = (f"{theirs:.1f}", f"{mine / theirs:.1f}") if theirs else ("does not read them", "")
        print(f"| {what} | {mine:.1f} | {peer} | {said[0]} | {said[1]} |")
    for job in ours["jobs"][:2]:
        print(f"| {job['name']} | {job['frames_s']:.1f} | | | |")


def processor():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines() if pathlib.Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def ffmpeg_version():
    said = subprocess.run(["ffmpeg", "-version"], stdout=subprocess.PIPE, check=True, text=True).stdout
    return "FFmpeg " + said.split()[2]


if __name__ == "__main__":
    main()
