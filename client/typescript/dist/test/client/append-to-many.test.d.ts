export {};
//# sourceMappingURL=append-to-many.test.d.ts.map