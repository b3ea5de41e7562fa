// Verifies an evidence pack with the page /verify in a headless Chromium, and says what the page said.
//
//   node verify-page.mjs URL PACK [--vkey KEY] [--policy FILE]      CHROMIUM names the browser (default: chromium)
//
// URL is that of a running server. Prints the verdict, then each fact as `NAME: VALUE`, then what is wrong. Needs Node 20.
// Exit: 0 verified, 1 anything else that the page said, 64 usage, 69 no browser or no page.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [url, pack, ...options] = process.argv.slice(2);
if (!pack) {
  console.error("usage: verify-page.mjs URL PACK [--vkey KEY] [--policy FILE]");
  process.exit(64);
}
const option = (name) => (options.includes(name) ? options[options.indexOf(name) + 1] : "");
const profile = mkdtempSync(join(tmpdir(), "verify-page-"));
const browser = spawn(
  process.env.CHROMIUM ?? "chromium",
  ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${profile}`, "--remote-debugging-pipe"],
  { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
let isEnding = false;
const end = (status, reason) => {
  if (isEnding) return;
  isEnding = true;
  if (reason) console.error(reason);
  const leave = () => {
    // Its children may still write for a moment: what is left of the profile is no reason to fail.
    try {
      rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    } catch {}
    process.exit(status);
  };
  if (browser.exitCode !== null || !browser.pid) return leave();
  browser.once("exit", leave);
  browser.kill("SIGKILL");
};
browser.on("error", (error) => end(69, `no browser: ${error.message}`));
setTimeout(() => end(69, "the page gave no answer within a minute"), 60000).unref();

// The DevTools protocol over pipes: JSON texts, each ended by NUL.
let number = 0;
let rest = "";
const waiting = new Map();
browser.stdio[4].on("data", (data) => {
  const texts = (rest + data).split("\0");
  rest = texts.pop();
  for (const text of texts) {
    const message = JSON.parse(text);
    const call = waiting.get(message.id);
    if (!call) continue;
    waiting.delete(message.id);
    message.error ? call.reject(new Error(message.error.message)) : call.resolve(message.result);
  }
});
const send = (method, params = {}, sessionId) => new Promise((resolve, reject) => {
  waiting.set(++number, { resolve, reject });
  browser.stdio[3].write(JSON.stringify({ id: number, method, params, sessionId }) + "\0");
});

try {
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const page = (method, params) => send(method, params, sessionId);
  const evaluate = async (expression) => (await page("Runtime.evaluate", { expression, returnByValue: true })).result.value;
  const until = async (expression) => {
    for (;;) {
      const value = await evaluate(expression);
      if (value) return value;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await page("Page.navigate", { url: `${url}/verify` });
  await until("location.pathname === '/verify' && document.readyState === 'complete' && Boolean(document.getElementById('form'))");
  const { root } = await page("DOM.getDocument");
  const { nodeId } = await page("DOM.querySelector", { nodeId: root.nodeId, selector: "#file" });
  await page("DOM.setFileInputFiles", { nodeId, files: [resolve(pack)] });
  const policy = option("--policy");
  const fill = (id, text) => evaluate(`document.getElementById(${JSON.stringify(id)}).value = ${JSON.stringify(text)}`);
  await fill("vkey", option("--vkey"));
  await fill("policy", policy ? readFileSync(policy, "utf8") : "");
  await evaluate("document.querySelector('button[type=submit]').click()");
  await until("!document.getElementById('result').hidden && !document.querySelector('button[type=submit]').disabled");
  const said = await evaluate(`JSON.stringify({
    verdict: document.getElementById("verdict").textContent,
    facts: [...document.querySelectorAll("#facts dt")].map((name) => name.textContent + ": " + name.nextSibling.textContent),
    problems: [...document.querySelectorAll("#problems li")].map((item) => item.textContent),
  })`);
  const { verdict, facts, problems } = JSON.parse(said);
  console.log([verdict, ...facts, ...problems].join("\n"));
  end(verdict.startsWith("Verified") ? 0 : 1);
} catch (error) {
  end(69, error.message);
}
