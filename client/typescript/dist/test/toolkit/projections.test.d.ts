export {};
//# sourceMappingURL=projections.test.d.ts.map