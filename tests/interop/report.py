#!/usr/bin/env python3
"""Opens a run report in headless Chromium and checks that it works as a page.

    report.py OUT/report/index.html [--shots FOLDER] [--quick MS]

No console message, no exception, no request but for files of the report; every picture loads;
every link to a part of the page leads somewhere; tables sort and filter; dark mode and print
apply; the page also reads without its script. `--quick` bounds loading, sorting and filtering,
milliseconds each. `--shots` leaves screenshots and a PDF to look at.

Prints what was found as one line of JSON. Exits with 1 when a check fails, and with 2 when there
is no Chromium (set $CHROMIUM, or install the package `chromium`). Needs nothing but Python 3.9.
"""

import argparse
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]


class Browser:
    """Chromium over its debugging pipe: messages of JSON, each ended by a zero byte."""

    def __init__(self, program, profile):
        to_read, self.write = os.pipe()
        self.read, to_write = os.pipe()
        # Chromium reads from descriptor 3 and writes to 4.
        command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
                   "--disable-dev-shm-usage", "--disable-background-networking", "--remote-debugging-pipe",
                   f"--user-data-dir={profile}", "about:blank"]
        shell = f'exec "$@" 3<&{to_read} 4>&{to_write}'
        self.process = subprocess.Popen(["bash", "-c", shell, "bash", *command], pass_fds=(to_read, to_write),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.buffer, self.last, self.session, self.events = bytearray(), 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def message(self, until):
        searched = 0
        while (end := self.buffer.find(b"\0", searched)) < 0:
            searched = len(self.buffer)
            if not select.select([self.read], [], [], max(0, until - time.monotonic()))[0]:
                return None
            piece = os.read(self.read, 1 << 20)
            if not piece:
                raise SystemExit("FAILED: Chromium ended")
            self.buffer += piece
        one = bytes(self.buffer[:end])
        del self.buffer[:end + 1]
        return json.loads(one)

    def call(self, method, **params):
        self.last += 1
        call = {"id": self.last, "method": method, "params": params}
        if self.session:
            call["sessionId"] = self.session
        os.write(self.write, json.dumps(call).encode() + b"\0")
        until = time.monotonic() + 120
        while True:
            answer = self.message(until)
            if answer is None:
                raise SystemExit(f"FAILED: Chromium does not answer {method}")
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise SystemExit(f"FAILED: {method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait(self, event, seconds=120):
        until = time.monotonic() + seconds
        while not any(e.get("method") == event for e in self.events):
            message = self.message(until)
            if message is None:
                raise SystemExit(f"FAILED: no {event} within {seconds} s")
            self.events.append(message)

    def run(self, script):
        """The value of `script`, an expression or a call of a function; promises are awaited."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise SystemExit(f"FAILED: {script[:80]}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def media(self, kind="", scheme="light"):
        self.call("Emulation.setEmulatedMedia", media=kind,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url, until="Page.loadEventFired"):
        """Opens `url` and waits for an event, by default that of a whole page; gives the milliseconds."""
        self.events = [e for e in self.events if e.get("method") != until]
        start = time.monotonic()
        self.call("Page.navigate", url=url)
        self.wait(until)
        return (time.monotonic() - start) * 1000

    def close(self):
        try:
            self.session = None
            self.call("Browser.close")
        except (SystemExit, OSError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def shot(browser, path, whole=False):
    picture = browser.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
    path.write_bytes(base64.b64decode(picture["data"]))


# Pictures are asked for, lazy ones too, and waited for; those that fail are named. Of a large page
# every n-th: decoding thousands takes minutes and tells no more.
PICTURES = """(async () => {
  const bad = [], all = [...document.images], step = Math.ceil(all.length / 400);
  const images = all.filter((_, i) => i % step === 0);
  for (let at = 0; at < images.length; at += 64)
    await Promise.all(images.slice(at, at + 64).map(async (i) => {
      i.loading = "eager";
      try { await i.decode(); } catch { bad.push(i.getAttribute("src")); }
    }));
  return { images: images.length, bad, files: all.map((i) => decodeURI(i.getAttribute("src"))) };
})()"""

# Sorts by every column in both directions: gives columns that are out of order, rows lost, and the longest time.
SORT = """(() => {
  const wrong = [], tables = [...document.querySelectorAll("table[data-filter]")];
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  let longest = 0, sorted = 0;
  for (const table of tables) {
    const body = table.tBodies[0], before = [...body.rows];
    [...table.tHead.rows[0].cells].forEach((head, i) => {
      const values = () => [...body.rows].map((r) => r.cells[i].dataset.v ?? r.cells[i].textContent.trim()).filter((v) => v !== "");
      const numeric = values().length > 0 && values().every((v) => v !== "" && !Number.isNaN(Number(v)));
      for (const direction of ["ascending", "descending"]) {
        const start = performance.now();
        head.querySelector("button").click();
        body.offsetHeight;
        longest = Math.max(longest, performance.now() - start);
        const v = values(), sign = direction === "ascending" ? 1 : -1;
        const bad = v.some((x, k) => k > 0 && sign * (numeric ? v[k - 1] - x : collator.compare(v[k - 1], x)) > 0);
        if (bad || head.getAttribute("aria-sort") !== direction) wrong.push(`${table.dataset.filter} ${i} ${direction}`);
        sorted += 1;
      }
      head.querySelector("button").click();
      if (head.hasAttribute("aria-sort") || before.some((r, k) => body.rows[k] !== r)) wrong.push(`${table.dataset.filter} ${i} back`);
    });
  }
  return { sorted, wrong, longest };
})()"""

# Filters clips by the name of the last, then by each chip; sheets must follow their rows.
FILTER = """(() => {
  const wrong = [];
  let longest = 0;
  const table = document.querySelector("#clips table");
  const tools = table.closest("section").querySelector(".tools");
  const rows = [...table.tBodies[0].rows];
  const sheets = rows.map((r) => document.getElementById(r.dataset.for));
  const timed = (act) => {
    const start = performance.now();
    act();
    document.body.offsetHeight;
    longest = Math.max(longest, performance.now() - start);
  };
  const check = (what, expected) => rows.forEach((r, i) => {
    if ((r.offsetParent !== null) !== expected(r)) wrong.push(`${what}: row ${i}`);
    if (sheets[i].hidden === expected(r)) wrong.push(`${what}: sheet ${i}`);
  });
  const type = (text) => timed(() => {
    const input = tools.querySelector("input");
    input.value = text;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  const last = rows[rows.length - 1].cells[1].textContent;
  type(last.toUpperCase());
  check("name", (r) => r.textContent.toLowerCase().includes(last.toLowerCase()));
  if (!/^1 of /.test(tools.querySelector("output").textContent)) wrong.push("the count is not told");
  type("nothing has this name");
  check("nothing", () => false);
  type("");
  check("all", () => true);
  const chips = [...tools.querySelectorAll("button")];
  for (const chip of chips) {
    timed(() => chip.click());
    const word = chip.textContent.replace(/ [\\d,]+$/, "");
    check(word, (r) => r.cells[0].textContent.trim() === word);
    if (chip.getAttribute("aria-pressed") !== "true") wrong.push(`${word} is not pressed`);
    timed(() => chip.click());
  }
  check("all again", () => true);
  return { chips: chips.length, wrong, longest };
})()"""

ANCHORS = """[...document.querySelectorAll('a[href^="#"]')].map((a) => a.getAttribute("href"))
  .filter((h) => !document.getElementById(h.slice(1)))"""


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("page", type=pathlib.Path)
    args.add_argument("--shots", type=pathlib.Path)
    args.add_argument("--quick", type=float, help="the longest that loading, sorting or filtering may take, ms")
    args = args.parse_args()
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        print("SKIPPED: there is no Chromium: install the package chromium, or set $CHROMIUM", file=sys.stderr)
        return 2
    page = args.page.resolve(strict=True)
    wrong = []

    def check(good, text):
        if not good:
            wrong.append(text)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) if sys.version_info >= (3, 10) \
            else tempfile.TemporaryDirectory() as profile:
        b = Browser(program, profile)
        try:
            for domain in ["Page", "Runtime", "Network", "Log"]:
                b.call(f"{domain}.enable")
            b.size(1440, 900)
            b.media()
            found = {"load_ms": round(b.open(page.as_uri()))}
            found["parts"] = b.run("document.querySelectorAll('#findings,#clips,#verification,#timings,#sheets').length")
            check(found["parts"] == 5, "a section is missing")
            dead = b.run(ANCHORS)
            check(not dead, f"links that lead nowhere: {dead[:5]}")

            light = b.run("getComputedStyle(document.body).backgroundColor")
            if args.shots:
                args.shots.mkdir(parents=True, exist_ok=True)
                b.run("new Promise((done) => setTimeout(done, 300))")
                shot(b, args.shots / "light.png")
                b.run("document.querySelector('article').scrollIntoView()")
                b.run("new Promise((done) => setTimeout(done, 500))")
                shot(b, args.shots / "light-sheets.png")
            b.media(scheme="dark")
            dark = b.run("getComputedStyle(document.body).backgroundColor")
            check(light != dark, "dark mode changes nothing")
            if args.shots:
                b.run("new Promise((done) => setTimeout(done, 300))")
                shot(b, args.shots / "dark-sheets.png")
                b.run("scrollTo(0, 0)")
                shot(b, args.shots / "dark.png")
            b.media(kind="print")
            hidden = b.run("[...document.querySelectorAll('nav,.tools')].every((e) => e.offsetParent === null)")
            check(hidden, "tools of the screen are printed")
            b.media()
            for width in [800, 1440]:
                b.size(width, 900)
                wide = b.run("document.documentElement.scrollWidth")
                check(wide <= width, f"at {width} px the page is {wide} px wide")
                if args.shots and width == 800:
                    shot(b, args.shots / "narrow.png")
                    b.run("document.querySelector('article').scrollIntoView()")
                    b.run("new Promise((done) => setTimeout(done, 500))")
                    shot(b, args.shots / "narrow-sheets.png")

            sort, filtered = b.run(SORT), b.run(FILTER)
            check(sort["sorted"] > 0 and not sort["wrong"], f"sorting: {sort['wrong'][:5]}")
            check(not filtered["wrong"], f"filtering: {filtered['wrong'][:5]}")
            found |= {"sorts": sort["sorted"], "sort_ms": round(sort["longest"]),
                      "chips": filtered["chips"], "filter_ms": round(filtered["longest"])}
            if args.quick:
                for what in ["load_ms", "sort_ms", "filter_ms"]:
                    check(found[what] <= args.quick, f"{what} is {found[what]}, more than {args.quick:.0f}")

            clips = b.run("document.querySelectorAll('#clips tbody tr').length")
            # Chromium lays out a thousand pages of pictures in many minutes and gigabytes.
            if args.shots and clips <= 200:
                pdf = b.call("Page.printToPDF", printBackground=False, preferCSSPageSize=True)
                (args.shots / "print.pdf").write_bytes(base64.b64decode(pdf["data"]))
            pictures = b.run(PICTURES)
            found["pictures"] = pictures["images"]
            missing = [f for f in pictures["files"] if not (page.parent / f).is_file()]
            check(not missing, f"pictures that are not there: {missing[:5]}")
            check(not pictures["bad"], f"pictures that do not load: {pictures['bad'][:5]}")

            b.call("Emulation.setScriptExecutionDisabled", value=True)
            # Without script Chromium loads lazy pictures at once, so that they tell nothing about scrolling.
            b.open(page.as_uri(), "Page.domContentEventFired")
            rows = b.run("document.querySelectorAll('#clips tbody tr').length")
            plain = b.run("document.querySelectorAll('.tools, th button').length")
            check(rows > 0 and plain == 0, "without script the page is not whole, or shows tools that do nothing")
            found["clips"] = rows

            folder = page.parent.as_uri() + "/"
            asked = [e["params"]["request"]["url"] for e in b.events if e.get("method") == "Network.requestWillBeSent"]
            found["requests"] = len(asked)
            check(asked, "no request was seen: the check is blind")
            strange = [u for u in asked if not u.startswith((folder, "data:"))]
            check(not strange, f"requests beyond the report's folder: {strange[:5]}")
            for e in b.events:
                said = {"Runtime.consoleAPICalled": "args", "Runtime.exceptionThrown": "exceptionDetails",
                        "Log.entryAdded": "entry"}.get(e.get("method"))
                if said:
                    check(False, f"the console says {json.dumps(e['params'][said])[:300]}")
        finally:
            b.close()
    print(json.dumps(found))
    for text in wrong:
        print(f"FAILED: {text}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
