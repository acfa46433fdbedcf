// Runs a program of the package for this platform.
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");
const { isatty } = require("node:tty");

/** Returns the path of `annals` or `annals-server` for this platform. */
function findProgram(name) {
  const platform = `annals-server-${process.platform}-${process.arch}`;
  try {
    return require.resolve(`${platform}/bin/${name}`);
  } catch {
    throw new Error(
      `the package ${platform} is not installed; install annals-server with optional dependencies. If there is no ` +
        "such package, build Annals from source",
    );
  }
}

/** Runs a program with this process's arguments, in place of this process or as its child. */
function run(name) {
  try {
    const program = findProgram(name);
    const options = process.argv.slice(2);
    // From Node.js 22.15 on. Signals and the exit code are then the program's own.
    if (process.execve !== undefined) process.execve(program, [program, ...options], process.env);
    runAsChild(program, options);
  } catch (error) {
    fail(error);
  }
}

/** Forwards signals to the child, and ends with its exit code. */
function runAsChild(program, options) {
  const child = spawn(program, options, { stdio: "inherit" });
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  // A terminal sends Ctrl-C to the child, too, and a second signal would stop the server before it has drained.
  const hasTerminal = [0, 1, 2].some((descriptor) => isatty(descriptor));
  process.on("SIGINT", () => hasTerminal || child.kill("SIGINT"));
  child.on("error", fail);
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function fail(error) {
  console.error(`error: ${error.message}`);
  process.exit(1);
}

module.exports = { findProgram, run };
