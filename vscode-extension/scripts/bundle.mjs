// Fills bundled/: the server, what it needs, and the script that starts it.
// --link links the server's source instead of copying it, for work on the server itself.
// PYTHON names the Python whose pip is used (the repository's own, else python3).
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const extension = fileURLToPath(new URL("..", import.meta.url));
const source = `${extension}../server`;
const bundled = `${extension}bundled`;
const own = `${extension}../.venv/bin/python`;
const python = process.env.PYTHON ?? (existsSync(own) ? own : "python3");
const link = process.argv.includes("--link");

// What is installed stays while its requirements do: a second packaging takes no network.
const requirements = readFileSync(`${extension}python/requirements.txt`, "utf8");
const stamp = `${bundled}/requirements.txt`;
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== requirements) {
  install();
}
writeFileSync(stamp, requirements);

function install() {
  rmSync(bundled, { recursive: true, force: true });
  mkdirSync(bundled);
  // pip takes wheels for the oldest Python served, which every later one can use.
  const pip = spawnSync(
    python,
    [
      ...["-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-compile"],
      ...["--target", `${bundled}/libs`, "--python-version", "3.10", "--only-binary", ":all:"],
      ...["--requirement", `${extension}python/requirements.txt`],
    ],
    { stdio: "inherit" },
  );
  if (pip.status !== 0) {
    console.error(`bundle: pip failed (${python})`);
    process.exit(1);
  }
  rmSync(`${bundled}/libs/bin`, { recursive: true, force: true });
}

for (const name of ["aftershock", "aftershock_agent"]) {
  const target = `${bundled}/libs/${name}`;
  rmSync(target, { recursive: true, force: true });
  if (link) {
    symlinkSync(`${source}/${name}`, target);
  } else {
    cpSync(`${source}/${name}`, target, { recursive: true, filter: (path) => !path.includes("__pycache__") });
  }
}
cpSync(`${extension}python/serve.py`, `${bundled}/serve.py`);
