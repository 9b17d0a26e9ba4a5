#!/usr/bin/python3
"""Opens the pages of a made fleet in a browser, as their readers do, and looks
at what no text of a page tells: what is drawn, asked for, hidden and printed.

    tests/page/browser.py build/tests/metsuke-page-fleet
"""

import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select
except ImportError:
    sys.exit("install python3-selenium")

HERE = pathlib.Path(__file__).parent
SECONDS = 85
WIDTHS = (360, 768, 1280)
failures = []


def check(what, good, got=""):
    print(f"{'ok  ' if good else 'FAIL'} {what}{'' if good else f': {got}'}")
    if not good:
        failures.append(what)


def needed(program, package):
    path = shutil.which(program)
    if path is None:
        sys.exit(f"{program} is missing: install {package}")
    return path


def open_browser(folder):
    options = webdriver.ChromeOptions()
    options.binary_location = needed("chromium", "chromium")
    for argument in (
            "--headless=new",
            # Tests run as root, for whom Chromium's own sandbox does not start.
            # What is opened is ours and asks nobody on the network.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            # What the browser asks for by itself is not what the page asks for.
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            f"--user-data-dir={folder}/profile"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs",
                           {"browser": "ALL", "performance": "ALL"})
    # Its caches go where they are removed.
    os.environ["HOME"] = os.environ["XDG_CONFIG_HOME"] = str(folder)
    os.environ["XDG_CACHE_HOME"] = str(folder)
    browser = webdriver.Chrome(
        service=Service(needed("chromedriver", "chromium-driver")),
        options=options)
    browser.set_page_load_timeout(20)
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": """
        window.broken = []; window.alerts = 0;
        window.alert = () => { ++window.alerts; };
        addEventListener('securitypolicyviolation', event =>
            window.broken.push(event.violatedDirective + ' ' + event.blockedURI));"""})
    return browser


def asked_for(browser):
    """Addresses that were asked for since the last time."""
    addresses = []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            addresses.append(message["params"]["request"]["url"])
    return addresses


def look(browser, page, width, scheme):
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
        "media": "screen",
        "features": [{"name": "prefers-color-scheme", "value": scheme}]})
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
    browser.get(page.as_uri())


def visible(browser, selector):
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])]"
        ".filter(e => e.checkVisibility()).map(e => e.textContent)", selector)


def loads_quietly(browser, page):
    browser.get_log("browser")
    asked_for(browser)
    look(browser, page, 1280, "light")
    log = browser.get_log("browser")
    check(f"{page.name}: the console stays empty", not log, log)
    broken = browser.execute_script("return window.broken")
    check(f"{page.name}: its own policy lets it do all it does", not broken, broken)
    asked = [url for url in asked_for(browser) if url != page.as_uri()]
    check(f"{page.name}: nothing is asked for beside the page", not asked, asked)
    styled = browser.execute_script(
        "return getComputedStyle(document.querySelector('.figures')).display")
    check(f"{page.name}: its style is in force", styled == "grid", styled)
    check(f"{page.name}: so is its script",
          browser.find_element(By.ID, "filter").is_displayed())


def keeps_hosts_inert(browser, page):
    look(browser, page, 1280, "light")
    check(f"{page.name}: what the hostile host said can be read",
          any("<img src=x onerror=alert(1)>" in text and r"\u{202e}" in text
              for text in visible(browser, "#hosts .name")))
    made = browser.execute_script("""
        return {images: document.images.length, scripts: document.scripts.length,
                styles: document.querySelectorAll('style').length,
                titles: document.querySelectorAll('head title').length,
                frames: document.querySelectorAll('iframe, object, embed, base').length,
                handlers: [...document.querySelectorAll('*')].filter(e =>
                    [...e.attributes].some(a => a.name.startsWith('on'))).length,
                alerts: window.alerts}""")
    check(f"{page.name}: and made no element and called nothing",
          made == {"images": 0, "scripts": 1, "styles": 1, "titles": 1,
                   "frames": 0, "handlers": 0, "alerts": 0}, made)
    # Were an encoder to fail, the policy would still stand.
    broken = browser.execute_async_script("""
        const done = arguments[0];
        document.body.insertAdjacentHTML('beforeend',
            '<img src="x" onerror="alert(3)"><b style="color: red">x</b>');
        const script = document.createElement('script');
        script.textContent = 'alert(4)';
        document.body.append(script);
        fetch('https://192.0.2.1/').catch(() => 0);
        setTimeout(() => done([window.alerts, window.broken.map(b => b.split(' ')[0])]), 200);""")
    check(f"{page.name}: the policy stops what gets in all the same",
          broken[0] == 0 and {"img-src", "style-src-attr", "script-src-elem",
                              "connect-src"} <= set(broken[1]), broken)
    browser.get_log("browser")


def filters(browser, page):
    look(browser, page, 1280, "light")
    all_hosts = len(visible(browser, "#hosts .host"))
    all_controls = len(visible(browser, "#controls .control"))
    words = browser.find_element(By.ID, "words")
    words.send_keys("DB-0006")
    hosts = visible(browser, "#hosts .host")
    check("a search leaves the hosts it finds",
          len(hosts) == 1 and "db-0006" in hosts[0], hosts)
    controls = visible(browser, "#controls .control")
    check("and the controls that fail on them",
          0 < len(controls) < all_controls and
          any("port-database-local" in text for text in controls),
          len(controls))
    words.send_keys(" no such thing")
    check("what is not there finds nothing, and that is said",
          visible(browser, "#hosts .host, #controls .control, .change") == [] and
          len(visible(browser, ".nothing")) >= 2)
    words.clear()
    words.send_keys(" ")
    check("without words all of it is there again",
          len(visible(browser, "#hosts .host")) == all_hosts)
    severity = Select(browser.find_element(By.ID, "severity"))
    severity.select_by_value("4")
    critical = browser.execute_script(
        "return [...document.querySelectorAll('#controls .control')]"
        ".filter(e => e.checkVisibility()).map(e => e.dataset.s)")
    check("from critical on there are critical ones alone",
          critical and set(critical) == {"4"}, critical)
    severity.select_by_value("0")
    browser.find_element(By.ID, "only-blind").click()
    blind = visible(browser, "#hosts .host")
    check("what was not seen can be looked at alone",
          any("web-0012" in text for text in blind) and
          visible(browser, "#hosts .host:not([data-b])") == [])
    shown = browser.find_element(By.ID, "shown").text
    count = len(visible(browser, "#changes .item, #hosts .item, #controls .item"))
    check("the number shown is that of what can be seen", shown == str(count),
          (shown, count))


def draws_drift(browser, page, facts, gaps):
    """Of each time of the table there is a column, on the axis of the score."""
    where = page.name
    for width in WIDTHS:
        look(browser, page, width, "light")
        drawn = browser.execute_script("""
            const boxes = selector => [...document.querySelectorAll(selector)].map(e => {
                const box = e.getBoundingClientRect();
                return [box.left, box.right, box.top, box.bottom]; });
            const head = [...document.querySelectorAll('#trend th')].map(e => e.textContent);
            return {
                rows: [...document.querySelectorAll('#trend tbody tr')].map(row =>
                    Object.fromEntries([...row.cells].map((cell, i) => [head[i], cell.textContent]))),
                zero: boxes('#trend .zero')[0], dots: boxes('#trend .dot'), plot: boxes('#trend .plot:not(.drift)')[0],
                worse: boxes('#trend .drift .worse'), better: boxes('#trend .drift .better'),
                facts: boxes('#trend .lane .facts'), blind: boxes('#trend .lane.blind .u'),
                gaps: [boxes('#trend .plot:not(.drift) .u'), boxes('#trend .drift .u')],
                touches: boxes('#trend rect.touch'),
                titles: [...document.querySelectorAll('#trend rect.touch > title')].map(e => e.textContent),
                label: document.querySelector('#trend [role=img]').getAttribute('aria-label')}""")
        at = f"{where}, {width} px"
        times = [row for row in drawn["rows"] if row["Worse"] != "–"]
        count = lambda column: sum(int(row[column]) > 0 for row in times)
        found = [len(drawn["worse"]), len(drawn["better"])]
        check(f"{at}: each time that turned something has a bar",
              found == [count("Worse"), count("Better")] and sum(found) > 0, found)
        zero = (drawn["zero"][2] + drawn["zero"][3]) / 2
        check(f"{at}: worse stands on the line and better hangs from it",
              all(abs(box[3] - zero) < 1.5 and box[2] < zero - .9 for box in drawn["worse"]) and
              all(abs(box[2] - zero) < 1.5 and box[3] > zero + .9 for box in drawn["better"]), drawn)
        ends = sorted(box[1] for box in drawn["touches"])
        check(f"{at}: a column ends where its score stands",
              all(min(abs(end - (dot[0] + dot[1]) / 2) for end in ends + [drawn["plot"][0]]) < 2
                  for dot in drawn["dots"]), (ends, drawn["dots"]))
        check(f"{at}: nights without a report are hatched in both",
              [len(some) for some in drawn["gaps"]] == [gaps, gaps], drawn["gaps"])
        check(f"{at}: what was not seen is drawn", len(drawn["blind"]) == count("Not seen") + gaps > gaps,
              drawn["blind"])
        check(f"{at}: facts that changed are drawn where that is known",
              len(drawn["facts"]) == (count("Facts") if facts else 0) and facts == bool(drawn["facts"]),
              drawn["facts"])
    titles = [title for title in drawn["titles"] if "Worse" in title or "worse" in title]
    check(f"{where}: a touch says what a column stands for",
          len(titles) == len(times) and all(
              f"worse {row['Worse']} · better {row['Better']}" in title and row["Day"] in title
              for row, title in zip(times, titles)), titles)
    worse, better = (sum(int(row[column]) for row in times) for column in ("Worse", "Better"))
    check(f"{where}: who does not see it hears the sums",
          f"worse: {worse}, better: {better};" in drawn["label"], drawn["label"])


def reads_without_script(browser, page):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        look(browser, page, 1280, "light")
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    check("without its script the page is there and the filter is not",
          not browser.find_element(By.ID, "filter").is_displayed() and
          len(visible(browser, "#hosts .host")) > 10)
    browser.find_element(By.CSS_SELECTOR, "#controls .control summary").click()
    check("and a control opens to its evidence",
          len(visible(browser, "#controls .control[open] .evidence")) == 1)


def fits_and_can_be_read(browser, page):
    script = (HERE / "legible.js").read_text()
    for scheme in ("light", "dark"):
        for width in WIDTHS:
            look(browser, page, width, scheme)
            found = browser.execute_script(script)
            where = f"{page.name}, {scheme}, {width} px"
            check(f"{where}: nothing is wider than the screen",
                  not found["wide"], found["wide"])
            check(f"{where}: every text has a contrast of 4.5 at least "
                  f"({found['texts']} texts, least {found['least']:.2f})",
                  not found["faint"] and found["texts"] > 500, found["faint"])


def prints(browser, page, folder, title):
    look(browser, page, 1280, "dark")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    printed = browser.execute_cdp_cmd(
        "Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})
    file = folder / "page.pdf"
    file.write_bytes(base64.b64decode(printed["data"]))
    told = subprocess.run([needed("pdfinfo", "poppler-utils"), file], check=True,
                          capture_output=True, text=True).stdout
    about = {line.split(":")[0]: line.split(":", 1)[1].strip()
             for line in told.splitlines() if ":" in line}
    check(f"{page.name}: it prints to A4", "A4" in about["Page size"], about["Page size"])
    check(f"{page.name}: on some pages ({about['Pages']})",
          1 < int(about["Pages"]) < 80, about["Pages"])
    text = subprocess.run([needed("pdftotext", "poppler-utils"), file, "-"],
                          check=True, capture_output=True, text=True).stdout
    check(f"{page.name}: with its title", title in text, text[:200])
    check(f"{page.name}: and what is folded on a screen, such as evidence",
          "program=mysqld" in text.replace("\n", " "))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if not subprocess.run([needed("fc-list", "fontconfig"), ":lang=ja"],
                          capture_output=True, check=True).stdout:
        sys.exit("no font has Japanese: install fonts-ipafont-gothic")
    # It ends whatever the browser does; what is below then closes it.
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"not done after {SECONDS} s"))
    signal.alarm(SECONDS)
    browser = None
    with tempfile.TemporaryDirectory(prefix="metsuke-page.",
                                     ignore_cleanup_errors=True) as name:
        folder = pathlib.Path(name)
        (folder / "state").mkdir(mode=0o700)
        subprocess.run([sys.argv[1], name, "60"], check=True, timeout=60)
        try:
            browser = open_browser(folder)
            for language, title in (("en", "Fleet report"), ("ja", "サーバー監査報告")):
                page = folder / f"{language}.html"
                loads_quietly(browser, page)
                keeps_hosts_inert(browser, page)
                fits_and_can_be_read(browser, page)
                prints(browser, page, folder, title)
            fits_and_can_be_read(browser, folder / "part.html")
            draws_drift(browser, folder / "en.html", facts=False, gaps=1)
            draws_drift(browser, folder / "part.html", facts=True, gaps=0)
            filters(browser, folder / "en.html")
            reads_without_script(browser, folder / "en.html")
        finally:
            if browser is not None:
                browser.quit()
    print(f"{len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
