export {};
//# sourceMappingURL=endpoints.test.d.ts.map