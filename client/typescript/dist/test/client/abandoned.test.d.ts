export {};
//# sourceMappingURL=abandoned.test.d.ts.map