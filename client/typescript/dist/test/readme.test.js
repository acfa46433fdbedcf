var __addDisposableResource = (this && this.__addDisposableResource) || function (env, value, async) {
    if (value !== null && value !== void 0) {
        if (typeof value !== "object" && typeof value !== "function") throw new TypeError("Object expected.");
        var dispose, inner;
        if (async) {
            if (!Symbol.asyncDispose) throw new TypeError("Symbol.asyncDispose is not defined.");
            dispose = value[Symbol.asyncDispose];
        }
        if (dispose === void 0) {
            if (!Symbol.dispose) throw new TypeError("Symbol.dispose is not defined.");
            dispose = value[Symbol.dispose];
            if (async) inner = dispose;
        }
        if (typeof dispose !== "function") throw new TypeError("Object not disposable.");
        if (inner) dispose = function() { try { inner.call(this); } catch (e) { return Promise.reject(e); } };
        env.stack.push({ value: value, dispose: dispose, async: async });
    }
    else if (async) {
        env.stack.push({ async: true });
    }
    return value;
};
var __disposeResources = (this && this.__disposeResources) || (function (SuppressedError) {
    return function (env) {
        function fail(e) {
            env.error = env.hasError ? new SuppressedError(e, env.error, "An error was suppressed during disposal.") : e;
            env.hasError = true;
        }
        var r, s = 0;
        function next() {
            while (r = env.stack.pop()) {
                try {
                    if (!r.async && s === 1) return s = 0, env.stack.push(r), Promise.resolve().then(next);
                    if (r.dispose) {
                        var result = r.dispose.call(r.value);
                        if (r.async) return s |= 2, Promise.resolve(result).then(next, function(e) { fail(e); return next(); });
                    }
                    else s |= 1;
                }
                catch (e) {
                    fail(e);
                }
            }
            if (s === 1) return env.hasError ? Promise.reject(env.error) : Promise.resolve();
            if (env.hasError) throw env.error;
        }
        return next();
    };
})(typeof SuppressedError === "function" ? SuppressedError : function (error, suppressed, message) {
    var e = new Error(message);
    return e.name = "SuppressedError", e.error = error, e.suppressed = suppressed, e;
});
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
    const options = {
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
        getCanonicalFileName: (name) => name,
        getCurrentDirectory: () => folder,
        getNewLine: () => "\n",
    };
    assert.equal(ts.formatDiagnostics(diagnostics, host), "");
});
test("the README's first program works", async () => {
    const env_1 = { stack: [], error: void 0, hasError: false };
    try {
        const server = __addDisposableResource(env_1, await TestServer.start(), true);
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
        }
        finally {
            await rm(elsewhere, { recursive: true });
        }
    }
    catch (e_1) {
        env_1.error = e_1;
        env_1.hasError = true;
    }
    finally {
        const result_1 = __disposeResources(env_1);
        if (result_1)
            await result_1;
    }
});
//# sourceMappingURL=readme.test.js.map