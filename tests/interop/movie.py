#!/usr/bin/env python3
"""Opens an editorial movie with FFmpeg and checks that an editor could relink it.

    movie.py proxies/A001_C002.mov --timecode 01:02:03:04 --reel A001R1AB --frames 12 \
             --size 256x64 --rate 24000/1001 [--bars]

ffprobe must see the codec, the timecode, the reel, the frame count, the rate, video levels and
BT.709 tags; ffmpeg must decode every frame without a word. `--timecode none` and `--reel none`
ask that there be none. `--bars` is for the bar chart that the test
`ffmpeg_decodes_bars_to_their_codes` of rushes-proxy leaves in $RUSHES_INTEROP_OUT: decoded code
values within 2 of BT.709's, white and black within 1.

Prints what was found as one line of JSON. Exits with 1 when a check fails, with 2 when FFmpeg
is not there. Checked with FFmpeg 5.1.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys

# 75 % bars as Y, Cb, Cr at 10 bits: colour-science 0.4.7, equal to SMPTE RP 219-1, table 2.
BARS = [
    (721, 512, 512),
    (674, 176, 543),
    (581, 589, 176),
    (534, 253, 207),
    (251, 771, 817),
    (204, 435, 848),
    (111, 848, 481),
    (64, 512, 512),
]


def run(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode or done.stderr:
        raise ValueError(f"{command[0]} says: {done.stderr.decode(errors='replace').strip() or done.returncode}")
    return done.stdout


def facts_of(path):
    found = json.loads(
        run("ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json", path)
    )
    video = [s for s in found["streams"] if s["codec_type"] == "video"]
    if len(video) != 1:
        raise ValueError(f"{len(video)} video streams")
    video = video[0]

    def tags(key):
        return sorted({s["tags"][key] for s in found["streams"] + [found["format"]] if key in s.get("tags", {})})

    return {
        "codec_tag": video["codec_tag_string"],
        "profile": video.get("profile"),
        "pix_fmt": video["pix_fmt"],
        "size": f"{video['width']}x{video['height']}",
        "rate": video["r_frame_rate"],
        "frames": int(video["nb_read_frames"]),
        "frames_in_table": int(video.get("nb_frames", 0)),
        "duration": (int(video["duration_ts"]), video["time_base"]),
        "levels": video.get("color_range"),
        "color": [video.get(k) for k in ("color_primaries", "color_transfer", "color_space")],
        "field_order": video.get("field_order"),
        "timecode": tags("timecode"),
        "reel": tags("reel_name"),
    }


def decode(path):
    return run("ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "rawvideo", "-pix_fmt", "yuv422p10le", "-")


def check_bars(raw, width, height):
    """The chart: eight bars in the upper half; white left and black right in the lower."""
    frame = memoryview(raw)[: width * height * 4].cast("H")

    def at(x, y):
        chroma = y * width // 2 + x // 2
        return frame[y * width + x], frame[width * height + chroma], frame[width * height * 3 // 2 + chroma]

    for bar, want in enumerate(BARS):
        got = at((2 * bar + 1) * width // 16, 3 * height // 16)
        if any(abs(g - w) > 2 for g, w in zip(got, want)):
            yield f"bar {bar} decodes to {got} instead of {want}"
    for name, x, want in (("white", width // 6, 940), ("black", width * 25 // 32, 64)):
        got = at(x, 3 * height // 4)[0]
        if abs(got - want) > 1:
            yield f"{name} decodes to {got} instead of {want}"


def problems(path, args, facts):
    none = ("none", "")
    want = {
        "codec_tag": args.codec_tag,
        "pix_fmt": args.pix_fmt,
        "levels": "tv",
        "color": ["bt709"] * 3,
        "timecode": [] if args.timecode in none else [args.timecode],
        "reel": [] if args.reel in none else [args.reel],
        "frames": args.frames,
        "size": args.size,
        "rate": args.rate,
    }
    if args.codec_tag == "apco":
        want |= {"profile": "Proxy", "field_order": "progressive", "frames_in_table": args.frames}
    for key, value in want.items():
        if value is not None and facts[key] != value:
            yield f"{key} is {facts[key]} instead of {value}"
    raw = decode(path)
    width, height = map(int, facts["size"].split("x"))
    size = (width + (width + 1) // 2 * 2) * height * 2
    if len(raw) != size * facts["frames"]:
        yield f"{len(raw) / size} frames decode instead of {facts['frames']}"
    elif args.bars:
        yield from check_bars(raw, width, height)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("movie", type=pathlib.Path)
    parser.add_argument("--timecode", required=True, help="hh:mm:ss:ff, with ; for drop-frame, or none")
    parser.add_argument("--reel", required=True, help="the reel name, or none")
    parser.add_argument("--frames", type=int, required=True)
    parser.add_argument("--size", required=True, help="WIDTHxHEIGHT")
    parser.add_argument("--rate", help="as a fraction, 24000/1001")
    parser.add_argument("--codec-tag", default="apco")
    parser.add_argument("--pix-fmt", default="yuv422p10le")
    parser.add_argument("--bars", action="store_true", help="check the code values of the bar chart")
    args = parser.parse_args()
    for program in ("ffprobe", "ffmpeg"):
        if not shutil.which(program):
            print(f"movie.py: there is no `{program}` in PATH; install FFmpeg", file=sys.stderr)
            return 2
    try:
        facts = facts_of(args.movie)
        print(json.dumps({"file": args.movie.name, **facts}))
        wrong = list(problems(args.movie, args, facts))
    except (ValueError, KeyError, OSError) as e:
        wrong = [str(e)]
    for text in wrong:
        print(f"movie.py: {args.movie}: {text}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
