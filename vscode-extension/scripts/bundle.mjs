// Fills bundled/: the server, what it needs, and the script that starts it.
// --link links the server's source instead of copying it, for work on the server itself.
// PYTHON names the Python whose pip is used (python3).
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";

const extension = fileURLToPath(new URL("..", import.meta.url));
const source = `${extension}../server`;
const bundled = `${extension}bundled`;
const python = process.env.PYTHON ?? "python3";
const link = process.argv.includes("--link");

rmSync(bundled, { recursive: true, force: true });
mkdirSync(bundled);

// The target version is the oldest one served, so that back-ports which only it needs are there.
const pip = spawnSync(
  python,
  [
    ...["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"],
    ...["--target", `${bundled}/libs`, "--python-version", "3.10", "--only-binary", ":all:"],
    ...["--requirement", `${extension}python/requirements.txt`],
  ],
  { stdio: "inherit" },
);
if (pip.status !== 0) {
  console.error(`bundle: pip failed (${python})`);
  process.exit(1);
}
for (const name of ["aftershock", "aftershock_agent"]) {
  const target = `${bundled}/libs/${name}`;
  if (link) {
    symlinkSync(`${source}/${name}`, target);
  } else {
    cpSync(`${source}/${name}`, target, { recursive: true, filter: (path) => !path.includes("__pycache__") });
  }
}
rmSync(`${bundled}/libs/bin`, { recursive: true, force: true });
cpSync(`${extension}python/serve.py`, `${bundled}/serve.py`);
