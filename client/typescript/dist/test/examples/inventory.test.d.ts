export {};
//# sourceMappingURL=inventory.test.d.ts.map