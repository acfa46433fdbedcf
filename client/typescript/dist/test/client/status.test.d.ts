export {};
//# sourceMappingURL=status.test.d.ts.map