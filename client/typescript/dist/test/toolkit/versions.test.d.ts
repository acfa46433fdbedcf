export {};
//# sourceMappingURL=versions.test.d.ts.map