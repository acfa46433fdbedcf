export {};
//# sourceMappingURL=orders.test.d.ts.map