export {};
//# sourceMappingURL=json.test.d.ts.map