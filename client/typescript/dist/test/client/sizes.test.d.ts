export {};
//# sourceMappingURL=sizes.test.d.ts.map