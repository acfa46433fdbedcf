export {};
//# sourceMappingURL=trace.test.d.ts.map