/** Runs the README's first program as a new user would: type-checked, and against a fresh server. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import ts from "typescript";

import { TestServer } from "../src/testing/index.js";

const folder = fileURLToPath(new URL("../readme/", import.meta.url));
const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const programs = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, program]) => program ?? "");

test("the README's programs are well typed", () => {
  mkdirSync(folder, { recursive: true });
  const files = programs.map((program, n) => {
    const file = join(folder, `program-${n}.ts`);
    // The last program shows only options.
    writeFileSync(file, program.includes("import") ? program : `import { Client } from "annals-client";\n${program}`);
    return file;
  });
  assert.ok(files.length >= 3);
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
    types: ["node"],
  };
  const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram(files, options));
  const host = {
    getCanonicalFileName: (name: string) => name,
    getCurrentDirectory: () => folder,
    getNewLine: () => "\n",
  };
  assert.equal(ts.formatDiagnostics(diagnostics, host), "");
});

test("the README's first program works", async () => {
  await using server = await TestServer.start();
  const elsewhere = await mkdtemp(join(tmpdir(), "annals-readme-"));
  try {
    mkdirSync(folder, { recursive: true });
    const program = (programs[0] ?? "").replace("http://127.0.0.1:2113", server.endpoint);
    const { outputText } = ts.transpileModule(program, {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
    });
    const file = join(folder, "program.js");
    writeFileSync(file, outputText);
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], {
      cwd: elsewhere,
      timeout: 60_000,
    });
    assert.match(stdout, /^\[\s+\{\s+id: 'order-[0-9a-f-]{36}',\s+customer: 'ada',\s+status: 'placed'\s+\}\s+\]\n$/);
    assert.equal(stderr, "");
  } finally {
    await rm(elsewhere, { recursive: true });
  }
});
