#!/usr/bin/python3
"""Draws the pictures of the README anew, from what the programs print and a
browser shows of a made fleet; needs python3-rich beside what tests need.

    tests/page/pictures.py build OUT
"""

import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

from rich.console import Console
from rich.text import Text

from browser import look, open_browser

# The fleet's last night, and a host that got a listener in it.
BEGIN, END = "2026-01-07T00:00:00Z", "2026-01-08T00:00:00Z"
COLUMNS = 126
SHOWN = (  # a command, and how many lines of what it prints
    (f"posture -l zone=osaka --at {END}", 9),
    ("ssh who app-0009", 9),
    (f"report drift web-0003 --from {BEGIN} --to {END}", 11),
)


def configure(programs, folder, state):
    """A controller of the store in `state`, and metsukectl's settings."""
    authority = [programs / "metsuke-ca", "--state", folder / "ca"]
    subprocess.run([*authority, "init"], check=True, capture_output=True)
    for role in ("controller", "operator"):
        subprocess.run([*authority, "issue", role, "picture", "--out",
                        folder / role], check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"

    def keys(role):
        return "".join(f"{key}: {folder}/{role}/{name}.pem\n"
                       for key, name in (("certificate", "certificate"),
                                         ("key", "key"), ("root", "root")))
    (folder / "controller.yaml").write_text(
        f"listen: {address}\nstate: {state}\nauthority: {folder}/ca.socket\n"
        + keys("controller"))
    (folder / "ctl.yaml").write_text(f"controller: {address}\n" + keys("operator"))


def says(ctl, words):
    """What a command prints on a terminal with colours."""
    done = subprocess.run(
        ["script", "-qec", f"stty cols {COLUMNS}; {ctl} --color always {words}",
         "/dev/null"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False, env=os.environ | {"LC_ALL": "C.UTF-8", "TERM": "xterm"})
    if done.returncode not in (0, 2, 3):
        sys.exit(f"metsukectl {words}: {done.returncode}: {done.stdout}")
    return done.stdout.replace("\r\n", "\n").splitlines()


def draw_terminal(ctl, path):
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere,
                          force_terminal=True, color_system="truecolor")
        for words, lines in SHOWN:
            console.print(Text(f"$ metsukectl {words}", style="bold"))
            said = says(ctl, words)
            for line in said[:lines]:
                console.print(Text.from_ansi(line), crop=True, no_wrap=True)
            if len(said) > lines:
                console.print(Text("…"))
            console.print()
        svg = console.export_svg(title="metsukectl")
    # It must not fetch a font from anywhere.
    svg = re.sub(r"@font-face \{.*?\}\n|<!--.*?-->\n", "", svg,
                 flags=re.DOTALL)
    path.write_text(svg.replace("Fira Code", "DejaVu Sans Mono"),
                    encoding="utf-8")


def draw_page(page, path):
    with tempfile.TemporaryDirectory(prefix="metsuke-browser.") as folder:
        browser = open_browser(folder)
        try:
            look(browser, page, 1280, "light")
            browser.save_screenshot(str(path))
        finally:
            browser.quit()


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    build, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="metsuke-pictures.") as name:
        folder = pathlib.Path(name)
        state = folder / "state"
        state.mkdir()
        subprocess.run([build / "tests/metsuke-page-fleet", folder, "60"],
                       check=True)
        configure(build / "bin", folder, state)
        with open(folder / "log", "w", encoding="utf-8") as log, \
             subprocess.Popen([build / "bin/metsuke-controller", "--config",
                               folder / "controller.yaml"], stdout=log,
                              stderr=log) as controller:
            try:
                ctl = f"{build}/bin/metsukectl -c {folder}/ctl.yaml"
                for _ in range(100):
                    if subprocess.run(f"{ctl} host list", shell=True, check=False,
                                      capture_output=True).returncode == 0:
                        break
                    time.sleep(0.1)
                draw_terminal(ctl, out / "terminal.svg")
            finally:
                controller.terminate()
        draw_page(folder / "en.html", out / "report.png")


if __name__ == "__main__":
    main()
