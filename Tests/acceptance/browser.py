"""A headless Chromium as a person uses it: by mouse and by keys. Speaks the DevTools protocol over pipes."""
import base64, json, os, queue, subprocess, tempfile, threading, time

KEYS = {
    "Enter": ("Enter", 13, "\r"), "Tab": ("Tab", 9, None), "Escape": ("Escape", 27, None),
    "ArrowDown": ("ArrowDown", 40, None), "ArrowUp": ("ArrowUp", 38, None), "ArrowRight": ("ArrowRight", 39, None),
    "ArrowLeft": ("ArrowLeft", 37, None), "Space": ("Space", 32, " "),
}


class Browser:
    """One tab. `complaints` gathers what no page may do: errors, requests elsewhere, broken policies."""

    def __init__(self, origin):
        self.origin, self.complaints, self.expected_status = origin, [], set()
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        command = [
            os.environ.get("CHROMIUM", "chromium"), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--hide-scrollbars", "--remote-debugging-pipe", f"--user-data-dir={self.profile.name}"]
        # The protocol wants the descriptors 3 and 4.
        self.process = subprocess.Popen(
            ["sh", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "sh"] + command,
            pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.out, self.number, self.answers, self.events = ours_out, 0, {}, queue.Queue()
        self.arrived = threading.Condition()
        threading.Thread(target=self._read, args=(ours_in,), daemon=True).start()
        self.session = None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.send("Emulation.setFocusEmulationEnabled", enabled=True)
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility", "DOM"):
            self.send(domain + ".enable")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.profile.cleanup()

    def _read(self, descriptor):
        rest = b""
        while data := os.read(descriptor, 1 << 16):
            *texts, rest = (rest + data).split(b"\0")
            for text in texts:
                message = json.loads(text)
                with self.arrived:
                    if "id" in message:
                        self.answers[message["id"]] = message
                    else:
                        self._note(message["method"], message.get("params", {}))
                    self.arrived.notify_all()

    def _note(self, method, params):
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append("exception: " + details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append("console: " + " ".join(str(part.get("value")) for part in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            entry = params["entry"]
            if not any(f"status of {status}" in entry["text"] for status in self.expected_status):
                self.complaints.append("log: " + entry["text"] + " " + entry.get("url", ""))
        elif method == "Network.requestWillBeSent":
            url = params["request"]["url"]
            if not url.startswith((self.origin + "/", "data:", "about:")):
                self.complaints.append("request elsewhere: " + url)
        self.events.put(method)

    def send(self, method, **params):
        with self.arrived:
            self.number += 1
            number = self.number
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        deadline = time.time() + 30
        with self.arrived:
            while number not in self.answers:
                if not self.arrived.wait(deadline - time.time()):
                    raise SystemExit("the browser does not answer: " + method)
            answer = self.answers.pop(number)
        if "error" in answer:
            raise SystemExit(f"{method}: {answer['error']['message']}")
        return answer["result"]

    # What a page says

    def evaluate(self, expression):
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise SystemExit(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, what, expression, seconds=15):
        """Waits until an expression is true on the page as it is then."""
        deadline = time.time() + seconds
        while time.time() < deadline:
            answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
            if answer["result"].get("value"):
                return answer["result"]["value"]
            time.sleep(0.03)
        text = self.evaluate("location.href + '\\n' + document.body.innerText.slice(0, 2000)")
        raise SystemExit(f"not seen: {what}\non {text}")

    def says(self, text):
        self.until(f"“{text}”", f"document.body?.innerText.includes({json.dumps(text)})")

    def at(self, path):
        self.until(path, f"location.pathname === {json.dumps(path)} && document.readyState === 'complete'")

    def settled(self):
        self.until("the whole page", "document.readyState === 'complete'")

    def go(self, path):
        self.send("Page.navigate", url=path if path.startswith("about:") else self.origin + path)

    def open(self, path):
        self.go(path)
        self.until(path, f"location.href.startsWith({json.dumps(self.origin + path.split('#')[0])}) && document.readyState === 'complete'")

    # What a person does

    def place(self, selector):
        """The middle of an element, scrolled to."""
        box = self.until(selector, f"""(() => {{
            const found = document.querySelector({json.dumps(selector)});
            if (!found) return null;
            found.scrollIntoView({{block: 'center'}});
            const box = found.getBoundingClientRect();
            return box.width > 0 ? [box.x + box.width / 2, box.y + box.height / 2] : null;
        }})()""")
        return box

    def click(self, selector):
        x, y = self.place(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def drag(self, start, end):
        for kind, (x, y), buttons in (("mousePressed", start, 1), ("mouseMoved", end, 1), ("mouseReleased", end, 0)):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=buttons, clickCount=1)

    def type(self, text):
        self.send("Input.insertText", text=text)

    def key(self, name, shift=False):
        key, code, text = KEYS[name] if name in KEYS else (name, ord(name.upper()), name)
        common = {"key": name if name != "Space" else " ", "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
        self.send("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)

    def choose(self, text, limit=20):
        """Goes down a list of candidates to one of them."""
        for _ in range(limit):
            self.key("ArrowDown")
            if self.evaluate("document.querySelector('[role=option][aria-selected=true]')?.textContent") == text:
                return
        raise SystemExit(f"no candidate {text}")

    def focused(self):
        return self.evaluate("(document.activeElement?.innerText || document.activeElement?.id || '').trim()")

    def tab_to(self, text, limit=80):
        """Presses Tab until what has the focus bears a text."""
        for _ in range(limit):
            self.key("Tab")
            if text in self.focused():
                return
        raise SystemExit(f"no way by keys to “{text}”")

    def select_all(self):
        """Marks what a field holds, as Control-A does."""
        common = {"key": "a", "code": "KeyA", "windowsVirtualKeyCode": 65, "modifiers": 2}
        self.send("Input.dispatchKeyEvent", type="keyDown", commands=["selectAll"], **common)
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)

    def choose_file(self, selector, path):
        """What the system's own dialogue would come to."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", files=[path], nodeId=node)

    # What is looked at

    def size(self, width, height=900, theme="light"):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])

    def picture(self, file, whole=True):
        shot = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        with open(file, "wb") as out:
            out.write(base64.b64decode(shot["data"]))

    def nameless(self):
        """Controls without a name for screen readers."""
        wrong = []
        for node in self.send("Accessibility.getFullAXTree")["nodes"]:
            role = node.get("role", {}).get("value")
            if node.get("ignored") or role not in ("button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio"):
                continue
            if not node.get("name", {}).get("value", "").strip():
                wrong.append(f"{role} {node.get('backendDOMNodeId')}")
        return wrong

    def faint(self):
        """Text whose contrast is below 4.5 to 1 (WCAG 2.2, 1.4.3)."""
        return self.evaluate(CONTRAST)


CONTRAST = """(() => {
  const parse = (text) => (text.match(/[0-9.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] > 0.99) return color;
    }
    return [255, 255, 255];
  };
  const wrong = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const box = element.getBoundingClientRect();
    if (!own || box.width < 2 || box.height < 2 || element.closest(".unseen, svg, [disabled]")) continue;
    let opacity = 1;
    for (let at = element; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
    const back = ground(element);
    const front = parse(getComputedStyle(element).color).slice(0, 3).map((c, i) => c * opacity + back[i] * (1 - opacity));
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) wrong.push(`${element.tagName.toLowerCase()}.${element.className} “${element.textContent.trim().slice(0, 30)}” ${ratio.toFixed(2)}`);
  }
  return wrong;
})()"""
