export {};
//# sourceMappingURL=command-handler.test.d.ts.map