export {};
//# sourceMappingURL=decisions.test.d.ts.map